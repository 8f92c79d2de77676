"""What an operation did in a transaction, as it is shown to a person beforehand and compared with afterwards."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from models.answers import JsonObject, WarningAnswer
from models.audit.entries import AuditEntry
from models.cash.book_answers import journal_entry_answer
from models.cash.ledger import JournalEntry
from models.commands import Answered
from models.conversation.proposals import LEAVING, Effect, hash_of
from models.db.tx import to_json
from models.imports.answers import ImportProgressAnswer
from operations.work import Work

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_CHANGE: Final = re.compile(r"chg_[0-9a-z]{26}")
"""A change's id is made with its process, before the change itself."""
_WHILE_IT_RUNS: Final = frozenset({"import.pause", "import.resume", "import.cancel"})
_COUNTERS: Final = frozenset(f.name for f in fields(ImportProgressAnswer)) - {"status"}
"""Of an import that runs these are others each second, whoever looks: they are shown, and not compared."""


def effect_of(work: Work, done: Answered, made: Sequence[str]) -> Effect:
    """The effect of what is queued in `work` and answered by `done`: the answer, the journal entries, what the trail says.
    `made`: the ids that were made for it. Moments from now on, and new ids, are not part of what is compared."""
    answer: dict[str, JsonValue] = json.loads(done.json)
    entries: list[JsonValue] = [json.loads(to_json(journal_entry_answer(e))) for e in work.entries]
    said: list[JsonValue] = [_event(e) for e in work.said]
    whole: JsonValue = {"operation": work.cmd.operation, "answer": answer, "entries": entries, "said": said}
    compared = _without_counters(whole) if work.cmd.operation in _WHILE_IT_RUNS else whole
    customer = answer.get("customer_id")
    return Effect(
        shown=_shown(answer, entries, said, frozenset(made) - {str(work.cmd.resource_id)}),
        hash=hash_of(compared, dict(_passing(work, made, to_json(whole)))),
        warnings=[WarningAnswer(code=str(w["code"]), detail=str(w["detail"])) for w in _all(answer.get("warnings"))],
        customer_id=customer if isinstance(customer, str) else None,
        amounts=_moved(work.entries),
        money_leaves=any(x.credit_minor and x.account in LEAVING for e in work.entries for x in e.lines),
    )


def _moved(entries: Iterable[JournalEntry]) -> Mapping[str, int]:
    moved = Counter[str]()
    for entry in entries:
        moved[entry.functional_currency] += sum(line.functional_debit_minor for line in entry.lines)
    return moved


def _event(e: AuditEntry) -> JsonValue:
    return {"subject": e.subject_id, "action": e.action, "reason": e.reason_code, "payload": json.loads(e.payload)}


def _shown(
    answer: Mapping[str, JsonValue], entries: list[JsonValue], said: list[JsonValue], new: frozenset[str]
) -> JsonObject:
    """The answer with the entries that it would post and what it would change. Ids that are yet to be made are null."""
    diff = next(
        (e["payload"]["diff"] for e in _all(said) if isinstance(e["payload"], dict) and "diff" in e["payload"]), None
    )
    more: dict[str, JsonValue] = {} if diff is None or "diff" in answer else {"diff": diff}
    found = _without({**answer, **more, "journal_entries": entries}, new)
    assert isinstance(found, dict)
    return found


def _without(value: JsonValue, new: frozenset[str]) -> JsonValue:
    if isinstance(value, str):
        return None if value in new else value
    if isinstance(value, list):
        return [_without(item, new) for item in value]
    if isinstance(value, dict):
        return {name: _without(item, new) for name, item in value.items()}
    return value


def _without_counters(value: JsonValue) -> JsonValue:
    """Without the counters of an import, which move by themselves."""
    if isinstance(value, dict):
        return {name: _without_counters(item) for name, item in value.items() if name not in _COUNTERS}
    return [_without_counters(item) for item in value] if isinstance(value, list) else value


def _passing(work: Work, made: Sequence[str], text: str) -> Iterator[tuple[str, str]]:
    """What is another one the next time, by what stands for it."""
    cmd = work.cmd
    for n, new in enumerate(made):
        yield new, f"<new {n}>"
    yield cmd.id, "<command>"
    if cmd.workflow_id is not None and _CHANGE.search(cmd.workflow_id) and cmd.operation.startswith("customer."):
        yield cmd.workflow_id, "<process>"
        for change in _CHANGE.findall(cmd.workflow_id):
            yield change, "<change>"
    for moment in set(_MOMENT.findall(text)):
        if datetime.fromisoformat(moment) >= work.now:
            yield moment, "<moment>"


def _all(value: JsonValue) -> list[dict[str, JsonValue]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
