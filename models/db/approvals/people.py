"""People who approve: who they are, who is away, who stands in, and the tokens that prove a decision."""

from collections.abc import Collection, Sequence
from datetime import datetime

from models.approvals.records import Absence, ApprovalToken, Person
from models.db.tx import Tx


def seen(tx: Tx, user: str, roles: Collection[str], entities: Collection[str] | None) -> None:
    """Note with which roles a person's verified token came; written only when something differs."""
    person = Person(
        user_id=user, roles=sorted(roles), entities=None if entities is None else sorted(entities), seen_at=tx.now
    )
    tx.insert(
        "people",
        [person],
        suffix="ON CONFLICT (org_id, user_id) DO UPDATE SET roles = excluded.roles, entities = excluded.entities, "
        "seen_at = excluded.seen_at WHERE people.roles <> excluded.roles "
        "OR people.entities IS DISTINCT FROM excluded.entities",
    )


def person(tx: Tx, user: str) -> Person | None:
    """What is known of a person; None for one never seen."""
    return tx.record(Person, "SELECT * FROM people WHERE org_id = :org AND user_id = :user", user=user)


def others_hold(tx: Tx, role: str, user: str, entity: str | None) -> bool:
    """Whether anybody else who has signed in holds the role, for this legal entity (None: for all of them)."""
    sql = """SELECT EXISTS (SELECT FROM people WHERE org_id = :org AND user_id <> :user AND :role = ANY(roles)
      AND (entities IS NULL OR :entity::text = ANY(entities)))"""
    return bool(tx.scalar(sql, role=role, user=user, entity=entity))


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


def absence(tx: Tx, user: str) -> Absence | None:
    """The person's own absence, past, present or to come."""
    return tx.record(Absence, "SELECT * FROM out_of_office WHERE org_id = :org AND user_id = :user", user=user)


def stands_in_for(tx: Tx, user: str) -> Sequence[Absence]:
    """The absences in which the person stands in at the moment."""
    sql = (
        "SELECT * FROM out_of_office WHERE org_id = :org AND delegate_user_id = :user "
        "AND starts_at <= :now AND :now < ends_at ORDER BY user_id"
    )
    return tx.records(Absence, sql, user=user, now=tx.now)


def put_absence(tx: Tx, absent: Absence) -> None:
    """Keep an absence in place of the person's earlier one."""
    tx.insert(
        "out_of_office",
        [absent],
        suffix="ON CONFLICT (org_id, user_id) DO UPDATE SET delegate_user_id = excluded.delegate_user_id, "
        "starts_at = excluded.starts_at, ends_at = excluded.ends_at, updated_at = excluded.updated_at",
    )


def delete_absence(tx: Tx, user: str) -> None:
    """The person is back."""
    tx.later("DELETE FROM out_of_office WHERE org_id = :org AND user_id = :user", user=user)


def add_token(tx: Tx, token: ApprovalToken) -> None:
    """Keep a token that is being given out."""
    tx.insert("approval_tokens", [token])


def token(tx: Tx, token_id: str) -> ApprovalToken | None:
    """The token, used or not."""
    return tx.record(ApprovalToken, "SELECT * FROM approval_tokens WHERE org_id = :org AND id = :id", id=token_id)


def use_token(tx: Tx, token_id: str) -> bool:
    """Use a token up; False where it has been."""
    sql = "UPDATE approval_tokens SET used_at = :now WHERE org_id = :org AND id = :id AND used_at IS NULL"
    return tx.run(sql, id=token_id, now=tx.now) > 0
