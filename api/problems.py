"""Every way to say no, as `application/problem+json` (RFC 9457), from one table: code → HTTP status.

`models.errors.CODES` names the codes and their titles; this module alone knows HTTP. Nothing internal leaks: an
unknown exception answers `INTERNAL`, and is logged with the request id.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from api import metrics
from api.invalid import field_errors
from api.outages import is_outage
from models.errors import CODES, FieldError, Refusal

log = structlog.get_logger("arflow.api")

RETRY_AFTER_SECONDS: Final = 1
"""What 429 and 503 answer where the refusal names no time of its own (`retry_after=`)."""

_BY_STATUS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("UNAUTHENTICATED",),
    403: (
        "FORBIDDEN",
        "ORG_CONTEXT_MISMATCH",
        "SEGREGATION_OF_DUTIES",
        "APPROVAL_TOKEN_INVALID",
        "PERSON_REQUIRED",
        "AGENTS_OFF",
        "AGENTS_READ_ONLY",
    ),
    404: (
        "NOT_FOUND",
        "CUSTOMER_NOT_FOUND",
        "INVOICE_NOT_FOUND",
        "PAYMENT_NOT_FOUND",
        "PAYMENT_APPLICATION_NOT_FOUND",
        "ADJUSTMENT_NOT_FOUND",
        "CREDIT_NOT_FOUND",
        "CREDIT_NOTE_NOT_FOUND",
        "CREDIT_NOTE_APPLICATION_NOT_FOUND",
        "RECONCILIATION_NOT_FOUND",
        "STATEMENT_NOT_FOUND",
        "STATEMENT_LINE_NOT_FOUND",
        "STATEMENT_FORMAT_NOT_FOUND",
        "JOURNAL_ENTRY_NOT_FOUND",
        "LEGAL_ENTITY_NOT_FOUND",
        "BANK_ACCOUNT_NOT_FOUND",
        "DIMENSION_NOT_FOUND",
        "ADDRESS_NOT_FOUND",
        "PRICING_TIER_NOT_FOUND",
        "TAX_PROFILE_NOT_FOUND",
        "ENTITY_OVERRIDE_NOT_FOUND",
        "PAYS_FOR_NOT_FOUND",
        "WRITE_OFF_NOT_FOUND",
        "DEDUCTION_NOT_FOUND",
        "CHANGE_NOT_FOUND",
        "APPROVAL_NOT_FOUND",
        "IMPORT_NOT_FOUND",
        "CONTACT_NOT_FOUND",
        "CASE_NOT_FOUND",
        "EXCEPTION_NOT_FOUND",
        "OPERATION_NOT_FOUND",
        "WEBHOOK_ENDPOINT_NOT_FOUND",
        "WEBHOOK_DELIVERY_NOT_FOUND",
        "OPPORTUNITY_NOT_FOUND",
        "QUOTE_NOT_FOUND",
        "ORDER_NOT_FOUND",
        "CONTRACT_NOT_FOUND",
        "NPS_RESPONSE_NOT_FOUND",
        "ACTIVITY_NOT_FOUND",
        "PANEL_NOT_FOUND",
        "SOURCE_CONNECTION_NOT_FOUND",
        "PROPOSAL_NOT_FOUND",
    ),
    405: ("METHOD_NOT_ALLOWED",),
    406: ("NOT_ACCEPTABLE",),
    409: (
        "CREDIT_NOTE_NOT_OPEN",
        "CREDIT_NOTE_HAS_APPLICATIONS",
        "IDEMPOTENCY_KEY_CONFLICT",
        "EXTERNAL_ID_CONFLICT",
        "WRITE_REFUSED",
        "INVOICE_VOID",
        "INVOICE_HAS_APPLICATIONS",
        "INVOICE_NOT_OPEN",
        "WRITE_OFF_REVERSED",
        "WRITE_OFF_NOT_POSTED",
        "DEDUCTION_CLOSED",
        "DEDUCTION_AWAITS_APPROVAL",
        "DEDUCTION_UNDECIDED",
        "INVOICE_DISPUTED",
        "INVOICE_NOT_DISPUTED",
        "PAYMENT_REVERSED",
        "CUSTOMER_UNASSIGNED",
        "CUSTOMER_ALREADY_ASSIGNED",
        "CUSTOMER_INACTIVE",
        "CUSTOMER_ACTIVE",
        "RECORD_MOVED",
        "NOT_CARRIED_OUT",
        "APPLICATION_UNAPPLIED",
        "ADJUSTMENT_UNDONE",
        "RECONCILIATION_COMPLETE",
        "RECONCILIATION_NOT_COMPLETE",
        "ALREADY_EXISTS",
        "DUPLICATE_EMAIL",
        "DUPLICATE_TAX_ID",
        "HAS_TRANSACTIONS",
        "CHANGE_PENDING",
        "STEP_NOT_PENDING",
        "CHANGE_CLOSED",
        "IMPORT_CLOSED",
        "IMPORT_NOT_AWAITING_REVIEW",
        "IMPORT_STATE",
        "CASE_CLOSED",
        "CASE_ALREADY_ESCALATED",
        "EXCEPTION_CLOSED",
        "WEBHOOK_ENDPOINT_DISABLED",
        "LINE_NOT_A_RECEIPT",
        "PAYMENT_LINKED",
        "PROPOSAL_STALE",
        "PROPOSAL_CLOSED",
        "PROPOSAL_EXPIRED",
    ),
    412: ("VERSION_MISMATCH",),
    413: ("PAYLOAD_TOO_LARGE",),
    415: ("UNSUPPORTED_MEDIA_TYPE",),
    422: (
        "VALIDATION_FAILED",
        "PAYMENT_DATE_IN_FUTURE",
        "INVOICE_CUSTOMER_MISMATCH",
        "LEGAL_ENTITY_MISMATCH",
        "CONTACT_CUSTOMER_MISMATCH",
        "MIXED_INVOICE_CURRENCIES",
        "OVERPAYMENT_REQUIRES_CREDIT",
        "APPLIED_EXCEEDS_PAYMENT",
        "APPLIED_EXCEEDS_BALANCE",
        "DISCOUNT_NOT_EARNED",
        "APPROVAL_REQUIRED",
        "APPLIED_EXCEEDS_CREDIT",
        "CREDIT_NOTE_CURRENCY_MISMATCH",
        "DATE_BEFORE_CREDIT_NOTE",
        "FX_RATE_MISSING",
        "PERIOD_CLOSED",
        "DATE_BEFORE_PAYMENT",
        "PAYMENT_AFTER_THROUGH_DATE",
        "APPLIED_TOO_SMALL",
        "PAYMENT_TERMS_UNKNOWN",
        "BANK_ACCOUNT_REQUIRED",
        "BANK_ACCOUNT_MISMATCH",
        "RECONCILIATION_DIFFERENCE",
        "STATEMENT_UNREADABLE",
        "STATEMENT_ACCOUNT_MISMATCH",
        "STATEMENT_ACCOUNT_AMBIGUOUS",
        "STATEMENT_CURRENCY_MISMATCH",
        "LINE_AMOUNT_DIFFERS",
        "FILE_UNREADABLE",
        "REASON_REQUIRED",
        "POLICY_LOOSENED",
        "DELEGATE_LACKS_ROLE",
        "ACCOUNT_UNKNOWN",
        "DIMENSION_UNKNOWN",
        "PAYS_FOR_SELF",
        "PAYS_FOR_CIRCLE",
        "STAGE_UNKNOWN",
    ),
    429: ("RATE_LIMITED", "BUDGET_EXCEEDED"),
    500: ("INTERNAL",),
    503: ("UNAVAILABLE",),
}

STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {code: status for status, codes in _BY_STATUS.items() for code in codes}
)

_CODE_OF_HTTP: Final[Mapping[int, str]] = {
    400: "VALIDATION_FAILED",  # Starlette's word for a body it cannot parse
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "VALIDATION_FAILED",
    429: "RATE_LIMITED",
    503: "UNAVAILABLE",
}

_DETAIL: Final[Mapping[str, str]] = {
    "NOT_FOUND": "There is nothing at this path.",
    "METHOD_NOT_ALLOWED": "This path does not take this method.",
    "VALIDATION_FAILED": "The request body cannot be read.",
    "UNAVAILABLE": "A part of the service is away for a moment; send the request again with the same Idempotency-Key.",
    "INTERNAL": "Something went wrong on our side. The request id names it in our logs.",
}


class ProblemResponse(JSONResponse):
    """A JSON answer of the type `application/problem+json`."""

    media_type = "application/problem+json"


def problem_type(code: str) -> str:
    """The code as a URI, RFC 9457's `type`: `urn:arflow:problem:payment-reversed`."""
    return "urn:arflow:problem:" + code.lower().replace("_", "-")


