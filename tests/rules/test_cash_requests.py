"""What the doors of cash application and master data refuse of a body that is well formed, by code; and what they read of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from models.cash.credit_note_requests import ApplyCreditNote, CreateCreditNote
from models.cash.requests import (
    AdjustLine,
    ApplySession,
    CreateInvoice,
    DraftReconciliation,
    RecordPayment,
    StoreRate,
    StoreRates,
)
from models.master_data.organisation import NewOrganisation
from models.master_data.records import BankAccount, DiscountTax, LegalEntity
from models.master_data.requests import (
    ChangeBankAccount,
    ChangeLegalEntity,
    ChangeSettings,
    CreateBankAccount,
    SetPaymentTerms,
)
from models.values import Body
from models.webhooks.requests import CreateWebhookEndpoint, UpdateWebhookEndpoint

NOW = datetime(2026, 3, 2, tzinfo=UTC)
INVOICE = {
    "customer_id": "cust_1",
    "external_id": "i1",
    "issue_date": "2026-03-02",
    "currency_code": "USD",
    "total_minor": 120,
}
RATE = {"base_currency": "EUR", "quote_currency": "USD", "rate_date": "2026-03-02", "rate": "1.1"}
ACCOUNT = {"id": "ba_1", "legal_entity_id": "le_us", "currency_code": "EUR", "name": "Main"}
LINE = {"invoice_id": "inv_1", "applied_minor": 5}
NETTED = {"credit_note_id": "cn_1", "invoice_id": "inv_1", "applied_minor": 5}
NOTE = {
    **{k: v for k, v in INVOICE.items() if k != "external_id"},
    "external_id": "n1",
    "reason_code": "RETURNED_GOODS",
}
ENTITY = {"id": "le_us", "name": "US", "functional_currency": "USD"}
BANK = {"id": "ba_1", "currency_code": "USD", "name": "Main"}
TERMS = {"code": "NET30", "days": 30}
ORGANISATION = {"id": "org_1", "name": "One", "legal_entities": [ENTITY]}
FEE = {"kind": "tax_withheld", "amount_minor": 3, "reason_code": "CIS"}


@pytest.mark.parametrize(("takes", "body", "code"), [
    (AdjustLine, FEE, "CERTIFICATE_REQUIRED"), (AdjustLine, {**FEE, "note": " "}, "CERTIFICATE_REQUIRED"),
    (ApplySession, {"applications": [LINE, LINE]}, "INVOICE_REPEATED"),
    (ApplySession, {"applications": [], "credit_notes": [NETTED, NETTED]}, "INVOICE_REPEATED"),
    (CreateInvoice, {**INVOICE, "due_date": "2026-03-01"}, "DUE_BEFORE_ISSUE"),
    (CreateInvoice, {**INVOICE, "tax_minor": 121}, "TAX_EXCEEDS_TOTAL"),
    (CreateInvoice, {**INVOICE, "tax_minor": 20, "lines": [{"amount_minor": 119}]}, "LINES_DO_NOT_ADD_UP"),
    (CreateInvoice, {**INVOICE, "lines": [{"amount_minor": 60}, {"amount_minor": 61}]}, "LINES_DO_NOT_ADD_UP"),
    (DraftReconciliation, {"through_date": "2026-03-02", "payment_ids": ["pay_1", "pay_2", "pay_1"]}, "PAYMENT_REPEATED"),
    (StoreRate, {**RATE, "quote_currency": "EUR"}, "RATE_OF_ITSELF"), (StoreRates, {"rates": [RATE, RATE]}, "RATE_REPEATED"),
    (CreateBankAccount, {**ACCOUNT, "iban": "DE89370400440532013001"}, "IBAN_INVALID"),
    (SetPaymentTerms, {"code": "2-10", "days": 30, "discount_percent": "2"}, "DISCOUNT_INCOMPLETE"),
    (SetPaymentTerms, {"code": "2-10", "days": 30, "discount_days": 10}, "DISCOUNT_INCOMPLETE"),
    (ChangeSettings, {"deduction_owners": {"DAMAGED": "ops"}}, "ROLE_UNKNOWN"),
    (CreateCreditNote, {**NOTE, "tax_minor": 121}, "TAX_EXCEEDS_TOTAL"),
    (ApplyCreditNote, {"applications": [LINE, LINE]}, "INVOICE_REPEATED"),
    (NewOrganisation, {**ORGANISATION, "legal_entities": [ENTITY, ENTITY]}, "NAMED_TWICE"),
    (NewOrganisation, {**ORGANISATION, "legal_entities": [{**ENTITY, "bank_accounts": [BANK, BANK]}]}, "NAMED_TWICE"),
    (NewOrganisation, {**ORGANISATION, "payment_terms": [TERMS, TERMS]}, "NAMED_TWICE"),
    (CreateWebhookEndpoint, {"url": "https://a.example/", "event_types": ["ar.payment.lost"]}, "EVENT_TYPE_UNKNOWN"),
    (UpdateWebhookEndpoint, {"url": None}, "FIELD_TYPE"),
])  # fmt: skip
def test_what_contradicts_itself_is_refused_by_its_code(
    takes: type[Body], body: Mapping[str, object], code: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        takes.model_validate(body)
    [error] = refused.value.errors()
    assert error["type"] == code


@pytest.mark.parametrize(("takes", "body"), [
    (AdjustLine, {**FEE, "note": "Certificate 7"}), (AdjustLine, {**FEE, "kind": "bank_fee"}),
    (ApplySession, {"applications": [LINE, {**LINE, "invoice_id": "inv_2"}]}),
    (ApplySession, {"applications": [], "credit_notes": [NETTED, {**NETTED, "invoice_id": "inv_2"}]}),
    (CreateInvoice, {**INVOICE, "due_date": "2026-03-02", "tax_minor": 120}),
    (CreateInvoice, {**INVOICE, "tax_minor": 20, "lines": [{"amount_minor": 60}, {"amount_minor": 60}]}),
    (CreateInvoice, {**INVOICE, "tax_minor": 20, "lines": [{"amount_minor": 40}, {"amount_minor": 60}]}),
    (CreateInvoice, {**INVOICE, "lines": [{"amount_minor": 1}, {"description": "and the rest"}]}),
    (DraftReconciliation, {"through_date": "2026-03-02", "payment_ids": ["pay_1", "pay_2"]}),
    (StoreRates, {"rates": [RATE, {**RATE, "rate_date": "2026-03-03"}, {**RATE, "quote_currency": "GBP"}]}),
    (SetPaymentTerms, {"code": "2-10", "days": 30, "discount_percent": "2", "discount_days": 10}),
    (CreateCreditNote, {**NOTE, "tax_minor": 120}), (CreateCreditNote, NOTE),
    (ApplyCreditNote, {"applications": [LINE, {**LINE, "invoice_id": "inv_2"}]}),
    (NewOrganisation, {**ORGANISATION, "payment_terms": [TERMS, {**TERMS, "code": "NET7"}]}),
    (UpdateWebhookEndpoint, {"description": None}),
    (SetPaymentTerms, {"code": "NET30", "days": 30}), (ChangeSettings, {"deduction_owners": {"*": "controller"}}),
])  # fmt: skip
def test_what_agrees_with_itself_is_taken(takes: type[Body], body: Mapping[str, object]) -> None:
    assert isinstance(takes.model_validate(body), takes)


def test_a_webhook_of_all_events_names_none_and_of_some_each_once() -> None:
    def kept(types: list[str]) -> list[str]:
        return CreateWebhookEndpoint.model_validate({"url": "https://a.example/", "event_types": types}).event_types

    assert (kept(["*"]), kept([])) == ([], [])
    assert kept(["invoice.created", "ar.payment.applied", "invoice.created"]) == [
        "ar.payment.applied",
        "invoice.created",
    ]


def test_an_iban_is_kept_without_blanks_and_a_change_of_an_account_leaves_what_was_not_sent() -> None:
    assert (
        CreateBankAccount.model_validate({**ACCOUNT, "iban": "de89 3704 0044 0532 0130 00"}).iban
        == "DE89370400440532013000"
    )
    kept = BankAccount(
        id="ba_1", legal_entity_id="le_us", currency_code="EUR", name="Main", iban="DE89370400440532013000",
        account_number="4711", bic="COBADEFF", created_at=NOW,
    )  # fmt: skip

    def after(**sent: object) -> BankAccount:
        return ChangeBankAccount.model_validate(sent).applied_to(kept)

    assert after(name="Other") == replace(kept, name="Other")
    assert after(iban=None, bic="deutdeff500") == replace(kept, iban=None, bic="DEUTDEFF500")
    assert after(account_number="4712", iban="GB82 WEST 1234 5698 7654 32") == replace(
        kept, account_number="4712", iban="GB82WEST12345698765432"
    )
    assert after(account_number=None, bic=None) == replace(kept, account_number=None, bic=None)


@pytest.mark.parametrize(("books", "usual"), [("USD", DiscountTax.KEEP), ("GBP", DiscountTax.ADJUST)])
def test_what_a_discount_does_to_tax_is_as_usual_in_the_currency_of_the_books_where_nobody_says(
    books: str, usual: DiscountTax
) -> None:
    other = {DiscountTax.KEEP: DiscountTax.ADJUST, DiscountTax.ADJUST: DiscountTax.KEEP}[usual]
    kept = LegalEntity(id="le_1", name="One", functional_currency=books, discount_tax=other, created_at=NOW)

    def after(**sent: object) -> LegalEntity:
        return ChangeLegalEntity.model_validate(sent).applied_to(kept)

    assert after(name="Two") == replace(kept, name="Two")
    assert after(discount_tax=None) == replace(kept, discount_tax=usual)
    assert after(discount_tax=str(usual)) == replace(kept, discount_tax=usual)


def test_a_session_names_its_invoices_once_by_money_then_credit_notes_then_deductions() -> None:
    fee = {"kind": "bank_fee", "amount_minor": 1, "reason_code": "FEE"}
    session = ApplySession.model_validate(
        {
            "applications": [{**LINE, "invoice_id": "inv_3"}, {**LINE, "adjustments": [fee]}],
            "credit_notes": [
                NETTED, {**NETTED, "invoice_id": "inv_2"}, {**NETTED, "credit_note_id": "cn_0", "invoice_id": "inv_4"},
            ],
            "deductions": [{"invoice_id": i, "amount_minor": 1, "reason_code": "DAMAGED"} for i in ("inv_2", "inv_0")],
        }
    )  # fmt: skip
    assert session.invoice_ids == ["inv_3", "inv_1", "inv_2", "inv_4", "inv_0"]
    assert (session.credit_note_ids, session.adjusted_ids) == (["cn_1", "cn_0"], ["inv_1"])


def test_a_payment_without_a_session_is_kept_as_it_always_was() -> None:
    body = {
        "customer_id": "cust_1",
        "payment_date": "2026-03-02",
        "amount_minor": 5,
        "currency_code": "USD",
        "external_id": "p1",
    }
    kept = RecordPayment.model_validate(body).model_dump(mode="json")
    assert {"apply", "on_refusal"}.isdisjoint(kept)
    with_it = RecordPayment.model_validate({**body, "apply": {"applications": [LINE]}, "on_refusal": "record"})
    assert with_it.model_dump(mode="json")["on_refusal"] == "record"
    assert with_it.apply is not None
    assert with_it.payment_date == date(2026, 3, 2)
