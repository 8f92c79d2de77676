"""Reports that tie to each other and to the ledger; JSON, or CSV by `Accept: text/csv`."""

from typing import Annotated, Any, Final

from fastapi import Query, Request
from starlette.responses import Response

from api.csv_answer import report_answer
from api.deps import Principal, requires
from api.gate import gated_router
from api.problems import invalid
from api.reading import reading
from models.cash.report_answers import (
    ArAgingReportAnswer,
    ArRollForwardAnswer,
    TrialBalanceAnswer,
    UnappliedCashReportAnswer,
)
from models.db.cash.aging_report import ar_aging_report
from models.db.cash.cash_report import unapplied_cash_report
from models.db.cash.ledger_balances import trial_balance
from models.db.cash.roll_forward import ar_roll_forward
from models.errors import FieldError
from models.values import IsoDate

router = gated_router("reports")
Reader = Annotated[Principal, requires("payments.read")]
AsOf = Annotated[IsoDate | None, Query(description="The day asked about; today (UTC) unless given")]
_EITHER: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {}}}}


@router.get("/v1/reports/ar-aging", response_model=ArAgingReportAnswer, responses=_EITHER)
def get_ar_aging_report(
    request: Request,
    who: Reader,
    as_of: AsOf = None,
    limit: Annotated[
        int | None, Query(ge=1, le=200, description="Only so many customers, the most overdue first; all unless given")
    ] = None,
) -> Response:
    """Every customer's receivables in buckets, with totals, tied to the control account per legal entity. With a limit the most
    overdue alone are listed; totals and control are of all."""
    with reading(request, who, snapshot=True) as tx:
        report = ar_aging_report(tx, as_of or tx.now.date(), who.entities, limit)
    return report_answer(request, "ar-aging", report)


@router.get("/v1/reports/trial-balance", response_model=TrialBalanceAnswer, responses=_EITHER)
def get_trial_balance(request: Request, who: Reader, as_of: AsOf = None) -> Response:
    """Every account with its balance, per legal entity, in its functional currency."""
    with reading(request, who, snapshot=True) as tx:
        report = trial_balance(tx, as_of or tx.now.date(), who.entities)
    return report_answer(request, "trial-balance", report)


@router.get("/v1/reports/unapplied-cash", response_model=UnappliedCashReportAnswer, responses=_EITHER)
def get_unapplied_cash_report(request: Request, who: Reader, as_of: AsOf = None) -> Response:
    """Each payment with money left, unapplied or in credits, tied to the accounts that carry it."""
    with reading(request, who, snapshot=True) as tx:
        report = unapplied_cash_report(tx, as_of or tx.now.date(), who.entities)
    return report_answer(request, "unapplied-cash", report)


@router.get("/v1/reports/ar-roll-forward", response_model=ArRollForwardAnswer, responses=_EITHER)
def get_ar_roll_forward(
    request: Request,
    who: Reader,
    since: Annotated[IsoDate, Query(alias="from", description="The first day")],
    until: Annotated[IsoDate, Query(alias="to", description="The last day")],
) -> Response:
    """The roll-forward of receivables, how they moved: opening + invoices - applications ± FX = closing."""
    if until < since:
        raise invalid(FieldError("/query/to", "FIELD_RANGE", "The last day is before the first."))
    with reading(request, who, snapshot=True) as tx:
        report = ar_roll_forward(tx, since, until, who.entities)
    return report_answer(request, "ar-roll-forward", report)
