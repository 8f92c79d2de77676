"""Giving up a balance without a payment: at once within authority, else when those above have approved; and back again."""

from dataclasses import replace
from typing import Final

from models.approvals.approval import Approval, Asked, Authority
from models.approvals.chain import ChangeStatus
from models.authority import AuthorityKind
from models.cash.ledger import Account, JournalEntry, reversing
from models.cash.periods import entry_date
from models.cash.records import Invoice
from models.cash.write_offs import (
    CreateWriteOff,
    ReverseWriteOff,
    WriteOff,
    WriteOffStatus,
    WrittenOffAnswer,
    amount_of,
    worth,
    written_off_answer,
)
from models.db.authority import get as limits_of
from models.db.cash import invoices, payments, write_offs
from models.db.cash.journal import entries_of
from models.db.cash.payments import BalanceChange
from models.db.tx import Tx
from models.errors import Refusal
from models.facts import Fact, Facts
from models.ids import new_id
from models.money import spelt
from operations import execution
from operations.approvals.authority import beyond, roles_of
from operations.approvals.kinds import Kind, register
from operations.approvals.requests import ask
from operations.cash.deductions import withdraw_settled
from operations.cash.restored import Relief, restore_invoices
from operations.runner import operation
from operations.work import Outcome, Work, entry_mark

_FOLLOWS: Final = {
    ChangeStatus.PENDING_APPROVAL: WriteOffStatus.PENDING_APPROVAL,
    ChangeStatus.REJECTED: WriteOffStatus.REJECTED,
    ChangeStatus.WITHDRAWN: WriteOffStatus.WITHDRAWN,
    ChangeStatus.FAILED: WriteOffStatus.FAILED,
}


@operation("create_write_off", CreateWriteOff, WrittenOffAnswer, execution.Posting("WriteOff"))
def create_write_off(work: Work, asked: CreateWriteOff) -> Outcome[WrittenOffAnswer]:
    """201 posted, within the caller's authority; 202 with an approval beyond it. INVOICE_NOT_FOUND, INVOICE_VOID,
    INVOICE_NOT_OPEN, APPLIED_EXCEEDS_BALANCE."""
    locked = payments.lock_invoices(work.tx, [asked.invoice_id])
    i = locked[asked.invoice_id]
    work.require_entity(i.legal_entity_id)
    if (before := _repeated(work, i)) is not None:
        return _answered(work, before, i, replayed=True)
    granting = write_offs.granting(work.tx, i.id, work.cmd.actor)
    amount = amount_of(i, asked.amount_minor, granting.waiting_minor)
    given = worth(i, amount)
    authority = beyond(granting.limits, AuthorityKind.WRITE_OFF, given, work.cmd.roles, granting.given_minor)
    w = _new(work, asked, i, amount, given)
    if authority is not None:
        approval = ask(work, _asked(w, i, authority))
        w = replace(w, approval_id=approval.id)
        work.add("write_offs", [w])
        about = {"approval_id": approval.id, "note": w.note}
        work.audit(w.id, "write_off.submitted", {"after": _facts(w), **about}, reason_code=w.reason_code)
        return _answered(work, w, i)
    w, after = _posted(work, replace(w, authorised_minor=given), i, granting.closed_periods)
    work.add("write_offs", [w])
    return _answered(work, w, after)


def _repeated(work: Work, i: Invoice) -> WriteOff | None:
    """The invoice's latest write-off, where the caller asks just this again and says nothing of a second one: a key does."""
    if work.cmd.key_given:
        return None
    before = write_offs.latest(work.tx, i.id)
    live = {WriteOffStatus.POSTED, WriteOffStatus.PENDING_APPROVAL}
    if before is None or before.status not in live or before.created_by != work.cmd.actor:
        return None
    return before if before.body_hash == work.cmd.body_hash else None


def _new(work: Work, asked: CreateWriteOff, i: Invoice, amount: int, given: int) -> WriteOff:
    return WriteOff(
        id=work.cmd.resource_id or new_id("wo"),
        invoice_id=i.id,
        customer_id=i.customer_id,
        legal_entity_id=i.legal_entity_id,
        amount_minor=amount,
        currency_code=i.currency_code,
        functional_minor=given,
        functional_currency=i.functional_currency,
        authorised_minor=0,
        reason_code=asked.reason_code,
        note=asked.note,
        status=WriteOffStatus.PENDING_APPROVAL,
        approval_id=None,
        body_hash=work.cmd.body_hash,
        created_at=work.now,
        created_by=work.cmd.actor,
    )


