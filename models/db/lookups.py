"""Finding a record by its id: here, in another organisation, or nowhere. Master data by key."""

from typing import Any, Never, TypeVar

from models.db.tx import Row, Tx
from models.errors import Refusal


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


def customer(tx: Tx, customer_id: str) -> Row:
    """The master's row; one that was erased and stays as a pseudonym for the ledger is not found."""
    sql = "SELECT * FROM customers WHERE org_id = :org AND id = :id AND erased_at IS NULL"
    return find(tx, "customer", sql, customer_id)


def entity_override(tx: Tx, customer_id: str, entity_id: str) -> dict[str, Any]:
    """What this legal entity sees differently of the customer; empty where it sees the master."""
    found: dict[str, Any] | None = tx.scalar(
        "SELECT fields FROM customer_entity_overrides WHERE org_id = :org AND customer_id = :id AND legal_entity_id = :entity",
        id=customer_id,
        entity=entity_id,
    )
    return found or {}


def legal_entity(tx: Tx, entity_id: str) -> Row:
    sql = "SELECT * FROM legal_entities WHERE org_id = :org AND id = :id"
    row = tx.one(sql, id=entity_id)
    if row is None:
        raise Refusal("LEGAL_ENTITY_NOT_FOUND", f"There is no legal entity {entity_id}.")
    return row


def bank_account(tx: Tx, account_id: str) -> Row:
    row = tx.one("SELECT * FROM bank_accounts WHERE org_id = :org AND id = :id", id=account_id)
    if row is None:
        raise Refusal("BANK_ACCOUNT_NOT_FOUND", f"There is no bank account {account_id}.")
    return row


def only_bank_account(tx: Tx, entity_id: str) -> Row:
    """The legal entity's bank account when it has exactly one."""
    rows = tx.all("SELECT * FROM bank_accounts WHERE org_id = :org AND legal_entity_id = :le LIMIT 2", le=entity_id)
    if len(rows) != 1:
        why = "has several bank accounts" if rows else "has no bank account"
        raise Refusal("BANK_ACCOUNT_REQUIRED", f"Legal entity {entity_id} {why}: name one in bank_account_id.")
    return rows[0]


def setting(tx: Tx, name: str, default: Any) -> Any:
    """An organisation's setting."""
    value = tx.scalar("SELECT settings -> :name FROM organisations WHERE org_id = :org", name=name)
    return default if value is None else value
