"""Ids, refusals as they are kept, the workflows of commands, and what `arflow verify` says of a check."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from models.commands import KeptRefusal
from models.errors import FieldError, Refusal
from models.ids import first_id, has_prefix, id_of, new_id, noting_ids
from models.imports.postal import zero_lost
from models.imports.retention import rows_kept_until
from models.messages.commands import command_of, posting_workflow_id
from models.tls import AHEAD, CertificateAnswer, ends_soon
from models.verification import NAMED, Finding

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_ids_have_the_prefix_of_their_kind_and_sort_by_their_time() -> None:
    one, other = new_id("pay"), new_id("pay")
    assert one != other
    assert has_prefix(one, "pay")
    assert not any(has_prefix(x, "pay") for x in (new_id("inv"), "pay", "pay_", one + "0", one.upper(), "x" + one))
    assert first_id("pay", NOW) == "pay_01kjpwd6m00000000000000000", "the milliseconds since 1970, and noughts"
    assert first_id("pay", NOW) < first_id("pay", NOW + timedelta(milliseconds=1)) < one
    assert id_of("pay", UUID(int=0)) == "pay_" + "0" * 26
    assert id_of("pay", UUID(int=33)) == "pay_" + "0" * 24 + "11"


def test_the_ids_that_are_made_meanwhile_are_noted() -> None:
    with noting_ids() as outer:
        one = new_id("pay")
        with noting_ids() as inner:
            two = new_id("inv")
        three = new_id("cn")
    new_id("ded")
    assert (outer, inner) == ([one, three], [two])


def test_a_refusal_is_kept_as_it_was() -> None:
    wrong = FieldError("/applications/0/applied_minor", "FIELD_RANGE", "It is 0.")
    refusal = Refusal("APPLIED_EXCEEDS_BALANCE", "Too much.", errors=[wrong], invoice_id="inv_1")
    kept = KeptRefusal.of(refusal)
    back = kept.refusal()
    assert (back.code, back.detail, back.errors, back.extra) == (
        "APPLIED_EXCEEDS_BALANCE", "Too much.", [wrong], {"invoice_id": "inv_1"},
    )  # fmt: skip
    assert str(back) == "APPLIED_EXCEEDS_BALANCE: Too much."
    assert back.as_problem() == {
        "code": "APPLIED_EXCEEDS_BALANCE", "detail": "Too much.", "invoice_id": "inv_1",
        "errors": [{"loc": "/applications/0/applied_minor", "code": "FIELD_RANGE", "detail": "It is 0."}],
    }  # fmt: skip


def test_a_posting_runs_under_its_record_and_its_command() -> None:
    workflow = posting_workflow_id("ApplyPayment", "pay_1", "cmd_01abc")
    assert workflow == "pay_1/ApplyPayment/01abc"
    assert command_of(workflow) == "cmd_01abc"


def test_only_the_first_breaches_are_named() -> None:
    finding = Finding("ledger")
    assert finding.ok
    for n in range(NAMED + 2):
        finding.breach(f"je_{n}")
    assert (finding.ok, len(finding.breaches), finding.breaches[-1], finding.unnamed) == (
        False,
        NAMED,
        f"je_{NAMED - 1}",
        2,
    )


def test_a_postal_code_of_a_digit_or_two_too_few_has_lost_its_zeros() -> None:
    lost = [("US", "2139"), ("US", "213"), ("US", "2139-1234"), ("DE", "1067"), ("NO", "150"), ("JP", "600001")]
    kept = [
        ("US", "02139"),
        ("US", "12"),
        ("US", None),
        ("US", ""),
        ("US", "2139-12"),
        ("GB", "123"),
        ("DE", "01067"),
        ("NO", "5"),
    ]
    assert [zero_lost(*one) for one in lost] == [True] * len(lost)
    assert [zero_lost(*one) for one in kept] == [False] * len(kept)


def test_rows_of_an_import_are_kept_as_long_as_what_they_did() -> None:
    assert (rows_kept_until(NOW, 0), rows_kept_until(NOW, 1)) == (NOW + timedelta(days=30), NOW + timedelta(days=400))


def test_a_certificate_that_ends_soon_has_ended_or_cannot_be_read_wants_somebody() -> None:
    def ending(at: datetime | None) -> bool:
        return ends_soon(CertificateAnswer(setting="ARFLOW_TEMPORAL_TLS_CERT_FILE", ends_at=at), NOW)

    second = timedelta(seconds=1)
    assert [ending(at) for at in (None, NOW - second, NOW + AHEAD - second, NOW + AHEAD)] == [True, True, True, False]
