"""The tool that carries out what was proposed, once the person has said yes."""

from typing import Annotated, Final, Literal
from urllib.parse import quote

from pydantic import Field, JsonValue

from conversation.api import Refused
from conversation.jobs import Talk, job
from conversation.proposing import page
from conversation.whole import whole
from models.answers import JsonObject, answer
from models.values import Body, RecordId

_STALE: Final = "After PROPOSAL_STALE show the person the new effect, then commit the new proposal_id."


class Commit(Body):
    """Which proposal."""

    proposal_id: Annotated[RecordId, Field(description="As a propose_ tool answered it (prop_…)")]


@answer
class Committed:
    """COMMITTED: done, exactly as shown, with the operation's `result`; again, and the same is answered. UNDER_WAY: it goes on;
    call commit again. CONFIRMATION_REQUIRED: the person opens `confirm_url`, signed in; call commit again afterwards to be
    told. DECLINED: the person said no; nothing was done."""

    proposal_id: str
    status: Literal["COMMITTED", "UNDER_WAY", "CONFIRMATION_REQUIRED", "DECLINED"]
    confirm_url: str | None
    http_status: int | None
    result: JsonObject | None
    detail: str


@job("commit", "Carry out a proposal", Commit, Committed, reads=False, destructive=True, next=_STALE)
async def commit(talk: Talk, asked: Commit) -> JsonObject:
    """Carry out exactly the effect that a proposal showed, once. The person confirms it: in a dialogue of their assistant, or
    on a page; you cannot confirm. Repeating it never does anything twice. A call that is cancelled before the person has said yes
    does nothing; after it, all of it is carried out: call commit again to be told."""
    path = f"/v1/proposals/{quote(asked.proposal_id, safe='')}"
    p = await talk.api.get(path)
    if p["status"] == "DECLINED":
        return _ended(asked, "DECLINED", "The person declined it. Nothing was done.")
    if p["status"] != "OPEN":
        return await _carried_out(talk, asked, path)
    if p["expired"]:
        raise Refused({"code": "PROPOSAL_EXPIRED", "status": 409, "detail": f"It was good until {p['expires_at']}."})
    if p["confirmation"] == "page" or not talk.person.can_be_asked:
        return await _by_page(talk, asked, path)
    said = await talk.person.asked("Carry this out?\n" + "\n".join(f"• {line}" for line in _lines(p)))
    if said == "accept":
        return await _carried_out(talk, asked, path, by_the_person=True)
    if said == "decline":
        await talk.api.post(f"{path}/decline", {})
        return _ended(asked, "DECLINED", "The person declined it. Nothing was done.")
    return _by_url(talk, asked, "The person did not answer. Nothing was done; they can still confirm on the page.")


def _lines(p: JsonObject) -> list[str]:
    found = p["in_words"]
    return [str(line) for line in found] if isinstance(found, list) else []


async def _carried_out(talk: Talk, asked: Commit, path: str, *, by_the_person: bool = False) -> JsonObject:
    if by_the_person:
        await talk.say(1, 2, "confirmed by the person, and being carried out")
    done = await whole(talk.api.post(f"{path}/commit", {}, by_the_person=by_the_person))
    return {
        **_ended(asked, str(done["status"]), _sentence(done)),
        "http_status": done["http_status"],
        "result": done["result"],
    }


def _sentence(done: JsonObject) -> str:
    result = done["result"]
    if done["status"] != "COMMITTED":
        return "It goes on; call commit again to be told the end."
    if isinstance(result, dict) and result.get("status") == "PENDING_APPROVAL":
        return "Submitted as it was shown. It waits for its approvers, and nothing of it holds before; explain_record follows it."
    return "Carried out as it was shown."


async def _by_page(talk: Talk, asked: Commit, path: str) -> JsonObject:
    """Send the person to the page; they may have confirmed when they come back."""
    if talk.person.can_be_sent:
        url = page(talk, asked.proposal_id)
        await talk.person.sent("Look at what will be done, and confirm it or not.", url, asked.proposal_id)
        if (await talk.api.get(path))["status"] == "COMMITTED":
            return await _carried_out(talk, asked, path)
    return _by_url(talk, asked, "The person opens confirm_url, signed in, and confirms there. Then call commit again.")


def _by_url(talk: Talk, asked: Commit, detail: str) -> JsonObject:
    return {**_ended(asked, "CONFIRMATION_REQUIRED", detail), "confirm_url": page(talk, asked.proposal_id)}


def _ended(asked: Commit, status: str, detail: str) -> dict[str, JsonValue]:
    return {
        "proposal_id": asked.proposal_id,
        "status": status,
        "confirm_url": None,
        "http_status": None,
        "result": None,
        "detail": detail,
    }
