"""What a later file adds to a line that is recorded: kept with the line and its payment, and looked at for invoices."""

from collections.abc import Sequence
from dataclasses import replace

from models.cash.bank_texts import BankText
from models.cash.returned import strong_references
from models.cash.statement_records import BankStatementLine
from models.db.cash import line_identity
from models.facts import Facts
from operations.work import Work

MAX_TEXTS = 400


def add_details(work: Work, pairs: Sequence[tuple[BankStatementLine, BankStatementLine]]) -> list[BankStatementLine]:
    """Adds what the later lines say to those that said it before; answers those that may name other invoices now."""
    before = {_place(line): line for line, _ in pairs}
    after = dict(before)
    for line, later in pairs:
        after[_place(line)] = _completed(after[_place(line)], later)
    more = [after[place] for place in before if after[place] != before[place]]
    for x in more:
        line_identity.add_to_line(work.tx, x)
        was = before[_place(x)]
        added = [name for name in ("payer", "reference", "remittance_text") if getattr(x, name) != getattr(was, name)]
        facts: Facts = {"line": x.line, "added": added, "texts": len(x.texts) - len(was.texts)}
        work.audit(x.statement_id, "statement.line_completed", facts)
        if x.payment_id is not None:
            work.audit(x.payment_id, "payment.details_added", {"statement_id": x.statement_id, **facts})
    return [x for x in more if _may_name_others(before[_place(x)], x)]


def _may_name_others(was: BankStatementLine, now: BankStatementLine) -> bool:
    return was.payer != now.payer or strong_references(was.texts) != strong_references(now.texts)


def _place(x: BankStatementLine) -> tuple[str, int]:
    return x.statement_id, x.line


def _completed(x: BankStatementLine, later: BankStatementLine) -> BankStatementLine:
    """What was missing comes from the later line; what both say stays as it was first said, the other beside it."""
    structured = dict.fromkeys((*x.structured_references, *later.structured_references))
    return replace(
        x,
        payer=x.payer or later.payer,
        reference=x.reference or later.reference,
        remittance_text=x.remittance_text or later.remittance_text,
        structured_references=list(structured),
        texts=_together(x.texts, later.texts),
    )


def _together(texts: Sequence[BankText], later: Sequence[BankText]) -> list[BankText]:
    said = {(text.field, _folded(text.text)) for text in texts}
    return [*texts, *(text for text in later if (text.field, _folded(text.text)) not in said)][:MAX_TEXTS]


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
