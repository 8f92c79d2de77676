"""The audit trail as a chain: whatever is altered, taken out, put in or moved is found."""

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.audit.chain import (
    SALT_BYTES,
    AuditEvent,
    breaches,
    climbed,
    content_holds,
    header,
    link_hash,
    link_holds,
    merkle_path,
    merkle_root,
    seal_leaf,
)
from tests.altered import altered

AT = datetime(2026, 3, 10, 12, 30, 15, 1200, UTC)


def event(seq: int, previous: bytes, payload: str = '{"a":1}', reason: str | None = "PAID_TWICE") -> AuditEvent:
    salt = bytes([seq]) * SALT_BYTES
    digest = hashlib.sha256(salt + payload.encode()).digest()
    blank = AuditEvent(
        "org_1", "pay_1", seq, AT + timedelta(seconds=seq), "u_clerk", "payment.applied", reason, "req_1", "wf_1",
        payload, salt, digest, previous, b"",
    )  # fmt: skip
    return replace(blank, hash=link_hash(blank))


def chain(length: int = 4) -> list[AuditEvent]:
    events: list[AuditEvent] = []
    for seq in range(1, length + 1):
        events.append(event(seq, events[-1].hash if events else b"", f'{{"n":{seq}}}'))
    return events


def found(events: list[AuditEvent], head: tuple[int, bytes] | None = None) -> list[str]:
    """What is wrong with the events, beside the head of the chain as it was."""
    whole = chain()
    return breaches(events, head or (len(whole), whole[-1].hash))


def test_the_header_is_the_columns_joined_as_the_database_joins_them():
    one = event(7, b"")
    assert header(one) == "\x1f".join(
        (
            "org_1",
            "pay_1",
            "7",
            "2026-03-10T12:30:22.001200Z",
            "u_clerk",
            "payment.applied",
            "PAID_TWICE",
            "req_1",
            "wf_1",
        )
    )
    bare = replace(one, reason_code=None, request_id=None, workflow_id=None)
    assert header(bare).endswith("payment.applied\x1f\x1f\x1f")
    elsewhere = replace(one, at=one.at.astimezone(timezone(timedelta(hours=5))))
    assert header(elsewhere) == header(one)


def test_a_link_is_the_hash_of_the_one_before_the_digest_and_the_header():
    one = event(2, b"p" * 32)
    assert one.hash == hashlib.sha256(b"p" * 32 + one.digest + header(one).encode()).digest()


@pytest.mark.parametrize("length", [1, 2, 5])
def test_an_honest_chain_has_no_breach(length):
    events = chain(length)
    assert breaches(events, (length, events[-1].hash)) == []
    assert breaches([], (0, b"")) == []


def test_an_erased_chain_still_holds():
    assert found([replace(e, payload=None, salt=None) for e in chain()]) == []


OTHER = {
    "org_id": "org_2", "subject_id": "pay_2", "at": AT, "actor": "u_cfo", "action": "payment.reversed",
    "reason_code": None, "request_id": None, "workflow_id": "", "payload": '{"n":9}', "salt": b"x" * SALT_BYTES,
    "digest": b"d" * 32, "prev_hash": b"p" * 32, "hash": b"h" * 32, "seq": 9,
}  # fmt: skip


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("column", [f.name for f in fields(AuditEvent)])
def test_one_column_of_one_event_altered_is_found(at, column):
    events = chain()
    events[at] = replace(events[at], **{column: OTHER[column]})
    assert found(events)


@pytest.mark.parametrize(
    "column", ["org_id", "seq", "at", "actor", "action", "digest", "prev_hash", "hash", "payload", "salt"]
)
def test_one_column_of_one_event_emptied_is_found(column):
    events = chain()
    events[2] = altered(events[2], column, None)
    assert found(events)


@pytest.mark.parametrize("column", ["reason_code", "request_id", "workflow_id"])
def test_nothing_and_the_empty_text_are_told_apart(column):
    nothing = altered(event(1, b""), column, None)
    nothing = replace(nothing, hash=link_hash(nothing))
    assert link_holds(nothing)
    assert not link_holds(altered(nothing, column, ""))


