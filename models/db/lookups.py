"""Finding a record by its id: here, in another organisation, or nowhere. Master data by key."""

from collections.abc import Sequence
from typing import Any, Final, Never, TypeVar

from models.answers import JsonObject
from models.db.tx import Row, Tx
from models.errors import Refusal
from models.master_data.records import BankAccount, BilledCustomer, LegalEntity


def refuse_missing(tx: Tx, noun: str, record_id: str) -> Never:
    """404 `<NOUN>_NOT_FOUND`, or 403 ORG_CONTEXT_MISMATCH where it is another organisation's."""
    if tx.scalar("SELECT id_in_other_org(:id)", id=record_id):
        raise Refusal("ORG_CONTEXT_MISMATCH", f"{record_id} belongs to another organisation.")
    raise Refusal(f"{noun.upper()}_NOT_FOUND", f"There is no {noun.replace('_', ' ')} {record_id}.")


R = TypeVar("R")


def found(tx: Tx, noun: str, record_id: str, record: R | None) -> R:
    """The record, or the refusal of `refuse_missing`."""
    return record if record is not None else refuse_missing(tx, noun, record_id)


def find(tx: Tx, noun: str, sql: str, record_id: str, **params: Any) -> Row:
    """The row that `sql` (with :id) finds, or the refusal of `refuse_missing`."""
    row = tx.one(sql, id=record_id, **params)
    return row if row is not None else refuse_missing(tx, noun, record_id)


def customer(tx: Tx, customer_id: str) -> BilledCustomer:
    """The customer; one that was erased and stays as a pseudonym for the ledger is not found."""
    sql = "SELECT * FROM customers WHERE org_id = :org AND id = :id AND erased_at IS NULL"
    return found(tx, "customer", customer_id, tx.record(BilledCustomer, sql, id=customer_id))


def entity_override(tx: Tx, customer_id: str, entity_id: str) -> JsonObject:
    """What this legal entity sees differently of the customer; empty where it sees the master."""
    fields: JsonObject | None = tx.scalar(
        "SELECT fields FROM customer_entity_overrides WHERE org_id = :org AND customer_id = :id AND legal_entity_id = :entity",
        id=customer_id,
        entity=entity_id,
    )
    return fields or {}


_LOCKED: Final = " FOR NO KEY UPDATE"
"""Whoever else would change it waits; whoever refers to it does not."""


def legal_entity(tx: Tx, entity_id: str, *, lock: bool = False) -> LegalEntity:
    """The legal entity; 404 LEGAL_ENTITY_NOT_FOUND."""
    sql = "SELECT * FROM legal_entities WHERE org_id = :org AND id = :id" + lock * _LOCKED
    entity = tx.record(LegalEntity, sql, id=entity_id)
    if entity is None:
        raise Refusal("LEGAL_ENTITY_NOT_FOUND", f"There is no legal entity {entity_id}.")
    return entity


def bank_account(tx: Tx, account_id: str, *, lock: bool = False) -> BankAccount:
    """The bank account; 404 BANK_ACCOUNT_NOT_FOUND."""
    sql = "SELECT * FROM bank_accounts WHERE org_id = :org AND id = :id" + lock * _LOCKED
    account = tx.record(BankAccount, sql, id=account_id)
    if account is None:
        raise Refusal("BANK_ACCOUNT_NOT_FOUND", f"There is no bank account {account_id}.")
    return account


def only_one(accounts: Sequence[BankAccount], entity_id: str) -> BankAccount:
    """The legal entity's only bank account, of those that it has; 422 BANK_ACCOUNT_REQUIRED where it has several, or none."""
    if len(accounts) != 1:
        why = "has several bank accounts" if accounts else "has no bank account"
        raise Refusal("BANK_ACCOUNT_REQUIRED", f"Legal entity {entity_id} {why}: name one in bank_account_id.")
    return accounts[0]