def _asked(w: WriteOff, i: Invoice, authority: Authority) -> Asked:
    return Asked(
        kind="write_off",
        subject_id=w.id,
        summary=f"Write off {spelt(w.amount_minor, w.currency_code)} of invoice {i.external_id}",
        href=f"/v1/write-offs/{w.id}",
        roles=roles_of(authority),
        customer_id=w.customer_id,
        legal_entity_id=w.legal_entity_id,
        amount_minor=w.amount_minor,
        currency_code=w.currency_code,
        reason_code=w.reason_code,
        authority=authority,
    )


def _posted(work: Work, w: WriteOff, i: Invoice, closed: "frozenset[str]") -> tuple[WriteOff, Invoice]:
    """Post it on a locked invoice, and move the invoice's balance: DR write_off, CR accounts_receivable."""
    on = max(work.now.date(), i.issue_date)
    day = entry_date(on, closed)
    entry = JournalEntry(new_id("je"), day, "write_off", w.id, w.legal_entity_id, w.functional_currency)
    tags = {"customer_id": w.customer_id, "invoice_id": w.invoice_id}
    entry.debit(Account.WRITE_OFF, w.amount_minor, w.currency_code, w.functional_minor, **tags)
    entry.credit(Account.ACCOUNTS_RECEIVABLE, w.amount_minor, w.currency_code, w.functional_minor, **tags)
    work.post(entry)
    after = replace(
        i,
        balance_due_minor=i.balance_due_minor - w.amount_minor,
        functional_balance_minor=i.functional_balance_minor - w.functional_minor,
    )
    change = BalanceChange(i.id, after.balance_due_minor, after.functional_balance_minor)
    payments.move_balances(work.tx, [change])
    withdraw_settled(work, {i.id: i}, [change])
    done = replace(
        w,
        status=WriteOffStatus.POSTED,
        posted_at=work.now,
        effective_date=on,
        entry_date=day,
        journal_entry_id=entry.id,
    )
    _say_posted(work, done, i, after, entry)
    return done, after


def _say_posted(work: Work, w: WriteOff, i: Invoice, after: Invoice, entry: JournalEntry) -> None:
    facts = _facts(w) | {
        "functional_minor": w.functional_minor, "authorised_minor": w.authorised_minor,
        "effective_date": w.effective_date, "entry_date": w.entry_date,
    }  # fmt: skip
    said = {"after": facts, "note": w.note, "approval_id": w.approval_id, "entries": entry_mark(entry)}
    work.audit(w.id, "write_off.posted", said, reason_code=w.reason_code)
    about: dict[str, Fact] = {"write_off_id": w.id, "amount_minor": w.amount_minor}
    moved: dict[str, Fact] = {
        "before": {"balance_due_minor": i.balance_due_minor},
        "after": {"balance_due_minor": after.balance_due_minor},
    }
    work.audit(i.id, "invoice.written_off", about | moved, reason_code=w.reason_code)
    work.emit("ar.write_off.posted", w.id, _ids(w) | {"journal_entry_id": entry.id})


def _facts(w: WriteOff) -> dict[str, Fact]:
    return {
        "invoice_id": w.invoice_id, "customer_id": w.customer_id, "legal_entity_id": w.legal_entity_id,
        "amount_minor": w.amount_minor, "currency_code": w.currency_code, "reason_code": w.reason_code,
        "created_by": w.created_by,
    }  # fmt: skip


def _ids(w: WriteOff) -> dict[str, Fact]:
    return {
        "write_off_id": w.id, "invoice_id": w.invoice_id, "customer_id": w.customer_id,
        "legal_entity_id": w.legal_entity_id, "amount_minor": w.amount_minor, "currency_code": w.currency_code,
        "reason_code": w.reason_code,
    }  # fmt: skip


def _answered(work: Work, w: WriteOff, i: Invoice, *, replayed: bool = False) -> Outcome[WrittenOffAnswer]:
    balances = payments.balances_after(
        {i.id: i}, [BalanceChange(i.id, i.balance_due_minor, i.functional_balance_minor)]
    )
    answer = written_off_answer(w, balances, payments.outstanding(work.tx, w.customer_id))
    return Outcome(answer, 202 if w.status is WriteOffStatus.PENDING_APPROVAL else 201, replayed)


