"""Limits of authority changed: by an approval of the controller and the CFO, neither of whom has asked for it."""

from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import TypeAdapter

from models.access import CFO, CONTROLLER
from models.answers import JsonObject
from models.approvals.approval import Approval, Asked
from models.authority import AuthorityKind, AuthorityLimits, Limit, LimitChange, changed, out_of_order
from models.authority_answers import AuthorityChangeAnswer, authority_limits_answer
from models.authority_requests import PutAuthorityLimits
from models.db import authority
from models.db.approvals import approvals
from models.db.tx import Tx
from models.errors import FieldError, Refusal
from models.facts import Facts
from models.money import spelt
from operations.approvals.kinds import Kind, register
from operations.approvals.requests import ask
from operations.runner import operation
from operations.work import Outcome, Work

_APPROVERS: Final = (CONTROLLER, CFO)
_ASKED: Final = TypeAdapter(list[tuple[AuthorityKind, str, Limit]])


@operation("authority_limits.put", PutAuthorityLimits, AuthorityChangeAnswer)
def put_authority_limits(work: Work, asked: PutAuthorityLimits) -> Outcome[AuthorityChangeAnswer]:
    """Ask for other limits: 202 with the approval. VERSION_MISMATCH where they were read before others came to hold,
    CHANGE_PENDING while another change of them is being decided, VALIDATION_FAILED where a higher role could give less."""
    tx = work.tx
    authority.lock(tx)
    now = authority.get(tx)
    if asked.version is not None and asked.version != now.version:
        raise Refusal("VERSION_MISMATCH", f"The limits are at version {now.version}.", version=now.version)
    if (open_ := approvals.open_of(tx, tx.org_id)) is not None:
        raise Refusal("CHANGE_PENDING", f"Approval {open_} of other limits is being decided.", approval_id=open_)
    wanted = [(one.kind, str(one.role), one.in_place_of(now.of(one.kind, one.role))) for one in asked.limits]
    _refuse_wrong(now, asked, wanted)
    approval = ask(work, _asked(tx, now, wanted))
    after, _ = changed(now.limits, wanted)
    shown = authority_limits_answer(AuthorityLimits(limits=after, version=now.version))
    answer = AuthorityChangeAnswer(
        id=approval.id,
        approval_id=approval.id,
        workflow_id=approval.workflow_id,
        status=approval.chain.status,
        version=now.version,
        limits=shown.limits,
        warnings=approval.warnings,
    )
    return Outcome(answer, 202)


def _refuse_wrong(
    now: AuthorityLimits, asked: PutAuthorityLimits, wanted: Sequence[tuple[AuthorityKind, str, Limit]]
) -> None:
    errors = [
        FieldError(f"/limits/{n}/percent", "FIELD_INVALID", "A percentage is for write-offs in a session.")
        for n, one in enumerate(asked.limits)
        if one.percent is not None and one.kind is not AuthorityKind.WRITE_OFF
    ]
    after, changes = changed(now.limits, wanted)
    if (wrong := out_of_order(after)) is not None:
        kind, role = wrong
        detail = f"A role gives away at least what the one below it does: not so {role} of {kind}."
        errors.append(FieldError("/limits", "FIELD_RANGE", detail))
    if not changes and not errors:
        errors.append(FieldError("/limits", "FIELD_INVALID", "These are the limits that hold."))
    if errors:
        raise Refusal("VALIDATION_FAILED", errors[0].detail, errors=errors)


def _asked(tx: Tx, now: AuthorityLimits, wanted: Iterable[tuple[AuthorityKind, str, Limit]]) -> Asked:
    wanted = list(wanted)
    _, changes = changed(now.limits, wanted)
    currencies = authority.currencies(tx)
    return Asked(
        kind="authority_limits",
        subject_id=tx.org_id,
        summary=f"Change limits of authority: {'; '.join(_words(c, currencies) for c in changes)}",
        href="/v1/authority-limits",
        roles=_APPROVERS,
        request={"version": now.version, "limits": _ASKED.dump_python(wanted, mode="json")},
    )


def _words(c: LimitChange, currencies: Sequence[str]) -> str:
    return f"{c.kind} of {c.role} from {_in_words(c.before, currencies)} to {_in_words(c.after, currencies)}"


def _in_words(limit: Limit, currencies: Sequence[str]) -> str:
    """A limit is an amount in each legal entity's own currency."""
    most = limit.limit_minor
    amount = "any amount" if most is None else " or ".join(spelt(most, currency) for currency in currencies)
    return amount if limit.percent is None else f"{amount}, {limit.percent} % of the invoice"


def _carry_out(work: Work, approval: Approval) -> None:
    """A new version, which holds for what is asked for from now on: what is under way keeps the limits that it began with."""
    request: JsonObject = approval.request or {}
    authority.lock(work.tx)
    now = authority.get(work.tx)
    if now.version != request["version"]:
        raise Refusal("RECORD_MOVED", f"The limits are at version {now.version} by now.", version=now.version)
    after, _ = changed(now.limits, _ASKED.validate_python(request["limits"]))
    authority.put(work.tx, after, now.version + 1, by=approval.chain.submitted_by, approval_id=approval.id)
    said: Facts = {"before": now.limits, "after": after, "version": now.version + 1, "approval_id": approval.id}
    work.audit(work.tx.org_id, "authority_limits.changed", said)


def _follow(work: Work, approval: Approval) -> None:
    """The limits that hold stay as they are."""


def _again(tx: Tx, approval: Approval) -> Asked:
    """The same limits in place of those that hold by now."""
    request: JsonObject = approval.request or {}
    return _asked(tx, authority.get(tx), _ASKED.validate_python(request["limits"]))


register(Kind("authority_limits", _carry_out, _follow, _again))
