"""Customer changes and their chains: loading, locking, saving, listing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from models.customers.approval import Chain, ChangeStatus, Delegation, Step, StepStatus
from models.db.lookups import find
from models.db.tx import Row, Tx, to_json

_STEP_COLUMNS: Final = (
    "role", "status", "remind_after", "escalate_after", "fallback", "started_at", "remind_at", "due_at", "escalated_at",
    "decided_by", "decided_at", "on_behalf_of", "reason_code", "comment", "delegated_to", "delegated_by",
    "delegated_until",
)  # fmt: skip


def get(tx: Tx, change_id: str, *, lock: bool = False) -> Row:
    """The change's row, locked against every other decision if asked; 404 or 403 where it is not ours."""
    sql = "SELECT * FROM customer_changes WHERE org_id = :org AND id = :id" + (" FOR UPDATE" if lock else "")
    return find(tx, "change", sql, change_id)


def steps(tx: Tx, change_id: str, round_: int) -> Sequence[Row]:
    """The step rows of one round, in order."""
    return tx.all(
        "SELECT * FROM customer_change_steps WHERE org_id = :org AND change_id = :id AND round = :round ORDER BY step",
        id=change_id,
        round=round_,
    )


def chain(tx: Tx, change: Row) -> Chain:
    """The chain of the change's present round."""
    found = tuple(_step(row) for row in steps(tx, change["id"], change["round"]))
    return Chain(change["submitted_by"], found, ChangeStatus(change["status"]), change["round"], change["returned"])


