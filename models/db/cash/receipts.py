"""What recording a payment has to know, in one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.answers import read_row
from models.cash.requests import RecordPayment
from models.db.cash.payments import SHOWN, AppliedPayment
from models.db.master_data import SETTINGS, read_settings
from models.db.tx import Tx
from models.master_data.records import BankAccount, BilledCustomer, LegalEntity, OrganisationSettings

_KNOWN: Final = f"SELECT {SHOWN} FROM payments p WHERE p.org_id = :org AND p.external_id = :ext"
_CUSTOMER: Final = "SELECT * FROM customers WHERE org_id = :org AND id = :customer AND erased_at IS NULL"
_ENTITY_ID: Final = """coalesce(CAST(:entity AS text), (SELECT b.legal_entity_id FROM bank_accounts b WHERE b.org_id = :org
  AND b.id = CAST(:bank AS text)), (SELECT c.legal_entity_id FROM customers c WHERE c.org_id = :org AND c.id = :customer))"""
_ENTITY: Final = f"SELECT * FROM legal_entities WHERE org_id = :org AND id = {_ENTITY_ID}"
_BANKS: Final = f"""SELECT * FROM bank_accounts WHERE org_id = :org AND CASE WHEN CAST(:bank AS text) IS NULL
  THEN legal_entity_id = {_ENTITY_ID} ELSE id = :bank END LIMIT 2"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """A payment that was recorded under the external_id, or where a new one would belong: None is what is not there.

    `banks`: the account that was named, else the first two of the legal entity."""

    known: AppliedPayment | None
    customer: BilledCustomer | None
    entity: LegalEntity | None
    banks: Sequence[BankAccount]
    settings: OrganisationSettings


def surroundings_of(tx: Tx, asked: RecordPayment) -> Surroundings:
    """What there is."""
    ids = {"customer": asked.customer_id, "entity": asked.legal_entity_id, "bank": asked.bank_account_id}
    known, customers, entities, banks, settings = tx.batch(
        (_KNOWN, {"ext": asked.external_id}),
        (_CUSTOMER, {"customer": asked.customer_id}),
        (_ENTITY, ids),
        (_BANKS, ids),
        (SETTINGS, {}),
    )
    return Surroundings(
        known=AppliedPayment.of(known[0]) if known else None,
        customer=read_row(BilledCustomer, customers[0]) if customers else None,
        entity=read_row(LegalEntity, entities[0]) if entities else None,
        banks=[read_row(BankAccount, row) for row in banks],
        settings=read_settings(settings[0]["settings"] or {}),
    )
