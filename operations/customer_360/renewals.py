"""Renewals at risk: a contract in its notice window, or past its renewal date, lies on somebody's desk."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from models.access import ACCOUNT_MANAGER
from models.db.customer_360 import renewals
from operations.work import Work

KIND = "contract_renewal"


def watch_contracts(work: Work, contract_ids: Sequence[str] | None = None) -> int:
    """Open an exception for every active contract at risk, close those that are no longer; answers how many are open.

    `contract_ids` None: every contract of the organisation (the daily watch).
    """
    at_risk = renewals.at_risk(work.tx, work.now.date(), contract_ids)
    renewals.resolve_others(work.tx, KIND, at_risk, contract_ids, work.cmd.actor)
    today = work.now.date()
    for c in at_risk:
        due = datetime.combine(c.renewal_date, time(), UTC)
        work.open_exception(
            KIND,
            "RENEWAL_MISSED" if c.is_missed(today) else "RENEWAL_IN_NOTICE_WINDOW",
            c.id,
            owner_role=None if c.owner_user else ACCOUNT_MANAGER,
            owner_user=c.owner_user,
            due_in=max(due - work.now, timedelta(0)),
            legal_entity_id=c.legal_entity_id,
            detail={
                "customer_id": c.customer_id,
                "contract_id": c.id,
                "renewal_date": c.renewal_date,
                "arr_minor": c.arr_minor,
                "currency_code": c.currency_code,
            },
        )
    return len(at_risk)
