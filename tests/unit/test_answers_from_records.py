"""Answers that take fields of a record by their names: the names are there, and their types are the same."""

import ast
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_type_hints

import pytest

from models.cash.adjustment_answers import AdjustmentAnswer
from models.cash.answers import PaymentAnswer, ReversalAnswer
from models.cash.csv_formats import FormatColumns
from models.cash.deduction_answers import DeductionAnswer
from models.cash.deduction_decided_answer import DeductionDecidedAnswer
from models.cash.invoice_answers import InvoiceAnswer, IssuedInvoiceAnswer
from models.cash.receipt_answers import RecordedPaymentAnswer
from models.cash.statement_format_requests import FormatColumnsAnswer
from models.cash.undo_answers import AdjustmentUndoneAnswer
from models.cash.write_offs import WriteOff, WriteOffAnswer, WrittenOffAnswer
from models.customers import answers as customers
from models.customers import records
from models.imports.answers import ImportAnswer, ImportProgressAnswer

MODELS: Final = Path(__file__).parents[2] / "models"
TAKEN_FROM: Final[dict[type, type]] = {
    AdjustmentUndoneAnswer: AdjustmentAnswer,
    ReversalAnswer: PaymentAnswer,
    RecordedPaymentAnswer: PaymentAnswer,
    IssuedInvoiceAnswer: InvoiceAnswer,
    DeductionDecidedAnswer: DeductionAnswer,
    WriteOffAnswer: WriteOff,
    WrittenOffAnswer: WriteOff,
    FormatColumnsAnswer: FormatColumns,
    ImportAnswer: ImportProgressAnswer,
    customers.CustomerAnswer: records.CustomerDetails,
    customers.EffectiveCustomerAnswer: records.CustomerDetails,
    customers.ListedCustomerAnswer: records.ListedCustomer,
    customers.AddressAnswer: records.AddressRecord,
    customers.OwnAddressAnswer: records.AddressRecord,
    customers.ContactAnswer: records.ContactRecord,
    customers.PricingTierAnswer: records.PricingTierRecord,
    customers.TaxProfileAnswer: records.TaxProfileRecord,
    customers.CustomerDimensionAnswer: records.DimensionRecord,
    customers.PaysForAnswer: records.PaysForRecord,
    customers.EntityOverrideAnswer: records.OverrideRecord,
}
"""Every answer that `answer_from` makes, and of what."""


def calls() -> dict[str, set[str]]:
    """The answers that are made so, with the names that are given beside the record."""
    found: dict[str, set[str]] = {}
    for path in MODELS.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "answer_from":
                given = {k.arg for k in call.keywords if k.arg}
                if any(k.arg is None for k in call.keywords):  # a customer's belongings, which stand in one place
                    given |= {
                        c.value for c in ast.walk(tree) if isinstance(c, ast.Constant) and isinstance(c.value, str)
                    }
                kind = ast.unparse(call.args[0])
                found[kind] = found[kind] & given if kind in found else given
    return found


def plain(kind: Any) -> Any:
    """The type as it is read: an enum's value is written as the text that it is."""
    return str if isinstance(kind, type) and issubclass(kind, StrEnum) else kind


CALLS: Final = calls()


def test_every_answer_that_is_made_of_a_record_is_looked_at() -> None:
    assert CALLS.keys() == {kind.__name__ for kind in TAKEN_FROM}


@pytest.mark.parametrize("kind", TAKEN_FROM, ids=lambda kind: kind.__name__)
def test_what_an_answer_takes_of_a_record_is_there_and_of_its_type(kind: Any) -> None:
    record: Any = TAKEN_FROM[kind]
    taken = {f.name for f in fields(kind)} - CALLS[kind.__name__]
    assert taken, "it takes nothing of the record"
    of_answer, of_record = get_type_hints(kind), get_type_hints(record)
    assert {n: plain(of_answer[n]) for n in taken} == {n: plain(of_record.get(n)) for n in taken}
