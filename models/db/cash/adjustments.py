"""Adjustments of invoices: read, listed, undone; and what decides about further ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from models.answers import read_row
from models.authority import AuthorityLimits
from models.cash.adjustments import Adjustment, AdjustmentKind, DiscountTerms
from models.cash.records import Invoice
from models.cash.settling import Granted
from models.db.authority import LIMITS, limits_from
from models.db.listing import Listing, among
from models.db.lookups import found
from models.db.master_data import read_settings
from models.db.tables.cash import adjustments
from models.db.tx import Row, Tx
from models.facts import Facts
from models.master_data.records import DiscountTax

_ADJUSTMENTS: Final = "SELECT * FROM adjustments WHERE org_id = :org"
_LIST: Final = Listing(
    adjustments,
    key=(adjustments.c.id,),
    newest_first=True,
    within=among(adjustments.c.legal_entity_id),
    equal=(adjustments.c.customer_id, adjustments.c.invoice_id, adjustments.c.payment_id, adjustments.c.status),
)


def get(tx: Tx, adjustment_id: str) -> Adjustment:
    """The adjustment; 404 or 403 otherwise."""
    row = tx.record(Adjustment, f"{_ADJUSTMENTS} AND id = :id", id=adjustment_id)
    return found(tx, "adjustment", adjustment_id, row)


def list_adjustments(
    tx: Tx, entities: Collection[str] | None, after: str | None, limit: int, **given: str | None
) -> Sequence[Adjustment]:
    """The newest first."""
    rows = _LIST.page(tx, entities, None if after is None else (after,), limit, **given)
    return [read_row(Adjustment, row) for row in rows]


def of_session(tx: Tx, session_id: str) -> list[Adjustment]:
    """What a session settled without money, the undone ones too."""
    return tx.records(Adjustment, f"{_ADJUSTMENTS} AND session_id = :id ORDER BY id", id=session_id)


def live_of_payment(tx: Tx, payment_id: str) -> list[Adjustment]:
    """Of a locked payment those that were not undone."""
    sql = f"{_ADJUSTMENTS} AND payment_id = :id AND undone_at IS NULL ORDER BY id"
    return tx.records(Adjustment, sql, id=payment_id)


def live_of_application(tx: Tx, application_id: str) -> list[Adjustment]:
    """Of a locked payment's application those that were not undone."""
    sql = f"{_ADJUSTMENTS} AND application_id = :id AND undone_at IS NULL ORDER BY id"
    return tx.records(Adjustment, sql, id=application_id)


def undo(tx: Tx, undone: Sequence[Adjustment], *, on: date, entry_date: date, reason: str) -> None:
    """Mark adjustments of a locked payment as undone on a date, by an entry of another."""
    if undone:
        tx.later(
            """UPDATE adjustments SET undone_at = :at, undone_date = greatest(:day, effective_date),
                 undone_entry_date = :entry_day, undo_reason = :reason WHERE org_id = :org AND id = ANY(:ids)""",
            at=tx.now,
            day=on,
            entry_day=entry_date,
            reason=reason,
            ids=[a.id for a in undone],
        )


@dataclass(frozen=True, slots=True)
class _Sums:
    """What of one kind stands on an invoice, and what of it the caller gave on his own authority."""

    invoice_id: str
    kind: AdjustmentKind
    minor: int
    tax_minor: int
    given: int


_OF_INVOICES: Final = """SELECT invoice_id, kind, sum(amount_minor)::bigint AS minor, sum(tax_minor)::bigint AS tax_minor,
    coalesce(sum(authorised_minor) FILTER (WHERE created_by = :who), 0)::bigint AS given
  FROM adjustments WHERE org_id = :org AND invoice_id = ANY(:ids) AND undone_at IS NULL GROUP BY invoice_id, kind
  UNION ALL SELECT invoice_id, 'write_off', 0, 0, sum(authorised_minor)::bigint FROM write_offs
   WHERE org_id = :org AND invoice_id = ANY(:ids) AND status = 'POSTED' AND created_by = :who GROUP BY invoice_id"""
_RULES: Final = f"""SELECT o.settings, ({LIMITS}) AS limits,
    (SELECT e.discount_tax FROM payments p JOIN legal_entities e ON e.org_id = p.org_id AND e.id = p.legal_entity_id
      WHERE p.org_id = :org AND p.id = :payment) AS discount_tax
  FROM organisations o WHERE o.org_id = :org"""


@dataclass(frozen=True, slots=True)
class Granting:
    """What decides about further adjustments of locked invoices, as it was read."""

    sums: Sequence[_Sums]
    limits: AuthorityLimits
    grace_days: int
    adjusts_tax: bool

    def of(self, invoice: Invoice) -> Granted:
        """The invoice's terms and what it has already."""
        sums = [s for s in self.sums if s.invoice_id == invoice.id]
        return _granted(invoice, sums, self.grace_days, adjusts_tax=self.adjusts_tax)

    @classmethod
    def of_rows(cls, sums: Sequence[Row], rules: Sequence[Row]) -> "Granting":
        """From what the two statements of `granting_asked` answer."""
        (rule,) = rules
        return cls(
            [read_row(_Sums, row) for row in sums],
            limits_from(rule["limits"]),
            read_settings(rule["settings"]).discount_grace_days,
            adjusts_tax=DiscountTax(rule["discount_tax"]) is DiscountTax.ADJUST,
        )


def granting_asked(payment_id: str, invoice_ids: Sequence[str], who: str) -> Sequence[tuple[str, Facts]]:
    """The statements that read what the invoices have already, what `who` gave away on them, and the rules; none where no
    invoice is adjusted. They follow the invoices' locks in one round trip: `Granting.of_rows` reads what they answer."""
    if not invoice_ids:
        return ()
    return (_OF_INVOICES, {"ids": sorted(set(invoice_ids)), "who": who}), (_RULES, {"payment": payment_id})


def _granted(i: Invoice, sums: Sequence[_Sums], grace: int, *, adjusts_tax: bool) -> Granted:
    terms = None
    if i.discount_percent is not None and i.discount_days is not None:
        terms = DiscountTerms(i.discount_percent, i.issue_date + timedelta(days=i.discount_days + grace))
    of_kind = {s.kind: s for s in sums}
    discounts = of_kind.get(AdjustmentKind.DISCOUNT)
    return Granted(
        total_minor=i.total_minor,
        functional_total_minor=i.functional_total_minor,
        functional_currency=i.functional_currency,
        terms=terms,
        tax_minor=i.tax_minor if adjusts_tax else 0,
        discount_minor=discounts.minor if discounts else 0,
        discount_tax_minor=discounts.tax_minor if discounts else 0,
        given={kind: sum(s.given for s in sums if s.kind is kind) for kind in of_kind},
    )
