"""Decisions by signal or update: a single-use token proves who it is, and feeds the same operation as the API.

A token is `apt_<id>.<signature>`: an HMAC, under a key of its own that only the database has, over the person, change,
round, step and expiry. It is used up in the transaction that records the decision.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine

from models.access import Principal, with_included
from models.customers.approval import authorise
from models.customers.bodies import Notes, Reason
from models.db.customers import changes
from models.db.engine import transaction
from models.db.tx import Row, Tx
from models.errors import Refusal
from models.ids import new_id
from operations.commands import Submission, submit
from operations.customers.deadlines import _work
from operations.customers.visibility import require_change
from operations.runner import execute
from operations.work import Answered, Work

LIFETIME: Final = timedelta(hours=1)
_REASON: Final = TypeAdapter(Reason | None)
_COMMENT: Final = TypeAdapter(Notes | None)
_FIELDS: Final = {"token", "decision", "reason_code", "comment"}


def _signature(row: Any) -> str:
    said = "\x1f".join(
        (
            row["org_id"],
            row["id"],
            row["change_id"],
            str(row["round"]),
            str(row["step"]),
            row["user_id"],
            row["expires_at"].isoformat(),
        )
    )
    return base64.urlsafe_b64encode(hmac.digest(bytes(row["key"]), said.encode(), hashlib.sha256)).decode().rstrip("=")


def issue(tx: Tx, who: Principal, change_id: str) -> dict[str, Any]:
    """A token for the step that this person may decide now. Raises what the decision itself would."""
    row = changes.get(tx, change_id)
    require_change(row, who.entities)
    step = authorise(changes.chain(tx, row), who, None, tx.now)
    entities = None if who.entities is None else sorted(who.entities)
    changes.seen(tx, who.sub, sorted(who.roles), entities)
    token = {
        "id": new_id("apt"),
        "change_id": change_id,
        "round": row["round"],
        "step": step.number,
        "user_id": who.sub,
        "roles": sorted(who.roles),
        "entities": entities,
        "key": secrets.token_bytes(32),
        "expires_at": tx.now + LIFETIME,
    }
    tx.insert("approval_tokens", [token])
    made = f"{token['id']}.{_signature(token | {'org_id': tx.org_id})}"
    return {"token": made, "expires_at": token["expires_at"], "change_id": change_id, "step": step.number}


def consume(work: Work, token_id: str) -> None:
    """Use the token up with the decision. Raises APPROVAL_TOKEN_INVALID for one that is spent."""
    done = work.tx.run(
        "UPDATE approval_tokens SET used_at = :now WHERE org_id = :org AND id = :id AND used_at IS NULL",
        id=token_id,
        now=work.now,
    )
    if not done:
        raise Refusal("APPROVAL_TOKEN_INVALID", "The token has been used.")


def decide_by_token(engine: Engine, org_id: str, change_id: str, word: Any, channel: str) -> str | None:
    """Carry out what a signal or an update says; None, or why it changed nothing (which is audited)."""
    with transaction(engine, org_id) as tx:
        row = changes.get(tx, change_id)
        token, why = _verified(tx, change_id, word)
        if token is None:
            work = _work(tx, row)
            work.audit(
                change_id, "customer.change.signal_refused", {"because": why, "channel": channel}, reason_code=why
            )
            work.flush()
            return why
    try:
        _decide(engine, org_id, row, token, word, channel)
    except Refusal as refusal:  # audited by the runner, as any refused decision
        return refusal.code
    return None


def _verified(tx: Tx, change_id: str, word: Any) -> tuple[Row | None, str]:
    """The token's row if the signal is well-formed and the token is genuine, fresh and this change's."""
    if not isinstance(word, dict) or not isinstance(word.get("token"), str) or set(word) - _FIELDS:
        return None, "SIGNAL_MALFORMED"
    if word.get("decision") not in {"approve", "reject", "return"}:
        return None, "SIGNAL_MALFORMED"
    try:
        _REASON.validate_python(word.get("reason_code"))
        _COMMENT.validate_python(word.get("comment"))
    except ValidationError:
        return None, "SIGNAL_MALFORMED"
    token_id, _, signature = word["token"].partition(".")
    row = (
        tx.one("SELECT * FROM approval_tokens WHERE org_id = :org AND id = :id", id=token_id)
        if token_id.isascii()
        else None
    )
    if row is None or not hmac.compare_digest(_signature(row).encode(), signature.encode("utf-8", "replace")):
        return None, "TOKEN_FORGED"
    if row["change_id"] != change_id:
        return None, "TOKEN_OTHER_CHANGE"
    if row["used_at"] is not None:
        return None, "TOKEN_USED"
    if row["expires_at"] <= tx.now:
        return None, "TOKEN_EXPIRED"
    return row, ""


def _decide(engine: Engine, org_id: str, change: Row, token: Row, word: dict[str, Any], channel: str) -> Answered:
    """The same command as the API's, with the roles that the person still has."""
    with transaction(engine, org_id) as tx:
        known = changes.person(tx, token["user_id"])
    roles = set(token["roles"])
    if known is not None:  # seen since with other roles: what was lost is lost
        roles &= with_included(known["roles"])
    who = Principal(
        token["user_id"],
        org_id,
        frozenset(roles),
        frozenset(token["entities"]) if token["entities"] is not None else None,
    )
    body = {
        "decision": word["decision"],
        "step": token["step"],
        "reason_code": word.get("reason_code"),
        "comment": word.get("comment"),
        "channel": channel,
        "token_id": token["id"],
        "round": token["round"],
    }
    kept = submit(
        engine,
        who,
        Submission(
            operation="change.decide",
            path=f"/signals/{change['id']}",
            body=body,
            idempotency_key=new_id("sig"),
            key_given=False,
            request_id=new_id("req"),
            resource_id=change["id"],
            subject_id=change["id"],
            customer_id=change["customer_id"],
            workflow_id=change["workflow_id"],
        ),
    )
    return execute(engine, org_id, kept.command_id)