@operation("reverse_write_off", ReverseWriteOff, WrittenOffAnswer, execution.Posting("ReverseWriteOff"))
def reverse_write_off(work: Work, asked: ReverseWriteOff) -> Outcome[WrittenOffAnswer]:
    """The invoice owes it again, from today: DR accounts_receivable, CR write_off. Needs no authority: it restores what is
    due. WRITE_OFF_REVERSED, WRITE_OFF_NOT_POSTED."""
    seen = write_offs.get(work.tx, str(work.cmd.resource_id))
    work.require_entity(seen.legal_entity_id)
    locked = payments.lock_invoices(work.tx, [seen.invoice_id])
    w = write_offs.get(work.tx, seen.id, lock=True)
    if w.status is WriteOffStatus.REVERSED:
        raise Refusal("WRITE_OFF_REVERSED", f"Write-off {w.id} was reversed on {w.reversed_date}.")
    if w.effective_date is None or w.status is not WriteOffStatus.POSTED:
        raise Refusal("WRITE_OFF_NOT_POSTED", f"Write-off {w.id} is {w.status}.", status_now=w.status.value)
    on = max(work.now.date(), w.effective_date)
    day = entry_date(on, invoices.closed_periods(work.tx))
    entry = JournalEntry(new_id("je"), day, "write_off_reversal", w.id, w.legal_entity_id, w.functional_currency)
    work.post(reversing(entries_of(work.tx, w.id), entry))
    balances = restore_invoices(work, [Relief(w.invoice_id, w.amount_minor, w.functional_minor)], locked)
    after = replace(
        w,
        status=WriteOffStatus.REVERSED,
        reversed_at=work.now,
        reversed_date=on,
        reversed_entry_date=day,
        reverse_reason=asked.reason_code,
    )
    write_offs.save(work.tx, w, after)
    said = {"note": asked.note, "reversed_date": on, "entries": entry_mark(entry)}
    work.audit(w.id, "write_off.reversed", said, reason_code=asked.reason_code)
    was = locked[w.invoice_id].balance_due_minor
    moved = {"before": {"balance_due_minor": was}, "after": {"balance_due_minor": was + w.amount_minor}}
    work.audit(
        w.invoice_id, "invoice.write_off_reversed", {"write_off_id": w.id, **moved}, reason_code=asked.reason_code
    )
    work.emit(
        "ar.write_off.reversed", w.id,
        _ids(w) | {"reason_code": asked.reason_code, "reversed_date": on, "journal_entry_id": entry.id},
    )  # fmt: skip
    return Outcome(written_off_answer(after, balances, payments.outstanding(work.tx, w.customer_id)))


def _carry_out(work: Work, approval: Approval) -> None:
    """What was approved, on the invoice as it is now: refused where it owes less than that meanwhile."""
    w = write_offs.get(work.tx, approval.subject_id)
    i = payments.lock_invoices(work.tx, [w.invoice_id])[w.invoice_id]
    w = write_offs.get(work.tx, w.id, lock=True)
    amount_of(i, w.amount_minor)
    done, _ = _posted(work, replace(w, functional_minor=worth(i, w.amount_minor)), i, invoices.closed_periods(work.tx))
    write_offs.save(work.tx, w, done)


def _follow(work: Work, approval: Approval) -> None:
    """Not approved, not possible any more, or asked for again."""
    w = write_offs.get(work.tx, approval.subject_id, lock=True)
    after = write_offs.save(work.tx, w, replace(w, status=_FOLLOWS[approval.chain.status]))
    said: Facts = {"before": {"status": w.status}, "after": {"status": after.status}, "approval_id": approval.id}
    work.audit(w.id, "write_off.moved", said, reason_code=approval.failure_code)


def _again(tx: Tx, approval: Approval) -> Asked:
    """The same amount on the invoice as it is, under the limits of this day."""
    w = write_offs.get(tx, approval.subject_id)
    i = payments.lock_invoices(tx, [w.invoice_id])[w.invoice_id]
    amount_of(i, w.amount_minor)
    begun = approval.authority
    assert begun is not None, f"{approval.id} began without limits"
    authority = beyond(limits_of(tx), AuthorityKind.WRITE_OFF, worth(i, w.amount_minor), [begun.submitter.role])
    # Whose limit has come to cover it still asks those whom he had asked: what is under way stays a matter of several.
    return _asked(w, i, authority or begun)


register(Kind("write_off", _carry_out, _follow, _again))
