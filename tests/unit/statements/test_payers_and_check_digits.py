"""What keeps money from a stranger's invoice: who pays, what else is named, and whether a reference proves itself."""

from datetime import date

import pytest

from models.cash.bank_texts import BankText, Role
from models.cash.check_digits import is_creditor_reference, is_iban
from models.cash.matching import Credit, InvoiceBook, Match, MatchKind, OpenInvoice, Unmatched, match_credit
from models.cash.statements import StatementLine

DAY = date(2026, 2, 2)
ALPHA, BETA, NOBODY = frozenset({"alpha"}), frozenset({"beta"}), frozenset[str]()


def invoice(number: str, balance: int, customer: str = "alpha") -> OpenInvoice:
    return OpenInvoice(f"invoice_of_{number}", number, customer, "le_us", "USD", balance, DAY)


def paid(amount: int, *texts: BankText, payers: frozenset[str], invoices: list[OpenInvoice]) -> Match:
    return match_credit(Credit(amount, "USD", "le_us", texts=texts, payers=payers), InvoiceBook(invoices))


def text(words: str) -> BankText:
    return BankText("Ustrd", words, Role.TEXT)


def own(reference: str) -> BankText:
    return BankText("EndToEndId", reference, Role.OWN_REFERENCE)


@pytest.mark.parametrize(
    ("texts", "number"),
    [
        ((own("10045"), text("Order 889")), "10045"),
        ((text("INV-010432"),), "INV-010432"),
        ((BankText("Nb", "INV-010432", Role.DOCUMENT),), "INV-010432"),
        ((text("invoice no. 010432"),), "INV-010432"),
    ],
)
def test_nobody_pays_a_part_of_a_strangers_invoice(texts, number):
    book = [invoice(number, 500000)]
    left = paid(10000, *texts, payers=BETA, invoices=book)
    assert (left.kind, left.reason_code, left.customer_id) == (MatchKind.NONE, Unmatched.PAYER_DIFFERS, None)
    assert [item.external_id for item in left.suggestions] == [number]
    assert paid(10000, *texts, payers=ALPHA, invoices=book).kind is MatchKind.PARTIAL


def test_who_pays_for_another_pays_the_whole():
    assert paid(500000, text("INV-7"), payers=BETA, invoices=[invoice("INV-7", 500000)]).kind is MatchKind.EXACT


def test_a_word_that_happens_to_fit_does_not_pay_a_strangers_invoice():
    book = [invoice("2026", 10000)]
    assert paid(10000, text("March 2026"), payers=BETA, invoices=book).kind is MatchKind.NONE
    assert paid(10000, text("March 2026"), payers=NOBODY, invoices=book).kind is MatchKind.EXACT


def test_a_number_of_the_payers_own_pays_a_part_only_where_the_payer_is_known():
    book = [invoice("10045", 500000)]
    assert paid(10000, own("10045"), payers=NOBODY, invoices=book).reason_code is Unmatched.NUMBER_ALONE
    assert paid(10000, own("10045"), payers=ALPHA, invoices=book).kind is MatchKind.PARTIAL
    assert paid(10000, own("10045"), text("invoice 10045"), payers=NOBODY, invoices=book).kind is MatchKind.PARTIAL
    assert paid(500000, own("10045"), payers=NOBODY, invoices=book).kind is MatchKind.EXACT


@pytest.mark.parametrize(
    "words",
    [
        "INV-1 INV-99", "INV-1, 99", "INV-1/99", "INV-1 and 2", "invoices 1 and 99", "INV-1 10099", "INV-1 & PO4711",
        "INV-1, RF18539007547034", "INV-1 RF19539007547034", "INV-1 RF19 5390 0754 7034",
    ],
)  # fmt: skip
def test_nothing_is_paid_in_part_while_a_second_reference_is_unresolved(words):
    left = paid(100, text(words), payers=ALPHA, invoices=[invoice("INV-1", 10000)])
    assert (left.kind, left.reason_code) == (MatchKind.NONE, Unmatched.REFERENCE_UNRESOLVED)
    assert paid(10000, text(words), payers=ALPHA, invoices=[invoice("INV-1", 10000)]).kind is MatchKind.EXACT


@pytest.mark.parametrize(
    "words",
    [
        "INV-1", "INV-1 2026-02-02", "INV-1, 02.02.2026", "INV-1 part-payment", "INV-1 2nd rate", "INV-1 Q1/2026",
        "INV-1 50%", "INV-1 EUR500.00", "INV-1, 500.00", "INV-1 03/2026", "INV-1 part 2 of 3",
        "INV-1 IBAN NL91ABNA0417164300", "INV-1 re-send",
    ],
)  # fmt: skip
def test_what_is_no_reference_does_not_hold_a_part_back(words):
    assert paid(100, text(words), payers=NOBODY, invoices=[invoice("INV-1", 10000)]).kind is MatchKind.PARTIAL


