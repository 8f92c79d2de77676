"""The first payment, by a client that was generated from /openapi.json: issued, paid too much, applied, seen in the aging.

openapi-python-client generate --url http://127.0.0.1:8080/openapi.json --meta none --output-path arflow_client
python first_payment.py http://127.0.0.1:8080 "$TOKEN" "$CUSTOMER"
"""

import sys
from datetime import UTC, datetime

from arflow_client import AuthenticatedClient
from arflow_client.api.aging import get_ar_aging
from arflow_client.api.invoices import create_invoice
from arflow_client.api.payments import apply_payment, record_payment
from arflow_client.models import (
    Aging,
    ApplyLine,
    ApplySession,
    CreateInvoice,
    IssuedInvoice,
    Overpayment,
    Payment,
    Problem,
    RecordPayment,
    Session,
)


def main(url: str, token: str, customer_id: str) -> None:
    client = AuthenticatedClient(base_url=url, token=token)
    today = datetime.now(UTC).date()

    invoice = create_invoice.sync(
        client=client,
        body=CreateInvoice(
            customer_id=customer_id,
            external_id="INV-1",
            issue_date=today,
            currency_code="USD",
            total_minor=50_000,
        ),
    )
    assert isinstance(invoice, IssuedInvoice), invoice

    payment = record_payment.sync(
        client=client,
        body=RecordPayment(
            customer_id=customer_id,
            external_id="bank-2041",
            payment_date=today,
            amount_minor=65_000,
            currency_code="USD",
        ),
    )
    assert isinstance(payment, Payment), payment

    lines = [ApplyLine(invoice_id=invoice.id, applied_minor=50_000)]
    refused = apply_payment.sync(payment.id, client=client, body=ApplySession(applications=lines))
    assert isinstance(refused, Problem), refused
    print("refused:", refused.code)

    body = ApplySession(applications=lines, overpayment=Overpayment.CUSTOMER_CREDIT)
    preview = apply_payment.sync(payment.id, client=client, body=body, dry_run=True)
    assert isinstance(preview, Session), preview
    if preview.journal_entry is not None:
        for line in preview.journal_entry.lines:
            print("would post:", line.account, line.debit_minor, line.credit_minor)

    session = apply_payment.sync(payment.id, client=client, body=body, idempotency_key="first-apply")
    assert isinstance(session, Session), session
    print("applied:", session.status.value, "credit:", session.credit_id)

    aging = get_ar_aging.sync(customer_id, client=client)
    assert isinstance(aging, Aging), aging
    print("net:", aging.net_minor, aging.currency_code)


if __name__ == "__main__":
    main(*sys.argv[1:])
