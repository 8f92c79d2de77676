"""What is in the books after a trial, and what somebody waited for it."""

from collections import Counter
from collections.abc import Sequence

from tests.cash_desk.books import opened
from tests.production.database import Span
from tests.production.load import Change, Followed


def without(span: Span, away: Sequence[Span]) -> float:
    """How long it was, less what PostgreSQL was away of it."""
    begin, end = span
    return end - begin - sum(max(0.0, min(end, until) - max(begin, since)) for since, until in away)


def touches(span: Span, away: Sequence[Span], after: float = 0.0) -> bool:
    """Whether PostgreSQL was away in it, or came back less than `after` seconds before."""
    return any(span[0] <= until + after and span[1] >= since for since, until in away)


def each_once(url: str, org: str, payer: str, payments: Sequence[str]) -> None:
    """Exactly these payments are in the books, each applied and posted once."""
    with opened(url) as c:
        rows = c.execute(
            """SELECT p.id, p.status, (SELECT count(*) FROM payment_applications a WHERE a.org_id = p.org_id
                 AND a.payment_id = p.id) AS applications, (SELECT count(*) FROM journal_entries e
                 WHERE e.org_id = p.org_id AND e.source_id = p.id) AS entries
               FROM payments p WHERE p.org_id = %s AND p.customer_id = %s""",
            (org, payer),
        ).fetchall()
    assert Counter(r["id"] for r in rows) == Counter(payments)
    assert {(r["status"], r["applications"], r["entries"]) for r in rows} == {("FULLY_APPLIED", 1, 1)}


def created(url: str, org: str, changes: Sequence[Change]) -> int:
    """How many of the changes made exactly one customer."""
    with opened(url) as c:
        rows = c.execute(
            """SELECT ch.id FROM customer_changes ch JOIN customers cu ON cu.org_id = ch.org_id AND cu.id = ch.customer_id
               WHERE ch.org_id = %s AND ch.id = ANY(%s)""",
            (org, [change.id for change in changes]),
        ).fetchall()
    return len(rows)


def missed(url: str, org: str, followed: Followed) -> list[str]:
    """Published events that whoever went on from a cursor was not told. One that a restore took back may be told twice."""
    with opened(url) as c:
        rows = c.execute(
            "SELECT id FROM outbox_events WHERE org_id = %s AND position IS NOT NULL ORDER BY position", (org,)
        ).fetchall()
    told = set(followed.ids)
    return [row["id"] for row in rows if row["id"] not in told]
