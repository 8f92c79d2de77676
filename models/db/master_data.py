"""Master data: listed, looked for, added. Legal entities and bank accounts by id: `models.db.lookups`."""

from collections.abc import Collection, Sequence
from typing import Final

from models.answers import JsonObject, read_row
from models.db.listing import Listing, among
from models.db.tables.bank import bank_accounts
from models.db.tables.customers import dimensions, payment_terms
from models.db.tables.ledger import accounts
from models.db.tables.shared import legal_entities
from models.db.tx import Tx, to_json
from models.master_data.records import (
    BankAccount,
    Dimension,
    LedgerAccount,
    LegalEntity,
    OrganisationSettings,
    PaymentTerms,
)

_ENTITIES: Final = Listing(legal_entities, key=(legal_entities.c.id,), within=among(legal_entities.c.id))
_BANKS: Final = Listing(bank_accounts, key=(bank_accounts.c.id,), within=among(bank_accounts.c.legal_entity_id))
_TERMS: Final = Listing(payment_terms, key=(payment_terms.c.days, payment_terms.c.code), within=None)
_ACCOUNTS: Final = Listing(accounts, key=(accounts.c.code,), within=None)
_DIMENSIONS: Final = Listing(dimensions, key=(dimensions.c.type, dimensions.c.code), within=None)

SETTINGS: Final = "SELECT settings FROM organisations WHERE org_id = :org"
AGENTS: Final = "SELECT settings ->> 'agents' FROM organisations WHERE org_id = :org"
"""What assistants may do (`Agents`); null: they are on."""


def list_legal_entities(
    tx: Tx, entities: Collection[str] | None, after: tuple[str] | None, limit: int
) -> Sequence[LegalEntity]:
    """By id."""
    return [read_row(LegalEntity, row) for row in _ENTITIES.page(tx, entities, after, limit)]


def list_bank_accounts(
    tx: Tx, entities: Collection[str] | None, after: tuple[str] | None, limit: int
) -> Sequence[BankAccount]:
    """By id."""
    return [read_row(BankAccount, row) for row in _BANKS.page(tx, entities, after, limit)]


def change_bank_account(tx: Tx, account: BankAccount) -> None:
    """Give a bank account the name and numbers of the record, at the latest with the commit."""
    tx.later(
        """UPDATE bank_accounts SET name = :name, iban = :iban, account_number = :number, bic = :bic
           WHERE org_id = :org AND id = :id""",
        name=account.name,
        iban=account.iban,
        number=account.account_number,
        bic=account.bic,
        id=account.id,
    )


def change_legal_entity(tx: Tx, entity: LegalEntity) -> None:
    """Give a legal entity the name and the rule of the record, at the latest with the commit."""
    tx.later(
        "UPDATE legal_entities SET name = :name, discount_tax = :tax WHERE org_id = :org AND id = :id",
        name=entity.name,
        tax=entity.discount_tax,
        id=entity.id,
    )


def list_payment_terms(tx: Tx, after: tuple[int, str] | None, limit: int) -> Sequence[PaymentTerms]:
    """The shortest first."""
    return [read_row(PaymentTerms, row) for row in _TERMS.page(tx, None, after, limit)]


def list_accounts(tx: Tx, after: tuple[str] | None, limit: int) -> Sequence[LedgerAccount]:
    """By their numbers."""
    return [read_row(LedgerAccount, row) for row in _ACCOUNTS.page(tx, None, after, limit)]


def list_dimensions(tx: Tx, after: tuple[str, str] | None, limit: int) -> Sequence[Dimension]:
    """By type, then code."""
    return [read_row(Dimension, row) for row in _DIMENSIONS.page(tx, None, after, limit)]


def has_legal_entity(tx: Tx, entity_id: str) -> bool:
    """Whether the organisation has a legal entity of this id."""
    return bool(tx.scalar("SELECT 1 FROM legal_entities WHERE org_id = :org AND id = :id", id=entity_id))


def has_bank_account(tx: Tx, account_id: str) -> bool:
    """Whether the organisation has a bank account of this id."""
    return bool(tx.scalar("SELECT 1 FROM bank_accounts WHERE org_id = :org AND id = :id", id=account_id))


def has_account(tx: Tx, key: str, code: str) -> bool:
    """Whether the chart has an account of this key, or of this number."""
    return bool(
        tx.scalar("SELECT 1 FROM accounts WHERE org_id = :org AND (key = :key OR code = :code)", key=key, code=code)
    )


def has_dimension(tx: Tx, kind: str, code: str) -> bool:
    """Whether the organisation has this value of the dimension."""
    sql = "SELECT 1 FROM dimensions WHERE org_id = :org AND type = :type AND code = :code"
    return bool(tx.scalar(sql, type=kind, code=code))


def set_payment_terms(tx: Tx, terms: PaymentTerms) -> None:
    """Add them, or give them other days and another discount."""
    tx.insert(
        "payment_terms",
        [terms],
        suffix="ON CONFLICT (org_id, code) DO UPDATE SET "
        "days = excluded.days, discount_percent = excluded.discount_percent, discount_days = excluded.discount_days",
    )


def settings_of(tx: Tx) -> OrganisationSettings:
    """The organisation's settings, with the defaults of what it has not chosen."""
    return read_settings(tx.scalar(SETTINGS) or {})


def read_settings(chosen: JsonObject) -> OrganisationSettings:
    """The settings, from what was chosen."""
    return read_row(OrganisationSettings, chosen)


def lock_settings(tx: Tx) -> JsonObject:
    """What the organisation has chosen, without the defaults; nobody changes it meanwhile."""
    chosen: JsonObject = tx.scalar(f"{SETTINGS} FOR UPDATE")
    return chosen


def keep_settings(tx: Tx, chosen: JsonObject) -> None:
    """Keep what a locked organisation has chosen from now on."""
    tx.later("UPDATE organisations SET settings = CAST(:s AS jsonb) WHERE org_id = :org", s=to_json(chosen))
