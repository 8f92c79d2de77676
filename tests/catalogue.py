"""Events held against the catalogue: `models/events.py` says which fields the data of each type has."""

from collections.abc import Iterable
from typing import Any

from models.events import EVENTS


def assert_as_catalogued(events: Iterable[dict[str, Any]]) -> None:
    """Each type is known, and its data has the fields that the catalogue names and no others.

    What a deletion left of an event is `customer_id` alone.
    """
    checked = 0
    for event in events:
        known, given = EVENTS[event["type"]], set(event["data"])
        assert event["subject"].startswith(f"{known.subject}_"), event
        assert given == {"customer_id"} or known.data.keys() - known.sometimes <= given <= known.data.keys(), event
        checked += 1
    assert checked