def problem_body(refusal: Refusal, instance: str | None = None) -> dict[str, Any]:
    """The refusal as a problem document. Also what a batch item and `GET /v1/operations/{id}` carry as `error`."""
    code = refusal.code if refusal.code in STATUS else "INTERNAL"
    body: dict[str, Any] = {
        "type": problem_type(code),
        "title": CODES[code],
        "status": STATUS[code],
        "detail": refusal.detail if code == refusal.code else _DETAIL["INTERNAL"],
        "code": code,
    }
    if instance is not None:
        body["instance"] = instance
    if refusal.errors:
        body["errors"] = [error.as_dict() for error in refusal.errors]
    if code == refusal.code:
        body.update({key: value for key, value in refusal.extra.items() if key not in body})
    return body


def problem_response(refusal: Refusal, request: Request, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """The answer to a refused request; counts it."""
    body = problem_body(refusal, instance=request.url.path)
    status = body["status"]
    answered = dict(headers or {})
    if status == 401:
        answered.setdefault("WWW-Authenticate", 'Bearer realm="arflow"')
    if status in (429, 503):
        answered.setdefault("Retry-After", str(refusal.extra.get("retry_after", RETRY_AFTER_SECONDS)))
    if workflow_id := getattr(request.state, "workflow_id", None):
        answered["X-Workflow-Id"] = workflow_id
    metrics.REFUSALS.labels(body["code"]).inc()
    return ProblemResponse(body, status_code=status, headers=answered)


def internal_problem(request: Request, error: Exception) -> ProblemResponse:
    """The answer to what nobody caught: 503 for an outage, else that of a defect, which says nothing and logs all."""
    if is_outage(error):
        log.warning("unavailable", request_id=getattr(request.state, "request_id", None), exc_info=error)
        return problem_response(Refusal("UNAVAILABLE", _DETAIL["UNAVAILABLE"]), request)
    log.error("request failed", request_id=getattr(request.state, "request_id", None), exc_info=error)
    return problem_response(Refusal("INTERNAL", _DETAIL["INTERNAL"]), request)


def handle_problems(app: FastAPI) -> None:
    """Register the handlers of refusals, validation errors and the framework's own errors."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ResponseValidationError, _defective)
    app.add_exception_handler(HTTPException, _http)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    if error.code not in STATUS:
        log.error("unknown error code", code=error.code, request_id=getattr(request.state, "request_id", None))
    return problem_response(error, request, getattr(error, "headers", None))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_response(invalid(*field_errors(error.errors())), request)


async def _defective(request: Request, error: Exception) -> Response:
    return internal_problem(request, error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODE_OF_HTTP.get(error.status_code, "INTERNAL")
    detail = _DETAIL.get(code) or str(error.detail)
    headers = {"Allow": _methods_of(request)} if error.status_code == 405 else error.headers
    return problem_response(Refusal(code, detail), request, headers)


def _methods_of(request: Request) -> str:
    """Every method that the path takes: the router knows only those of the first of its routes."""
    methods: set[str] = set()
    for route in request.app.state.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def invalid(*errors: FieldError) -> Refusal:
    """`422 VALIDATION_FAILED` with the fields that are wrong."""
    count = "One field is" if len(errors) == 1 else f"{len(errors)} fields are"
    detail = f"{count} not valid: {errors[0].detail}" if len(errors) == 1 else f"{count} not valid."
    return Refusal("VALIDATION_FAILED", detail, errors=list(errors))


def refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route: the codes it may refuse with, one OpenAPI response per status, an example per code."""
    grouped: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        response = grouped.setdefault(
            STATUS[code],
            {
                "description": "",
                "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
                },
            },
        )
        response["description"] = ", ".join(filter(None, [response["description"], code]))
        example = {"type": problem_type(code), "title": CODES[code], "status": STATUS[code], "detail": "…"}
        response["content"]["application/problem+json"]["examples"][code] = {
            "value": {**example, "instance": "/v1/…", "code": code}
        }
    return grouped
