"""What a proposal will do, in a few lines for a person. Texts of others are quoted, clipped and kept on one line."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from models.answers import JsonObject
from models.invisible import without
from models.money import spelt

_LONGEST: Final = 120
_MOST: Final = 40
_ITEM: Final = re.compile(r"[a-z]+_[0-9a-z]{26}")


def in_words(operation: str, record_id: str, effect: JsonObject) -> list[str]:
    """The effect, a line each: what is done to which record, then what follows from it."""
    lines = [_FIRST.get(operation, _plain)(record_id, effect)]
    lines += [_difference(d) for d in _all(effect, "diff")]
    lines += [_applied(a) for a in _all(effect, "applications") if operation.startswith("apply")]
    lines += [_settled(a) for a in _all(effect, "adjustments") if operation.startswith("apply")]
    lines += [_netted(c) for c in _all(effect, "credit_notes") if operation.startswith("apply")]
    lines += [_deducted(d) for d in _all(effect, "deductions") if operation.startswith("apply")]
    lines += [_invoice(i, _currency_of(effect, str(i.get("id")))) for i in _all(effect, "invoices")]
    if operation.startswith("apply") and effect.get("unapplied_minor"):
        lines.append(f"Left on the payment: {_amount(effect, 'unapplied_minor', _currency(effect))}")
    for entry in _all(effect, "journal_entries"):
        lines += _entry(entry)
    lines += [f"Warning {quoted(w.get('code'))}: {quoted(w.get('detail'))}" for w in _all(effect, "warnings")]
    lines = [_named(line, effect) for line in lines]
    return lines[:_MOST] + ([f"… and {len(lines) - _MOST} lines more"] if len(lines) > _MOST else [])


def _named(line: str, effect: JsonObject) -> str:
    """With the numbers of invoices and credit notes in place of their ids, and a customer's name before its id: what people know
    them by."""
    names = effect.get("names")
    for record_id, name in names.items() if isinstance(names, Mapping) else ():
        known = f"“{quoted(name)}”"
        line = line.replace(record_id, f"{known} ({record_id})" if record_id.startswith("cust_") else known)
    return line


def quoted(text: object) -> str:
    """A text that somebody wrote: on one line, without what cannot be seen, not too long."""
    plain = " ".join(without("".join(c if c.isprintable() else " " for c in str(text))).split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def _plain(record_id: str, _: JsonObject) -> str:
    return f"Change {record_id}"


def _application(record_id: str, e: JsonObject) -> str:
    many = len(_all(e, "applications"))
    what = "a prepayment" if not many else "one invoice" if many == 1 else f"{many} invoices"
    return f"Apply {record_id} to {what}"


def _write_off(_: str, e: JsonObject) -> str:
    return f"Write off {_amount(e, 'amount_minor', _currency(e))} of invoice {e.get('invoice_id')}{_when(e)}"


def _credit_note(_: str, e: JsonObject) -> str:
    return f"Credit {_amount(e, 'total_minor', _currency(e))} to customer {e.get('customer_id')}{_when(e)}"


def _deducted(e: JsonObject) -> str:
    return f"Deduction of {_amount(e, 'amount_minor', _currency(e))} on invoice {e.get('invoice_id')}"


def _resolution(_: str, e: JsonObject) -> str:
    ends = {"ACCEPTED": "accepted, and credited", "REJECTED": "rejected: the amount is collected"}
    waits = "acceptance submitted for approval, nothing is credited before"
    return f"{_deducted(e)}: {ends.get(str(e.get('status')), waits)}"


def _when(e: JsonObject) -> str:
    waits = e.get("status") == "PENDING_APPROVAL"
    return ": submitted for approval, nothing is posted before" if waits else ", at once"


def _file(e: JsonObject) -> str:
    return f"“{quoted(e['file_name'])}”" if e.get("file_name") else "what is pulled from a connection"


_FIRST: Final[Mapping[str, Callable[[str, JsonObject], str]]] = MappingProxyType(
    {
        "customer.create": lambda r, _: f"Submit a new customer {r} for approval",
        "customer.update": lambda r, _: f"Submit a change of customer {r} for approval",
        "customer.deactivate": lambda r, _: f"Submit the deactivation of customer {r} for approval",
        "customer.reactivate": lambda r, _: f"Submit the reactivation of customer {r} for approval",
        "customer.delete": lambda r, _: f"Submit the deletion of customer {r}, for good, for approval",
        "change.decide": lambda r, e: f"{_decision(e)} the {quoted(e.get('operation'))} of customer {e.get('customer_id')} ({r})",
        "change.delegate": lambda r, _: f"Delegate a step of {r}",
        "change.withdraw": lambda r, _: f"Withdraw {r}",
        "import.submit": lambda r, e: f"Start import {r} of {_file(e)}: it is validated, then reviewed",
        "import.pause": lambda r, _: f"Pause import {r}",
        "import.resume": lambda r, _: f"Go on with import {r}",
        "import.cancel": lambda r, _: f"Cancel import {r}; the customers that it has made stay",
        "import.decide": lambda r, e: f"{_decision(e)} import {r}: {quoted(e.get('status'))} afterwards",
        "import.delegate": lambda r, _: f"Delegate a step of {r}",
        "import.withdraw": lambda r, _: f"Withdraw {r}",
        "approval.decide": lambda r, e: f"{_decision(e)} {r}: {quoted(e.get('summary'))}",
        "approval.delegate": lambda r, _: f"Delegate a step of {r}",
        "approval.withdraw": lambda r, _: f"Withdraw {r}",
        "assign_payment": lambda r, e: f"Assign payment {r} to customer {e.get('customer_id')}",
        "apply_payment": _application,
        "apply_credit": _application,
        "reverse_payment": lambda r, e: f"Reverse payment {r} of {_amount(e, 'amount_minor', _currency(e))}: all of it is undone",
        "unapply_application": lambda r, e: f"Undo application {r} of {_amount(e, 'applied_minor', _currency(e))}",
        "undo_adjustment": lambda r, e: f"Undo adjustment {r} of {_amount(e, 'amount_minor', _currency(e))}",
        "create_write_off": _write_off,
        "reverse_write_off": lambda r, e: f"Reverse write-off {r}: {_amount(e, 'amount_minor', _currency(e))} is due again",
        "open_deduction": lambda _, e: f"{_deducted(e)}: it stays due, and is disputed",
        "resolve_deduction": _resolution,
        "create_credit_note": _credit_note,
        "apply_credit_note": _application,
        "unapply_credit_note": lambda r, e: f"Undo {r}: {_amount(e, 'applied_minor', _currency(e))} is free again",
        "void_credit_note": lambda r, e: f"Void credit note {r} of {_amount(e, 'total_minor', _currency(e))}",
    }
)  # fmt: skip


def _decision(e: JsonObject) -> str:
    said = _all(e, "decisions")
    last = said[-1] if said else {}
    words = {"approve": "Approve", "reject": "Reject", "return": "Return"}
    step = f" step {last.get('step')} of" if last else ""
    return f"{words.get(str(last.get('decision')), 'Decide')}{step}"


def _difference(d: JsonObject) -> str:
    before, after = (_value(d.get(side)) for side in ("before", "after"))
    field = quoted(_field(str(d.get("path"))))
    return f"{field}: {after}" if before == "nothing" else f"{field}: {before} → {after}"


def _field(path: str) -> str:
    """`credit limit` for `/credit_limit`; an item of a list goes by its list's name, for its id says nothing."""
    *before, last = path.strip("/").split("/")
    parts = before if before and _ITEM.fullmatch(last) else [*before, last]
    return " ".join(part if _ITEM.fullmatch(part) else part.replace("_", " ") for part in parts)


