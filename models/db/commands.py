"""Commands: the requests as they were sent."""

from collections.abc import Callable, Sequence
from typing import Final

from models.access import Principal
from models.answers import read_json
from models.commands import Answered, Asked, CommandEnd, CommandRow, FirstCommand, KeptRefusal
from models.db.subjects import covered
from models.db.tx import Row, Tx, to_json
from models.facts import Facts

KEEP: Final = "SELECT row_to_json(k) FROM keep_command(:org, CAST(:row AS json)) k"
"""Keeps a command in one round trip: the first command with its key, which may be itself.

It does not wait for the disk: a command lost with the last moments of a crashed server was never answered."""


def first_of(row: Sequence[bytes | None] | None) -> FirstCommand | None:
    """What `KEEP` answered. None where the first one was refused between its two statements: the key is free again."""
    return None if row is None else read_json(FirstCommand, row[0] or b"")


ANSWER: Final = """SELECT http_status::text, response::text, replayed::text FROM commands
  WHERE org_id = :org AND id = :id AND response IS NOT NULL"""
"""Of one command (`id`); no row while there is no answer."""


def answer_of(row: Sequence[bytes | None] | None) -> Answered | None:
    """What `ANSWER` answered."""
    if row is None:
        return None
    status, response, replayed = (column or b"" for column in row)
    return Answered(response.decode(), int(status), replayed == b"true")


def session_answer_of(tx: Tx, command_id: str) -> str | None:
    """The JSON that a command was answered of the session it made: all of it, or, where it recorded the payment too, a part."""
    sql = """SELECT (CASE operation WHEN 'record_payment' THEN response->'session' ELSE response END)::text
             FROM commands WHERE org_id = :org AND id = :id"""
    found: str | None = tx.scalar(sql, id=command_id)
    return found


def response_of(tx: Tx, command_id: str) -> Answered | None:
    """What a command was answered, again; None where it was not, or where that is not kept any more."""
    sql = "SELECT http_status, response::text AS said FROM commands WHERE org_id = :org AND id = :id AND response IS NOT NULL"
    row = tx.one(sql, id=command_id)
    return None if row is None else Answered(row["said"], row["http_status"] or 200, True)


_BESIDE: Final = """
  UNION ALL SELECT 1 FROM customer_changes c WHERE c.org_id = :org AND c.id = ANY(:about) AND c.entities <@ mine.ids
  UNION ALL SELECT 1 FROM customer_imports i WHERE i.org_id = :org AND i.id = ANY(:about) AND i.legal_entity_id = ANY(mine.ids)
    AND COALESCE(i.summary->'legal_entities', '[]') <@ to_jsonb(mine.ids)
  UNION ALL SELECT 1 FROM credit_note_applications a
    WHERE a.org_id = :org AND a.id = ANY(:about) AND a.legal_entity_id = ANY(mine.ids)
  UNION ALL SELECT 1 FROM cases k JOIN customers c ON c.org_id = k.org_id AND c.id = k.customer_id
    WHERE k.org_id = :org AND k.id = ANY(:about) AND c.legal_entity_id = ANY(mine.ids)"""
"""What is no subject of the books, and is answered whole: a change and an import where every entity that they touch is `mine`."""


def covers(tx: Tx, who: Principal, command: Asked) -> bool:
    """Whether the legal entities of a person's token cover what a command answers: it is their own, they see every entity
    that its caller saw, or the record that it is about (for a credit or an application: its payment) is of one of theirs."""
    theirs = command.entities
    if command.actor == who.sub or who.entities is None or (theirs is not None and who.entities.issuperset(theirs)):
        return True
    about = [command.resource_id, (command.response or {}).get("payment_id")]
    books = f"SELECT 1 FROM unnest(CAST(:about AS text[])) AS about (id) WHERE {covered('about.id')}"
    sql = f"SELECT 1 AS covered FROM (SELECT CAST(:entities AS text[]) AS ids) mine WHERE EXISTS ({books}{_BESIDE})"
    return tx.one(sql, about=about, entities=sorted(who.entities)) is not None


SHARE_PERIODS: Final = "pg_advisory_xact_lock_shared(hashtextextended('periods:' || :org, 0))"
"""Closing takes the lock exclusively."""
_LOCK: Final = f"""SELECT {{columns}}, CASE WHEN operation IN ('close_period', 'reopen_period')
     THEN pg_advisory_xact_lock(hashtextextended('periods:' || :org, 0)) ELSE {SHARE_PERIODS} END
   FROM commands WHERE org_id = :org AND id = :id FOR UPDATE"""


def share_periods(tx: Tx) -> None:
    """Keep a period from closing under what this transaction posts, as `lock` does, where no command is locked."""
    tx.later(f"SELECT {SHARE_PERIODS}")


def lock(tx: Tx, command_id: str) -> CommandRow | None:
    """The command, locked with the periods."""
    return tx.record(CommandRow, _LOCK.format(columns="*"), id=command_id)


def lock_first(tx: Tx, command_id: str, then: Callable[[CommandEnd | None], object]) -> None:
    """As `lock`, travelling with the transaction's next statement: `then` is handed whether it has ended, before any commit."""

    def found(row: Row | None) -> None:
        then(
            None if row is None
            else CommandEnd(
                state=row["state"], http_status=row["http_status"], response=row["response"], replayed=row["replayed"]
            )
        )  # fmt: skip

    tx.check_first(found, _LOCK.format(columns="state, http_status, response, replayed"), id=command_id)


def refuse(tx: Tx, command_id: str, refusal: KeptRefusal) -> CommandRow | None:
    """Mark a pending command refused, which frees its key; None where it was pending no more."""
    return tx.record(
        CommandRow,
        "UPDATE commands SET state = 'refused', body = '{}', body_hash = '', response = CAST(:problem AS json), "
        "finished_at = :at WHERE org_id = :org AND id = :id AND state = 'pending' RETURNING *",
        id=command_id,
        problem=to_json(refusal),
        at=tx.now,
    )


def finish(tx: Tx, command_id: str, answer: Answered) -> Answered:
    """Complete a pending command with this answer; the one that it has, which may have been there before."""
    mine = tx.run(
        "UPDATE commands SET state = 'done', http_status = :status, response = CAST(:response AS json), "
        "finished_at = :at WHERE org_id = :org AND id = :id AND state = 'pending'",
        id=command_id,
        status=answer.status,
        response=answer.to_keep,
        at=tx.now,
    )
    return (None if mine else response_of(tx, command_id)) or answer


def shorten(tx: Tx, command_id: str, kept: Facts) -> None:
    """Keep of a request's body only this: what else it said is kept where it belongs. Its hash still knows a repeat."""
    tx.later(
        "UPDATE commands SET body = CAST(:kept AS jsonb) WHERE org_id = :org AND id = :id",
        id=command_id,
        kept=to_json(kept),
    )