def test_what_the_payer_calls_the_payment_is_a_second_reference_only_where_it_looks_like_one():
    book = [invoice("INV-1", 10000)]
    assert paid(100, own("E2E-4711"), text("INV-1"), payers=NOBODY, invoices=book).kind is MatchKind.PARTIAL
    assert paid(100, own("INV-99"), text("INV-1"), payers=NOBODY, invoices=book).kind is MatchKind.NONE


def test_references_beyond_those_looked_up_are_unresolved():
    words = "INV-1 " + " ".join(f"REF-{n}" for n in range(100))
    left = paid(100, text(words), payers=ALPHA, invoices=[invoice("INV-1", 10000)])
    assert left.reason_code is Unmatched.REFERENCE_UNRESOLVED


# ISO 11649

RIGHT, WRONG, NUMBER = "RF18539007547034", "RF19539007547034", "539007547034"


def creditor(reference: str) -> BankText:
    return BankText("CdtrRefInf/Ref", reference, Role.CREDITOR_REFERENCE)


def column(reference: str) -> BankText:
    return BankText("reference", reference, Role.REFERENCE)


@pytest.mark.parametrize(
    "said",
    [
        creditor(RIGHT), creditor("RF18 5390 0754 7034"), text(RIGHT), text("Invoice RF18 5390 0754 7034 thanks"),
        column(RIGHT), column("RF18 5390 0754 7034"), text(f"Payment of {RIGHT.lower()}, thanks"), own(RIGHT),
        text(f"/RFB/{RIGHT}"),
    ],
)  # fmt: skip
def test_a_creditor_reference_whose_check_digits_fit_names_its_invoice_wherever_it_stands(said):
    book = [invoice(NUMBER, 10000), invoice("5390", 10000, "beta"), invoice("7034", 10000, "beta")]
    assert paid(10000, said, payers=NOBODY, invoices=book).allocations == ((f"invoice_of_{NUMBER}", 10000),)


@pytest.mark.parametrize(
    "said",
    [
        creditor(WRONG), creditor("RF19 5390 0754 7034"), text(WRONG), text("Invoice RF19 5390 0754 7034 thanks"),
        column(WRONG), column("RF19 5390 0754 7034"), own(WRONG), text(f"/RFB/{WRONG}"),
    ],
)  # fmt: skip
def test_one_whose_check_digits_do_not_fit_pays_nothing_and_is_suggested(said):
    book = [invoice(NUMBER, 10000), invoice("5390", 10000, "beta")]
    left = paid(10000, said, payers=ALPHA, invoices=book)
    assert left.kind is MatchKind.NONE
    if not said.text.startswith("/"):
        assert left.reason_code is Unmatched.CHECK_DIGITS_WRONG
        assert NUMBER in [item.external_id for item in left.suggestions]


def test_the_whole_reference_may_be_the_invoices_own_number():
    assert paid(10000, text(RIGHT), payers=NOBODY, invoices=[invoice(RIGHT, 10000)]).kind is MatchKind.EXACT
    assert paid(10000, column("RF2026001"), payers=NOBODY, invoices=[invoice("RF2026001", 10000)]).allocations
    assert paid(10000, creditor(WRONG), payers=NOBODY, invoices=[invoice(WRONG, 10000)]).kind is MatchKind.NONE


@pytest.mark.parametrize("reference", ["RF18539007547034", "RF712348231", "rf18539007547034", "RF45G72UUR"])
def test_check_digits_of_iso_11649(reference):
    assert is_creditor_reference(reference)
    assert not is_creditor_reference(reference[:-1] + ("5" if reference[-1] != "5" else "6"))


def test_check_digits_of_an_iban():
    assert is_iban("NL91ABNA0417164300")
    assert not is_iban("NL92ABNA0417164300")


# Blanks


def test_a_name_with_blanks_is_one_where_it_stands_alone():
    book = [invoice("ABC 2026 017", 10000), invoice("2026", 10000, "beta"), invoice("ABC-2", 10000, "beta")]
    line = StatementLine(1, DAY, DAY, 10000, "USD", reference="ABC 2026 017")
    found = match_credit(Credit.of(line, "le_us"), InvoiceBook(book))
    assert found.allocations == (("invoice_of_ABC 2026 017", 10000),)
    assert paid(500, column("ABC 2026 017"), payers=NOBODY, invoices=book).kind is MatchKind.PARTIAL
    assert paid(10000, own("ABC 2026 017"), payers=NOBODY, invoices=book).kind is MatchKind.EXACT
    assert paid(10000, text("ABC 2026 017"), payers=NOBODY, invoices=[book[0]]).kind is MatchKind.EXACT


def test_blanks_are_never_left_out_to_make_a_name():
    book = [invoice("INV-1001", 10000, "zeta")]
    for said in (column("INV-10 01"), creditor("INV-10 01"), text("INV-10 01"), own("INV-10 01")):
        assert paid(10000, said, payers=NOBODY, invoices=book).kind is MatchKind.NONE