def _value(value: JsonValue) -> str:
    return "nothing" if value is None or value in ({}, []) else f"“{quoted(_plainly(value))}”"


def _plainly(value: JsonValue) -> str:
    """`type shipping, city Boston` for what has members."""
    if isinstance(value, Mapping):
        said = ((str(name).replace("_", " "), item) for name, item in value.items() if item not in (None, {}, []))
        return ", ".join(f"{name} {_plainly(item)}" for name, item in said)
    return ", ".join(_plainly(item) for item in value) if isinstance(value, list) else str(value)


def _applied(a: JsonObject) -> str:
    paid = spelt(_int(a.get("applied_minor")), str(a.get("currency_code")))
    other = str(a.get("invoice_currency_code") or a.get("currency_code"))
    at = "" if other == a.get("currency_code") else f" (pays {spelt(_int(a.get('invoice_applied_minor')), other)})"
    return f"{paid}{at} on invoice {a.get('invoice_id')}"


def _settled(a: JsonObject) -> str:
    kind = str(a.get("kind")).replace("_", " ").lower()
    return f"{kind} of {_amount(a, 'amount_minor', _currency(a))} on invoice {a.get('invoice_id')}"


def _netted(c: JsonObject) -> str:
    amount = _amount(c, "applied_minor", _currency(c))
    return f"{amount} of credit note {c.get('credit_note_id')} on invoice {c.get('invoice_id')}"


def _invoice(i: JsonObject, currency: str | None) -> str:
    status, due = str(i.get("status")).replace("_", " ").lower(), i.get("balance_due_minor")
    left = _amount(i, "balance_due_minor", currency) if due else "nothing"
    return f"Invoice {i.get('id')} is {status} afterwards, {left} due"


def _currency_of(e: JsonObject, invoice_id: str) -> str | None:
    """Of an invoice: what pays it may be in another currency."""
    for a in _all(e, "applications"):
        if a.get("invoice_id") == invoice_id:
            return str(a.get("invoice_currency_code") or a.get("currency_code"))
    return _currency(e)


def _entry(e: JsonObject) -> list[str]:
    lines = [f"Journal entry of {e.get('entry_date')}"]
    for x in _all(e, "lines"):
        side, minor = (
            ("DR", _int(x.get("debit_minor"))) if x.get("debit_minor") else ("CR", _int(x.get("credit_minor")))
        )
        lines.append(f"{side} {x.get('account')} {spelt(minor, str(x.get('currency_code')))}")
    return lines


def _currency(e: JsonObject) -> str | None:
    if isinstance(e.get("currency_code"), str):
        return str(e["currency_code"])
    return next((str(a["currency_code"]) for a in _all(e, "applications")), None)


def _amount(e: JsonObject, name: str, currency: str | None) -> str:
    minor = _int(e.get(name))
    return f"{minor} minor units" if currency is None else spelt(minor, currency)


def _all(e: JsonObject, name: str) -> Sequence[JsonObject]:
    found = e.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _int(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0