def test_what_was_altered_and_hashed_anew_no_longer_follows():
    events = chain()
    forged = replace(events[1], actor="u_cfo")
    events[1] = replace(forged, hash=link_hash(forged))
    assert found(events) == ["pay_1: event 3 does not follow event 2"]


@pytest.mark.parametrize("at", range(4))
def test_an_event_taken_out_is_found(at):
    events = chain()
    del events[at]
    if at == 3:
        assert found(events) == ["pay_1: the head does not match the last event (4 against 3)"]
    else:
        assert found(events)[0] == f"pay_1: event {at + 1} is missing"


def test_the_last_event_is_the_heads():
    events = chain()
    assert breaches(events, None) == ["pay_1: the chain has no head"]
    assert breaches(events, (4, b"other")) == ["pay_1: the head does not match the last event (4 against 4)"]
    assert breaches(events, (5, events[-1].hash)) == ["pay_1: the head does not match the last event (5 against 4)"]
    assert breaches([], None) == ["?: the chain has no head"]


@given(st.permutations(range(4)))
def test_events_out_of_order_are_found(order):
    events = chain()
    assert bool(found([events[n] for n in order])) == (list(order) != [0, 1, 2, 3])


def test_each_breach_is_named():
    events = chain()
    events[1] = replace(events[1], payload='{"n":0}')
    events[2] = replace(events[2], actor="u_cfo")
    assert found(events) == ["pay_1: the payload of event 2 was altered", "pay_1: event 3 was altered"]


def test_bytes_may_not_move_between_salt_and_payload():
    one = event(1, b"")
    assert one.salt is not None
    assert one.payload is not None
    assert content_holds(one)
    moved = replace(one, salt=one.salt + one.payload[:1].encode(), payload=one.payload[1:])
    assert not content_holds(moved)
    assert not content_holds(replace(one, salt=None))
    assert not content_holds(replace(one, payload=None))


# Seals


def test_a_leaf_is_of_the_chain_its_length_and_its_head():
    leaf = seal_leaf("pay_1", 3, b"h")
    assert leaf == hashlib.sha256(b"pay_1\x1f3\x1fh").digest()
    assert len({leaf, seal_leaf("pay_2", 3, b"h"), seal_leaf("pay_1", 4, b"h"), seal_leaf("pay_1", 3, b"i")}) == 4


def by_levels(nodes: list[bytes]) -> bytes:
    """The tree as one draws it: pairs of each level, an odd one carried up."""
    while len(nodes) > 1:
        pairs = [hashlib.sha256(b"".join(nodes[n : n + 2])).digest() for n in range(0, len(nodes) - 1, 2)]
        nodes = pairs + nodes[len(nodes) - len(nodes) % 2 :]
    return nodes[0] if nodes else hashlib.sha256(b"").digest()


@pytest.mark.parametrize("count", range(34))
def test_the_root_is_that_of_the_tree_drawn_level_by_level(count):
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(count)]
    assert merkle_root(iter(leaves)) == by_levels(leaves)


@given(st.lists(st.binary(min_size=1, max_size=4), min_size=2, max_size=20, unique=True), st.data())
def test_another_order_is_another_root(leaves, data):
    other = data.draw(st.permutations(leaves))
    assert (merkle_root(leaves) == merkle_root(other)) == (list(other) == leaves)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 7, 8, 11, 16, 23])
def test_every_leaf_has_a_way_to_the_root_and_no_other_leaf_has_it(number: int):
    leaves = [seal_leaf(f"pay_{n}", n + 1, bytes([n]) * 32) for n in range(number)]
    for one in leaves:
        path = merkle_path(leaves, one)
        assert path is not None
        assert climbed(one, path) == merkle_root(leaves)
        assert len(path) <= (number - 1).bit_length()
        assert all(climbed(other, path) != merkle_root(leaves) for other in leaves if other != one)
        for n in range(len(path)):
            assert climbed(one, [*path[:n], *path[n + 1 :]]) != merkle_root(leaves)
    assert merkle_path(leaves, b"another") is None
    assert merkle_path([], leaves[0]) is None