def _step(row: Row) -> Step:
    given = row["delegated_to"]
    return Step(
        number=row["step"],
        role=row["role"],
        remind_after=row["remind_after"],
        escalate_after=row["escalate_after"],
        fallback=row["fallback"],
        status=StepStatus(row["status"]),
        started_at=row["started_at"],
        remind_at=row["remind_at"],
        due_at=row["due_at"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        on_behalf_of=row["on_behalf_of"],
        reason_code=row["reason_code"],
        delegation=Delegation(given, row["delegated_by"], row["delegated_until"]) if given else None,
        escalated_at=row["escalated_at"],
        reminded_at=row["reminded_at"],
    )


def _row(step: Step) -> dict[str, Any]:
    given = step.delegation
    return {
        "role": step.role,
        "status": step.status.value,
        "remind_after": f"{step.remind_after.total_seconds()} seconds",
        "escalate_after": f"{step.escalate_after.total_seconds()} seconds",
        "fallback": step.fallback,
        "started_at": step.started_at,
        "remind_at": step.remind_at,
        "due_at": step.due_at,
        "escalated_at": step.escalated_at,
        "decided_by": step.decided_by,
        "decided_at": step.decided_at,
        "on_behalf_of": step.on_behalf_of,
        "reason_code": step.reason_code,
        "comment": None,
        "delegated_to": given.to if given else None,
        "delegated_by": given.by if given else None,
        "delegated_until": given.until if given else None,
    }


def chain_rows(change_id: str, new: Chain) -> list[dict[str, Any]]:
    """The rows of a new round."""
    return [{"change_id": change_id, "round": new.round, "step": s.number} | _row(s) for s in new.steps]


def save(
    tx: Tx,
    change_id: str,
    before: Chain,
    after: Chain,
    comment: str | None = None,
    *,
    release: bool = False,
    **more: Any,
) -> None:
    """Write the steps that differ and the change's own row, in one statement; `comment` goes to the step that was decided.

    `release`: give back what the change had reserved. `more`: the row's other columns, by name.
    """
    changed = [s for s, old in zip(after.steps, before.steps, strict=True) if s != old]
    rows = []
    for s in changed:
        decided = s.decided_at is not None and s.decided_at == tx.now
        rows.append(
            {"change_id": change_id, "round": after.round, "step": s.number}
            | _row(s)
            | {"comment": comment if decided else None}
        )
    sets = ", ".join(f"{c} = excluded.{c}" for c in _STEP_COLUMNS if c != "comment")
    keep = "comment = coalesce(excluded.comment, customer_change_steps.comment)"
    columns = ", ".join(("change_id", "round", "step", *_STEP_COLUMNS))
    steps_too = (
        f"WITH steps AS (INSERT INTO customer_change_steps (org_id, {columns}) SELECT :org, {columns} "
        "FROM json_populate_recordset(NULL::customer_change_steps, CAST(:rows AS json)) "
        f"ON CONFLICT (org_id, change_id, round, step) DO UPDATE SET {sets}, {keep})"
    )
    if release:
        steps_too += ", released AS (DELETE FROM customer_claims WHERE org_id = :org AND change_id = :id)"
    _save_state(tx, change_id, after, steps_too, {"rows": to_json(rows)}, more)


def save_state(tx: Tx, change_id: str, now_at: Chain, *, release: bool = False, **more: Any) -> None:
    """The change's own row as its chain says, and whatever else is given by column name."""
    released = "WITH released AS (DELETE FROM customer_claims WHERE org_id = :org AND change_id = :id)"
    _save_state(tx, change_id, now_at, released if release else "", {}, more)


def _save_state(
    tx: Tx, change_id: str, now_at: Chain, first: str, params: dict[str, Any], more: dict[str, Any]
) -> None:
    pending = now_at.pending
    open_ = now_at.status is ChangeStatus.PENDING_APPROVAL
    values: dict[str, Any] = {
        "status": now_at.status.value,
        "round": now_at.round,
        "returned": now_at.returned,
        "deciders": sorted({u for s in now_at.steps for u in (s.decided_by, s.on_behalf_of) if u}),
        "awaiting_step": pending.number if pending and open_ else None,
        "awaiting_role": pending.role if pending and open_ else None,
        "awaiting_since": pending.started_at if pending and open_ else None,
        "remind_at": pending.remind_at if pending and open_ else None,
        "due_at": pending.due_at if pending and open_ else None,
        "closed_at": None if open_ else tx.now,
    } | more
    sets = ", ".join(f"{c} = CAST(:{c} AS {_CASTS[c]})" if c in _CASTS else f"{c} = :{c}" for c in values)
    values = {c: to_json(v) if _CASTS.get(c) == "jsonb" and v is not None else v for c, v in values.items()}
    sql = f"{first} UPDATE customer_changes SET {sets} WHERE org_id = :org AND id = :id"
    tx.later(sql, id=change_id, **values, **params)


_CASTS: Final = {
    "deciders": "text[]",
    "entities": "text[]",
    "diff": "jsonb",
    "request": "jsonb",
    "warnings": "jsonb",
    "awaiting_step": "int",
    "awaiting_role": "text",
    "awaiting_since": "timestamptz",
    "remind_at": "timestamptz",
    "due_at": "timestamptz",
    "closed_at": "timestamptz",
}


def whole(tx: Tx, change_id: str) -> Row:
    """The change's row with its present steps and all decisions as JSON, in one statement."""
    return find(
        tx,
        "change",
        "SELECT c.*, (SELECT json_agg(s ORDER BY s.step) FROM customer_change_steps s WHERE s.org_id = c.org_id "
        "AND s.change_id = c.id AND s.round = c.round) AS steps, (SELECT json_agg(d ORDER BY d.decided_at, d.id) "
        "FROM customer_change_decisions d WHERE d.org_id = c.org_id AND d.change_id = c.id) AS decisions "
        "FROM customer_changes c WHERE c.org_id = :org AND c.id = :id",
        change_id,
    )


def inbox(
    tx: Tx, *, user: str, roles: Sequence[str], entities: Sequence[str] | None, after: str | None, limit: int
) -> Sequence[Row]:
    """The changes whose pending step this person may decide now, oldest first.

    One range of the partial index per role, merged: its cost is the page's, not the number of pending changes.
    """
    one = (
        "(SELECT * FROM customer_changes WHERE org_id = :org AND awaiting_role = :role{n} AND id > :after"
        " AND submitted_by <> :me AND NOT :me = ANY(deciders)"
        + (" AND entities <@ CAST(:mine AS text[])" if entities is not None else "")
        + " ORDER BY id LIMIT :limit)"
    )
    if not roles:
        return []
    union = " UNION ALL ".join(one.format(n=n) for n in range(len(roles)))
    params: dict[str, Any] = {f"role{n}": role for n, role in enumerate(roles)}
    if entities is not None:
        params["mine"] = list(entities)
    return tx.all(
        f"SELECT * FROM ({union}) mine ORDER BY id LIMIT :limit", me=user, after=after or "", limit=limit, **params
    )


def page(
    tx: Tx,
    *,
    status: str | None,
    customer_id: str | None,
    operation: str | None,
    submitted_by: str | None,
    entities: Sequence[str] | None,
    after: str | None,
    limit: int,
) -> Sequence[Row]:
    """Changes, oldest first."""
    where = ["org_id = :org", "id > :after"]
    params: dict[str, Any] = {"after": after or "", "limit": limit}
    for column, value in (
        ("status", status),
        ("customer_id", customer_id),
        ("operation", operation),
        ("submitted_by", submitted_by),
    ):
        if value is not None:
            where.append(f"{column} = :{column}")
            params[column] = value
    if entities is not None:
        where.append("entities <@ CAST(:mine AS text[])")
        params["mine"] = list(entities)
    return tx.all(f"SELECT * FROM customer_changes WHERE {' AND '.join(where)} ORDER BY id LIMIT :limit", **params)


def steps_of(tx: Tx, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The present round's steps of many changes, in one statement."""
    found: dict[str, list[Row]] = {r["id"]: [] for r in rows}
    rounds = {r["id"]: r["round"] for r in rows}
    for s in tx.all(
        "SELECT * FROM customer_change_steps WHERE org_id = :org AND change_id = ANY(:ids) ORDER BY change_id, step",
        ids=list(found),
    ):
        if s["round"] == rounds[s["change_id"]]:
            found[s["change_id"]].append(s)
    return found


def by_external_id(tx: Tx, external_id: str) -> Row | None:
    """The create that holds this external id, if its customer exists or may still come to exist."""
    return tx.one(
        "SELECT * FROM customer_changes WHERE org_id = :org AND operation = 'create' AND external_id = :external "
        "AND status NOT IN ('REJECTED', 'WITHDRAWN')",
        external=external_id,
    )


def seen(tx: Tx, user: str, roles: Sequence[str], entities: Sequence[str] | None) -> None:
    """Note with which roles a person's verified token came; written only when something differs."""
    row = {
        "user_id": user,
        "roles": sorted(roles),
        "entities": sorted(entities) if entities is not None else None,
        "seen_at": tx.now,
    }
    tx.insert(
        "people",
        [row],
        suffix="ON CONFLICT (org_id, user_id) DO UPDATE SET roles = excluded.roles, entities = excluded.entities, "
        "seen_at = excluded.seen_at WHERE people.roles <> excluded.roles "
        "OR people.entities IS DISTINCT FROM excluded.entities",
    )


def person(tx: Tx, user: str) -> Row | None:
    """What is known of a person; None for one never seen."""
    return tx.one("SELECT * FROM people WHERE org_id = :org AND user_id = :user", user=user)


def stand_in(tx: Tx, user: str, at: datetime) -> str:
    """Who acts for a person at this time: the delegate of an absence, and theirs in turn; else the person."""
    met: set[str] = set()
    while user not in met:
        met.add(user)
        following = tx.scalar(
            "SELECT delegate_user_id FROM out_of_office WHERE org_id = :org AND user_id = :user "
            "AND starts_at <= :at AND :at < ends_at",
            user=user,
            at=at,
        )
        if following is None:
            return user
        user = following
    return user
