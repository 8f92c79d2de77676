"""Other limits of authority: asked for, carried out and asked for again by the operations alone, as the trail tells it."""

from dataclasses import replace
from typing import Any

import pytest

from models.access import Principal
from models.authority import AuthorityKind, Limit
from models.db import authority
from models.db.engine import transaction
from tests.approvals.test_what_is_asked_for import approval, decide, trail
from tests.books import Books
from tests.rules.refusals import refused
from tests.session_lines.desk import person

FROM = "from 5.00 GBP or 5.00 USD, 1 % of the invoice to"


def put(books: Books, *limits: dict[str, Any], **more: Any) -> dict[str, Any]:
    asked = [{"kind": "write_off", "role": "ar_clerk", "limit_minor": 1_000} | limit for limit in limits or ({},)]
    return books.do("authority_limits.put", books.org, {"limits": asked, **more}, person(books, "controller"))


def in_force(books: Books) -> tuple[int, Limit]:
    """The version, and what a clerk may write off."""
    with transaction(books.engine, books.org) as tx:
        now = authority.get(tx)
    return now.version, now.of(AuthorityKind.WRITE_OFF, "ar_clerk")


def other_controller(books: Books) -> Principal:
    return Principal("u_controller2", books.org, frozenset({"controller"}))


def approved(books: Books, approval_id: str) -> dict[str, Any]:
    """By another controller, and the CFO."""
    books.do("approval.decide", approval_id, {"decision": "approve"}, other_controller(books))
    return decide(books, approval_id, "cfo")


def test_what_is_asked_for_is_shown_and_holds_once_it_is_approved(books: Books) -> None:
    asked = put(books, version=0)
    of = asked["approval_id"]
    assert (asked["id"], asked["version"], asked["status"]) == (of, 0, "PENDING_APPROVAL")
    shown = next(x for x in asked["limits"] if (x["kind"], x["role"]) == ("write_off", "ar_clerk"))
    assert (shown["limit_minor"], shown["percent"]) == (1_000, "1")
    kept = approval(books, of)
    assert (kept["kind"], kept["subject_id"], kept["href"]) == ("authority_limits", books.org, "/v1/authority-limits")
    assert (
        kept["summary"]
        == f"Change limits of authority: write_off of ar_clerk {FROM} 10.00 GBP or 10.00 USD, 1 % of the invoice"
    )
    version, before = in_force(books)
    assert (version, before.limit_minor) == (0, 500)
    approved(books, of)
    assert in_force(books) == (1, replace(before, limit_minor=1_000))
    (row,) = books.sql("SELECT version, created_by, approval_id FROM authority_limits WHERE org_id = :org")
    assert row == {"version": 1, "created_by": "u_controller", "approval_id": of}
    (said,) = (told for action, _, _, told in trail(books, books.org) if action == "authority_limits.changed")
    assert (said["version"], said["approval_id"]) == (1, of)
    assert [said[side]["write_off"]["ar_clerk"]["limit_minor"] for side in ("before", "after")] == [500, 1_000]


def test_any_amount_and_another_percentage_are_said_in_words(books: Books) -> None:
    asked = put(books, {"role": "cfo", "limit_minor": None, "percent": "7"}, {"percent": "2"})
    assert approval(books, asked["approval_id"])["summary"] == (
        "Change limits of authority: write_off of cfo from any amount to any amount, 7 % of the invoice; "
        f"write_off of ar_clerk {FROM} 10.00 GBP or 10.00 USD, 2 % of the invoice"
    )


def test_what_was_returned_is_asked_for_again_in_place_of_what_holds_by_then(books: Books) -> None:
    of = put(books)["approval_id"]
    books.do("approval.decide", of, {"decision": "return", "reason_code": "LESS"}, other_controller(books))
    with transaction(books.engine, books.org) as tx:
        now = authority.get(tx)
        authority.put(tx, now.limits, 7, by="u_x", approval_id="apr_x")
    books.do("approval.resubmit", of, {}, person(books, "controller"))
    approved(books, of)
    assert in_force(books)[0] == 8


def test_limits_that_moved_meanwhile_are_not_changed(books: Books) -> None:
    of = put(books)["approval_id"]
    with transaction(books.engine, books.org) as tx:
        authority.put(tx, authority.get(tx).limits, 1, by="u_x", approval_id="apr_x")
    assert approved(books, of)["status"] == "FAILED"
    failure = approval(books, of)["failure"]
    assert failure == {"code": "RECORD_MOVED", "detail": "The limits are at version 1 by now."}
    assert in_force(books)[0] == 1


@pytest.mark.parametrize(
    ("limit", "loc", "code"),
    [
        ({"limit_minor": 500}, "/limits", "FIELD_INVALID"),
        ({"limit_minor": 60_000}, "/limits", "FIELD_RANGE"),
        ({"kind": "bank_fee", "percent": "1"}, "/limits/0/percent", "FIELD_INVALID"),
    ],
)
def test_what_is_no_change_of_limits_is_refused_in_a_sentence(
    books: Books, limit: dict[str, Any], loc: str, code: str
) -> None:
    with refused("VALIDATION_FAILED", loc, code):
        put(books, limit)


def test_one_change_of_limits_at_a_time_and_of_the_version_that_was_read(books: Books) -> None:
    with refused("VERSION_MISMATCH", version=0) as no:
        put(books, version=1)
    assert no[0].detail == "The limits are at version 0."
    of = put(books)["approval_id"]
    with refused("CHANGE_PENDING", approval_id=of) as no:
        put(books)
    assert of in no[0].detail
