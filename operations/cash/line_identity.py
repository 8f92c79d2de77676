"""Lines of a statement that are payments already: the same line delivered before, in the same words or in others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from models.cash.same_transaction import names_a_transaction, pair
from models.cash.statement_records import BankStatementLine
from models.db.cash import line_identity
from models.db.cash.line_identity import Amount, ByReference, Recorded
from models.db.tx import Tx

SAME_LINE = "LINE_RECORDED_BEFORE"
AS_PARTS = "LINE_RECORDED_IN_PARTS"
AS_WHOLE = "LINE_RECORDED_AS_SUM"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """What a line is already: a payment, or, without one, a line that waits, or several parts. `said_before`: the line that
    said it first in other words, or at less length."""

    reason: str
    payment_id: str | None
    said_before: BankStatementLine | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """By line: what is recorded already, and the payments that a person must tell it from."""

    duplicates: dict[int, Duplicate] = field(default_factory=dict)
    doubtful: dict[int, list[str]] = field(default_factory=dict)


def recognise(tx: Tx, statement_id: str, bank_account_id: str, lines: Sequence[BankStatementLine]) -> Recognised:
    """What of these lines of a statement is recorded already: to the letter, by the bank's reference, as parts or as a sum."""
    found = Recognised()
    known = line_identity.recorded_before(tx, statement_id, {name for x in lines for name in _names(x)})
    for x in lines:
        exact = next((known[name] for name in reversed(_names(x)) if name in known), None)
        if exact is not None:
            found.duplicates[x.line] = Duplicate(SAME_LINE, exact.payment_id)
    left = [x for x in lines if x.line not in found.duplicates]
    wanted = [w for w in map(_wanted, left) if w.bank_ref or w.entry_ref]
    if wanted:
        _by_reference(tx, statement_id, bank_account_id, wanted, found)
        _by_entry(tx, statement_id, bank_account_id, [w for w in wanted if w.line not in found.duplicates], found)
    return found


def _names(x: BankStatementLine) -> list[str]:
    return [name for name in (x.external_id, x.external_id_before) if name]


def _wanted(x: BankStatementLine) -> ByReference:
    return ByReference(
        x.line,
        x.bank_ref if names_a_transaction(x.bank_ref) else None,
        x.entry_ref if names_a_transaction(x.entry_ref) else None,
        x.entry_minor,
        x.booking_date,
        x.amount_minor,
        x.currency_code,
    )


def _by_reference(
    tx: Tx, statement_id: str, bank_account_id: str, wanted: Sequence[ByReference], found: Recognised
) -> None:
    """Where other statements know the reference, all lines of this one that bear it are paired with theirs, whatever chunk
    they are in: so that none of theirs is taken twice."""
    groups: dict[tuple[object, ...], list[BankStatementLine]] = {}
    for x in line_identity.of_reference(tx, statement_id, bank_account_id, wanted):
        groups.setdefault((x.bank_ref, x.booking_date, x.amount_minor, x.currency_code), []).append(x)
    asked = {w.line for w in wanted}
    for group in groups.values():
        ours = sorted((x for x in group if x.statement_id == statement_id), key=lambda x: x.line)
        theirs = _once(x for x in group if x.statement_id != statement_id)
        alone = len(ours) == len(theirs) == 1  # to the letter it would have been found before
        paired = pair(ours, theirs, () if alone else _exact(tx, statement_id, ours, theirs))
        for n, x in enumerate(ours):
            if x.line not in asked:
                continue
            if n in paired.same:
                before = theirs[paired.same[n]]
                found.duplicates[x.line] = Duplicate(SAME_LINE, before.payment_id, before)
            elif n in paired.doubtful:
                found.doubtful[x.line] = [str(theirs[k].payment_id) for k in paired.doubtful[n] if theirs[k].payment_id]


def _once(lines: Iterable[BankStatementLine]) -> list[BankStatementLine]:
    """Each payment by the first line that was it."""
    first: dict[str, BankStatementLine] = {}
    for x in lines:
        first.setdefault(x.payment_id or x.external_id, x)
    return list(first.values())


def _exact(
    tx: Tx, statement_id: str, ours: Sequence[BankStatementLine], theirs: Sequence[BankStatementLine]
) -> list[tuple[int, int]]:
    """Pairs that say the same to the letter, also where another line of theirs tells what it has become."""
    known: dict[str, Recorded] = line_identity.recorded_before(tx, statement_id, {n for x in ours for n in _names(x)})
    places = {x.payment_id or x.external_id: k for k, x in enumerate(theirs)}
    pairs: list[tuple[int, int]] = []
    for n, x in enumerate(ours):
        exact = next((known[name] for name in reversed(_names(x)) if name in known), None)
        place = None if exact is None else places.get(exact.payment_id or exact.external_id)
        if place is not None and place not in {k for _, k in pairs}:
            pairs.append((n, place))
    return pairs


def _by_entry(
    tx: Tx, statement_id: str, bank_account_id: str, wanted: Sequence[ByReference], found: Recognised
) -> None:
    """A batch that was recorded as a sum and comes again with its parts, or the other way round."""
    for line, parts in line_identity.parts_of(tx, statement_id, bank_account_id, wanted).items():
        payments = {x.payment_id for x in parts}
        found.duplicates[line] = Duplicate(AS_PARTS, payments.pop() if len(payments) == 1 else None)
        found.doubtful.pop(line, None)
    for line, wholes in line_identity.wholes_of(tx, statement_id, bank_account_id, wanted).items():
        found.duplicates[line] = Duplicate(AS_WHOLE, wholes[0].payment_id, wholes[0])
        found.doubtful.pop(line, None)


def by_hand(tx: Tx, bank_account_id: str, lines: Sequence[BankStatementLine]) -> dict[int, list[str]]:
    """Payments recorded by hand that lines look like: their ids, by line."""
    return line_identity.by_hand(tx, bank_account_id, [amount_of(x) for x in lines])


def amount_of(x: BankStatementLine) -> Amount:
    return Amount(x.line, x.amount_minor, x.currency_code, x.booking_date)
