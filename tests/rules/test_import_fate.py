"""What becomes of a row that meets somebody: by whom it meets and by on_duplicate, rule by rule."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.imports.checked import RowFault
from models.imports.fate import Fate, SpecialRow, fate
from models.imports.requests import OnDuplicate

MODES: tuple[OnDuplicate, ...] = ("skip", "update", "error")
ALONE = SpecialRow(
    row_no=1, ok=True, errors=None, warnings=None, in_file=False, duplicate=None, external_id=None, by_email=None,
    by_tax=None, by_external=None, met_external=None, met_own=False, claimed=False, email_claim=None, tax_claim=None,
    external_claim=None,
)  # fmt: skip
MET = replace(ALONE, by_email="cust_1", duplicate=["DUPLICATE_EMAIL"])


@pytest.mark.parametrize("mode", MODES)
def test_a_faulty_row_fails_with_each_of_its_codes_once(mode: OnDuplicate) -> None:
    faults = [RowFault(None, None, None, code, "") for code in ("EMAIL_INVALID", "FIELD_LENGTH", "EMAIL_INVALID")]
    faulty = replace(MET, ok=False, errors=faults)
    assert fate(faulty, mode) == Fate("failed", ("EMAIL_INVALID", "FIELD_LENGTH"))


@pytest.mark.parametrize("mode", MODES)
def test_whom_validation_met_and_who_is_gone_is_made_anew(mode: OnDuplicate) -> None:
    assert fate(replace(ALONE, duplicate=["DUPLICATE_EMAIL"]), mode) == Fate("created")


@pytest.mark.parametrize("mode", MODES)
def test_two_customers_at_once_are_nobodys_to_choose_from(mode: OnDuplicate) -> None:
    assert fate(replace(MET, by_tax="cust_2"), mode) == Fate("failed", ("DUPLICATE_AMBIGUOUS",))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("skip", Fate("skipped", ("DUPLICATE_EMAIL",), "cust_1")),
        ("update", Fate("updated", ("DUPLICATE_EMAIL",), "cust_1")),
        ("error", Fate("failed", ("DUPLICATE_EMAIL",), "cust_1")),
    ],
)
def test_a_customer_that_is_met_is_skipped_updated_or_an_error(mode: OnDuplicate, expected: Fate) -> None:
    assert fate(MET, mode) == expected


def test_what_an_earlier_row_of_the_file_has_made_is_said_to_be_in_the_file() -> None:
    repeated = replace(MET, in_file=True, met_own=True, duplicate=["DUPLICATE_IN_FILE"])
    assert fate(repeated, "skip") == Fate("skipped", ("DUPLICATE_IN_FILE",), "cust_1")
    assert fate(replace(repeated, by_email=None, met_own=False), "update") == Fate("created")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"external_id": "E2", "met_external": "E1"}, Fate("failed", ("EXTERNAL_ID_CONFLICT",), "cust_1")),
        ({"external_id": "E1", "met_external": "E1"}, Fate("updated", ("DUPLICATE_EMAIL",), "cust_1")),
        ({"external_id": "E1", "met_external": None}, Fate("updated", ("DUPLICATE_EMAIL",), "cust_1")),
        ({"external_id": "E3", "by_external": "cust_3"}, Fate("failed", ("EXTERNAL_ID_CONFLICT",), "cust_3")),
        ({"external_id": "E3", "external_claim": "cust_3"}, Fate("failed", ("EXTERNAL_ID_CONFLICT",))),
        ({"claimed": True, "tax_claim": "cust_9"}, Fate("failed", ("DUPLICATE_TAX_ID",), "cust_1")),
        ({"claimed": True, "email_claim": "cust_1"}, Fate("updated", ("DUPLICATE_EMAIL",), "cust_1")),
    ],
)
def test_an_update_takes_no_key_that_is_another_customers_or_asked_for(
    changed: dict[str, str | bool | None], expected: Fate
) -> None:
    assert fate(replace(MET, **changed), "update") == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", MODES)
def test_a_key_that_an_open_change_has_asked_for_makes_no_customer(mode: OnDuplicate) -> None:
    claimed = replace(ALONE, claimed=True, email_claim="cust_9", duplicate=["DUPLICATE_EMAIL"])
    assert fate(claimed, mode) == Fate("skipped" if mode == "skip" else "failed", ("DUPLICATE_EMAIL",))


customer = st.sampled_from([None, "cust_1", "cust_2"])


@given(
    by_email=customer, by_tax=customer, by_external=customer, email_claim=customer, tax_claim=customer,
    external_claim=customer, external_id=st.sampled_from([None, "E1", "E2"]), met_external=st.sampled_from([None, "E1"]),
    in_file=st.booleans(), claimed=st.booleans(), mode=st.sampled_from(MODES),
)  # fmt: skip
def test_only_whom_the_row_meets_alone_is_updated_and_only_where_updating_was_asked_for(
    mode: OnDuplicate, **met: str | bool | None
) -> None:
    row = replace(ALONE, **met)  # type: ignore[arg-type]
    became = fate(row, mode)
    if became.outcome == "updated":
        assert mode == "update"
        assert {row.by_email, row.by_tax} - {None} == {became.target}
        assert {row.by_external, row.external_claim, row.email_claim, row.tax_claim} <= {None, became.target}
    if became.outcome == "created":
        assert (row.by_email, row.by_tax, row.claimed) == (None, None, False)


@pytest.mark.parametrize(("row", "mode", "expected"), [
    (replace(ALONE, in_file=True, duplicate=["DUPLICATE_AMBIGUOUS"]), "skip", Fate("failed", ("DUPLICATE_AMBIGUOUS",))),
    (replace(ALONE, in_file=True, duplicate=["DUPLICATE_AMBIGUOUS"]), "error", Fate("failed", ("DUPLICATE_AMBIGUOUS",))),
    (replace(ALONE, in_file=True, duplicate=["DUPLICATE_AMBIGUOUS"]), "update", Fate("created")),
    (replace(ALONE, in_file=True, duplicate=["DUPLICATE_IN_FILE"]), "skip", Fate("skipped", ("DUPLICATE_IN_FILE",))),
    (replace(ALONE, duplicate=["DUPLICATE_AMBIGUOUS"]), "skip", Fate("created")),
    (replace(ALONE, duplicate=["EXTERNAL_ID_CONFLICT"]), "skip", Fate("failed", ("EXTERNAL_ID_CONFLICT",))),
    (replace(ALONE, by_external="cust_9"), "skip", Fate("failed", ("EXTERNAL_ID_CONFLICT",), "cust_9")),
    (replace(ALONE, external_claim="cust_9"), "skip", Fate("failed", ("EXTERNAL_ID_CONFLICT",))),
    (replace(ALONE, claimed=True), "skip", Fate("skipped", ("DUPLICATE_EMAIL",))),
    (replace(ALONE, claimed=True, duplicate=["DUPLICATE_TAX_ID"]), "update", Fate("failed", ("DUPLICATE_TAX_ID",))),
    (replace(ALONE, by_tax="cust_1"), "skip", Fate("skipped", ("DUPLICATE_TAX_ID",), "cust_1")),
    (replace(ALONE, by_email="cust_1", by_tax="cust_1"), "skip",
     Fate("skipped", ("DUPLICATE_EMAIL", "DUPLICATE_TAX_ID"), "cust_1")),
    (replace(MET, email_claim="cust_2"), "update", Fate("failed", ("DUPLICATE_EMAIL",), "cust_1")),
    (replace(MET, tax_claim="cust_2"), "update", Fate("failed", ("DUPLICATE_TAX_ID",), "cust_1")),
    (replace(MET, email_claim="cust_1", tax_claim="cust_1"), "update", Fate("updated", ("DUPLICATE_EMAIL",), "cust_1")),
    (replace(MET, in_file=True, met_own=True), "update", Fate("updated", ("DUPLICATE_IN_FILE",), "cust_1")),
    (replace(MET, in_file=True), "update", Fate("updated", ("DUPLICATE_EMAIL",), "cust_1")),
    (replace(MET, external_id="E2", met_external="E1"), "update", Fate("failed", ("EXTERNAL_ID_CONFLICT",), "cust_1")),
    (replace(MET, external_id="E1", met_external="E1"), "update", Fate("updated", ("DUPLICATE_EMAIL",), "cust_1")),
    (replace(MET, by_external="cust_9"), "update", Fate("failed", ("EXTERNAL_ID_CONFLICT",), "cust_9")),
])  # fmt: skip
def test_each_row_has_its_fate_and_is_told_why(row: SpecialRow, mode: OnDuplicate, expected: Fate) -> None:
    assert fate(row, mode) == expected
