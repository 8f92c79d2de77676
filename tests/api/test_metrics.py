"""What Prometheus is told by a running API and worker: requests, refusals, business, the outbox's lag, activities."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from tests.api.office import Office, code, ext, ok
from tests.stack_fixtures.app import AppStack

Figures = dict[str, float]
"""Value by name and labels, as Prometheus writes them."""


def figures(url: str) -> Figures:
    answer = httpx2.get(url, trust_env=False, timeout=60)
    assert answer.headers["content-type"].startswith("text/plain")
    lines = re.findall(r"^(arflow_\S*(?:\{.*\})?) ([0-9.e+-]+)$", answer.text, re.MULTILINE)
    return {name: float(value) for name, value in lines}


def risen(before: Figures, after: Figures) -> Figures:
    return {k: v - before.get(k, 0) for k, v in after.items() if v != before.get(k, 0)}


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_api_counts_business_once_and_refusals_by_code(office: Office, app_stack: AppStack) -> None:
    url = f"{app_stack.base_url}/metrics"

    def counted() -> Figures:
        customer, before = office.customer(), figures(url)
        invoice = office.invoice(customer, 1000)
        body = office.payment_body(customer, 1500)
        payment = ok(office.clerk.post("/v1/customer-payments", json=body), 201)
        ok(office.clerk.post("/v1/customer-payments", json=body), 201)  # a replay is no second payment
        assert code(office.apply(payment, [(invoice, 1000)])) == (422, "OVERPAYMENT_REQUIRES_CREDIT")
        ok(office.apply(payment, [(invoice, 1000)], overpayment="customer_credit"))
        return risen(before, figures(url))

    found = counted()
    while any('status="202"' in name or 'status="503"' in name for name in found):
        found = counted()  # the machine stood still, and something was asked twice
    assert {
        k: v for k, v in found.items() if re.match(r"arflow_(commands|payments|invoices|refusals)\w*_total", k)
    } == {
        'arflow_invoices_created_total{currency="USD"}': 1,
        'arflow_payments_recorded_total{currency="USD"}': 1,
        'arflow_payments_applied_total{currency="USD"}': 1,
        'arflow_commands_total{operation="create_invoice",result="done"}': 1,
        'arflow_commands_total{operation="record_payment",result="done"}': 1,
        'arflow_commands_total{operation="record_payment",result="replayed"}': 1,
        'arflow_commands_total{operation="apply_payment",result="done"}': 1,
        'arflow_refusals_total{code="OVERPAYMENT_REQUIRES_CREDIT"}': 1,
    }
    apply = 'arflow_http_request_duration_seconds_count{method="POST",route="/v1/customer-payments/{payment_id}/apply"'
    assert (found[f'{apply},status="200"}}'], found[f'{apply},status="422"}}']) == (1, 1)
    until(lambda: figures(url)["arflow_outbox_lag_events"] == figures(url)["arflow_outbox_lag_seconds"] == 0)


def test_the_outbox_lag_is_that_of_events_nobody_has_published(fresh_database_url: str) -> None:
    from api.figures import refresh
    from api.metrics import OUTBOX_LAG, OUTBOX_LAG_SECONDS
    from tests.books import Books

    books = Books(fresh_database_url)  # where no relay is
    for _ in range(3):
        books.pay(books.customer(), 5, "2026-01-15")
    time.sleep(0.05)
    refresh(books.engine)
    assert OUTBOX_LAG._value.get() == 6  # three customers, three payments
    assert 0.05 <= OUTBOX_LAG_SECONDS._value.get() < 60
    books.close()


def test_the_worker_counts_events_of_every_process_and_measures_its_activities(
    office: Office, app_stack: AppStack
) -> None:
    before = figures(app_stack.worker_metrics)
    customer = office.customer()
    invoice = office.invoice(customer, 500, external_id=ext("inv"))
    done = ok(office.apply(office.payment(customer, 500), [(invoice, 500)]))
    said = ok(
        office.clerk.post(
            "/v1/customers", json={"name": ext(), "email": f"{ext()}@example.com", "legal_entity_id": "le_us"}
        ),
        202,
    )
    url = f"/v1/customer-changes/{said['change_id']}/decisions"
    for who in (office.manager, office.controller):
        ok(who.post(url, json={"decision": "approve"}))
    events = {"ar.payment.received": 1, "ar.payment.applied": 1, "customer.change.submitted": 1, "customer.created": 1}

    def told() -> Figures:
        return risen(before, figures(app_stack.worker_metrics))

    until(lambda: all(told().get(f'arflow_events_total{{type="{k}"}}', 0) >= n for k, n in events.items()))
    sent = 'arflow_activity_duration_seconds_count{activity="send_confirmation",outcome="done"}'
    until(lambda: told().get(sent, 0) >= 1)
    assert any('outcome="done"' in k and 'activity="change_' in k for k in told())
    text = httpx2.get(app_stack.worker_metrics, trust_env=False, timeout=60).text
    for personal in (office.org, customer, done["payment_id"], "@example.com"):
        assert personal not in text


def test_the_page_for_operators_names_every_metric(app_stack: AppStack) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    served = [
        httpx2.get(url, trust_env=False, timeout=60).text
        for url in (f"{app_stack.base_url}/metrics", app_stack.worker_metrics)
    ]
    families = {
        n for text in served for n in re.findall(r"^# TYPE (arflow_\w+)", text, re.M) if not n.endswith("_created")
    }
    assert len(families) >= 10
    assert [name for name in sorted(families) if f"`{name}`" not in page] == []
