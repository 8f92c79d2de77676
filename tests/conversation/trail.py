"""The trail of an organisation, walked: what came by conversation names its proposal, its effect's hash and a person's yes."""

from collections import defaultdict
from typing import Any, Final

from tests.api.office import Office, ok

OF_PROPOSALS: Final = ("proposal.made", "proposal.confirmed", "proposal.committed", "proposal.declined")


def events_of(office: Office) -> list[dict[str, Any]]:
    """Every event of the organisation."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        page = ok(office.controller.get("/v1/audit-events", params=query))
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def walk(office: Office) -> int:
    """Each committed proposal left its own three events and what it did, all with the hash that was shown, in the name of the
    person who confirmed; and nothing else says that it came by conversation. How many there were."""
    about: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    did: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for e in events_of(office):
        if e["action"].endswith(".refused"):
            continue  # nothing was done
        if e["conversation"] is None:
            assert not e["action"].startswith("proposal."), e
        elif e["action"] in OF_PROPOSALS:
            assert e["subject_id"] == e["conversation"]["proposal_id"]
            about[e["subject_id"]][e["action"]] = e
        else:
            did[e["conversation"]["proposal_id"]].append(e)
    for proposal, deeds in did.items():
        own = about[proposal]
        assert {"proposal.made", "proposal.confirmed", "proposal.committed"} <= own.keys(), (proposal, deeds)
        everything = [*own.values(), *deeds]
        assert {e["conversation"]["effect_hash"] for e in everything} == {
            own["proposal.made"]["conversation"]["effect_hash"]
        }
        assert {e["actor"] for e in everything} == {own["proposal.confirmed"]["actor"]}, everything
        assert own["proposal.confirmed"]["payload"]["by"] in ("elicitation", "page")
        assert own["proposal.made"]["at"] <= own["proposal.confirmed"]["at"] <= min(e["at"] for e in deeds)
    committed = {p for p, own in about.items() if "proposal.committed" in own}
    assert committed <= did.keys(), committed - did.keys()
    return len(committed)
