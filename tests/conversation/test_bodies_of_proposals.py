"""A proposal's body is taken as its operation's own path takes it, and kept as the operation does."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.conversation.proposals import PROPOSABLE
from models.customers.requests import DeleteCustomer, DeleteMode, UpdateCustomer
from models.values import Body
from operations import registry  # noqa: F401 - registers the operations
from operations.proposals import BODIES
from operations.runner import OPERATIONS
from tests.rules.refusals import refused


def kept(operation: str, **body: Any) -> Body:
    takes, keeps = BODIES[operation]
    return keeps(takes.model_validate(body))


def test_all_that_may_be_proposed_has_a_body_that_its_operation_takes() -> None:
    assert BODIES.keys() == PROPOSABLE.keys() <= OPERATIONS.keys()
    others = {name for name, (takes, _) in BODIES.items() if takes is not OPERATIONS[name].takes}
    assert others == {"customer.update", "change.decide", "import.decide", "approval.decide"}, (
        "kept with more than is sent"
    )


def test_a_customers_patch_is_for_whatever_version_there_is() -> None:
    asked = kept("customer.update", name="New")
    assert isinstance(asked, UpdateCustomer)
    assert (asked.patch.model_dump(exclude_unset=True), asked.if_match) == ({"name": "New"}, None)


@pytest.mark.parametrize(
    ("operation", "mode"), [("customer.deactivate", DeleteMode.SOFT), ("customer.delete", DeleteMode.HARD)]
)
def test_whether_a_customer_goes_for_ever_is_said_by_the_operation(operation: str, mode: DeleteMode) -> None:
    for said in ("soft", "hard"):
        asked = kept(operation, mode=said, reason_code="GONE", force=True)
        assert asked == DeleteCustomer(mode=mode, reason_code="GONE", force=True)


@pytest.mark.parametrize("operation", ["change.decide", "import.decide", "approval.decide"])
def test_a_decision_gives_its_reason_where_it_is_no_approval(operation: str) -> None:
    assert kept(operation, decision="approve").model_dump()["decision"] == "approve"
    assert kept(operation, decision="reject", reason_code="TOO_MUCH").model_dump()["reason_code"] == "TOO_MUCH"
    with refused("REASON_REQUIRED"):
        kept(operation, decision="reject")


@pytest.mark.parametrize("operation", ["apply_payment", "apply_credit"])
def test_a_session_names_an_invoice_or_says_that_there_is_none(operation: str) -> None:
    line = {"invoice_id": "inv_1", "applied_minor": 100}
    assert kept(operation, applications=[line]).model_dump()["applications"][0]["applied_minor"] == 100
    assert kept(operation, applications=[], overpayment="unapplied").model_dump()["overpayment"] == "unapplied"
    with refused("VALIDATION_FAILED", "/body/applications", "FIELD_REQUIRED"):
        kept(operation, applications=[])
    with pytest.raises(ValidationError):
        kept(operation, applications=[line], dry_run=True)
