"""Decisions by signal or update: a single-use token proves who it is, and feeds the same operation as the API.

A token is `apt_<id>.<signature>`: an HMAC, under a key of its own that only the database has, over the person, change,
round, step and expiry. It is used up in the transaction that records the decision.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from pydantic import ValidationError
from sqlalchemy import Engine

from models.access import Principal, with_included
from models.approvals.answers import ApprovalTokenAnswer
from models.approvals.chain import authorise
from models.approvals.records import ApprovalToken, Channel, Person, UnderApproval
from models.approvals.requests import KeptDecision, SignalledDecision
from models.commands import Answered, KeptRefusal
from models.db.approvals import people
from models.db.engine import transaction
from models.db.tx import Tx
from models.errors import Refusal
from models.ids import new_id
from operations.approvals.families import Family, family_of, system_work
from operations.commands import Submission
from operations.runner import run_now

LIFETIME: Final = timedelta(hours=1)


def _signature(org_id: str, t: ApprovalToken) -> str:
    signed = (org_id, t.id, t.change_id, str(t.round), str(t.step), t.user_id, t.expires_at.isoformat())
    digest = hmac.digest(t.key, "\x1f".join(signed).encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def issue(tx: Tx, who: Principal, change_id: str) -> ApprovalTokenAnswer:
    """A token for the step that this person may decide now. Raises what the decision itself would."""
    family = family_of(change_id)
    change = family.store.get(tx, change_id)
    family.require_cover(change, who.entities)
    family.must_be_open(change)
    try:
        step = authorise(change.chain, who, None)
    except Refusal as no:
        raise family.refusal(no) from None
    people.seen(tx, who.sub, who.roles, who.entities)
    token = ApprovalToken(
        id=new_id("apt"),
        change_id=change_id,
        round=change.chain.round,
        step=family.shown_step(step.number),
        user_id=who.sub,
        roles=sorted(who.roles),
        entities=None if who.entities is None else sorted(who.entities),
        key=secrets.token_bytes(32),
        expires_at=tx.now + LIFETIME,
    )
    people.add_token(tx, token)
    made = f"{token.id}.{_signature(tx.org_id, token)}"
    return ApprovalTokenAnswer(token=made, expires_at=token.expires_at, change_id=change_id, step=token.step)


_UNPROVED: Final = {
    "SIGNAL_MALFORMED": "A decision is one object: token, decision, reason_code, comment.",
    "TOKEN_FORGED": "There is no such token.",
    "TOKEN_OTHER_CHANGE": "The token is for another approval.",
    "TOKEN_USED": "The token has been used.",
    "TOKEN_EXPIRED": "The token has expired: ask for another one.",
}


def decide_by_token(engine: Engine, org_id: str, change_id: str, word: object, channel: Channel) -> KeptRefusal | None:
    """Carry out what a signal or an update says; None, or why it changed nothing (which is audited), as a request over HTTP
    would be told."""
    family = family_of(change_id)
    with transaction(engine, org_id) as tx:
        change = family.store.get(tx, change_id)
        try:
            said, token = _verified(tx, change_id, word)
        except _Unproved as unproved:
            why = str(unproved)
            work = system_work(tx, change, f"{family.noun}.deadline")
            refused = {"because": why, "channel": channel}
            work.audit(change_id, f"{family.word}.signal_refused", refused, reason_code=why)
            work.flush()
            return KeptRefusal(code=why, detail=_UNPROVED[why])
        known = people.person(tx, token.user_id)
    who = _who(org_id, token, known)
    try:
        _decide(engine, who, family, change, said, token, channel)
    except Refusal as refusal:  # audited by the runner, as any refused decision
        with transaction(engine, org_id) as tx:  # whoever reads the process' history reads the token
            people.use_token(tx, token.id)
        return KeptRefusal.of(refusal)
    return None


def _who(org_id: str, token: ApprovalToken, known: Person | None) -> Principal:
    """The person of the token. What they have been seen without since, roles or legal entities, is lost."""
    roles, entities = frozenset(token.roles), _covered(token.entities)
    if known is not None:
        roles &= with_included(known.roles)
        seen = _covered(known.entities)
        entities = seen if entities is None else entities if seen is None else entities & seen
    return Principal(token.user_id, org_id, roles, entities)


def _covered(entities: Sequence[str] | None) -> frozenset[str] | None:
    return None if entities is None else frozenset(entities)


class _Unproved(Exception):
    """What was said proves nobody; the text is the reason code."""


def _verified(tx: Tx, change_id: str, word: object) -> tuple[SignalledDecision, ApprovalToken]:
    """What is said and its token, if the signal is well-formed and the token is genuine, fresh and this change's."""
    try:
        said = SignalledDecision.model_validate(word)
    except ValidationError:
        _spend_shown(tx, word)
        raise _Unproved("SIGNAL_MALFORMED") from None
    token_id, _, signature = said.token.partition(".")
    token = people.token(tx, token_id) if token_id.isascii() else None
    if token is None or not hmac.compare_digest(
        _signature(tx.org_id, token).encode(), signature.encode("utf-8", "replace")
    ):
        raise _Unproved("TOKEN_FORGED")
    if token.change_id != change_id:
        people.use_token(tx, token.id)
        raise _Unproved("TOKEN_OTHER_CHANGE")
    if token.used_at is not None:
        raise _Unproved("TOKEN_USED")
    if token.expires_at <= tx.now:
        raise _Unproved("TOKEN_EXPIRED")
    return said, token


def _spend_shown(tx: Tx, word: object) -> None:
    """A token that came with something that cannot be read stands in the history all the same."""
    shown = word.get("token") if isinstance(word, dict) else None
    token_id, _, signature = shown.partition(".") if isinstance(shown, str) and shown.isascii() else ("", "", "")
    token = people.token(tx, token_id) if token_id else None
    if token is not None and hmac.compare_digest(_signature(tx.org_id, token).encode(), signature.encode()):
        people.use_token(tx, token.id)


def _decide(
    engine: Engine, who: Principal, family: Family[UnderApproval], change: UnderApproval, said: SignalledDecision,
    token: ApprovalToken, channel: Channel,
) -> Answered:  # fmt: skip
    """The same command as the API's."""
    decision = KeptDecision(
        decision=said.decision,
        step=token.step,
        reason_code=said.reason_code,
        comment=said.comment,
        channel=channel,
        token_id=token.id,
        round=token.round,
    )
    return run_now(
        engine,
        who,
        Submission(
            operation=f"{family.noun}.decide",
            path=f"/signals/{change.id}",
            body=decision,
            idempotency_key=new_id("sig"),
            key_given=False,
            request_id=new_id("req"),
            resource_id=change.id,
            subject_id=change.id,
            customer_id=change.whose or None,
            workflow_id=change.workflow_id,
        ),
    )
