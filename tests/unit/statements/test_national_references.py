"""Payment references of national schemes: right check digits name the invoice that bears the reference, in every way of writing;
wrong ones pay nothing."""

from datetime import date

import pytest

from models.cash.bank_texts import BankText, Role
from models.cash.loose_references import loose_key, loose_keys
from models.cash.matching import Credit, InvoiceBook, Match, MatchKind, OpenInvoice, Unmatched, match_credit
from models.cash.payment_references import Scheme, fits

DAY = date(2026, 2, 2)
QRR, OGM, VIITE = "210000000003139471430009017", "090933755493", "1234561"
KID_10, KID_11, OCR, FIK = "2345676", "12345678903", "1234567897", "000000001234566"
PADDED_QRR = "12347".zfill(27)
PRINTED_QRR = "21 00000 00003 13947 14300 09017"
RIGHT = [
    (Scheme.QRR, QRR), (Scheme.OGM, OGM), (Scheme.OGM, "010806817183"), (Scheme.VIITE, VIITE), (Scheme.VIITE, "12344"),
    (Scheme.KID, KID_10), (Scheme.KID, KID_11), (Scheme.OCR, OCR), (Scheme.FIK, FIK),
]  # fmt: skip


def invoice(number: str, customer: str = "alpha", balance: int = 10000) -> OpenInvoice:
    return OpenInvoice(f"invoice_of_{number}", number, customer, "le_us", "USD", balance, DAY)


def paid(said: BankText, *numbers: str, amount: int = 10000, strangers: tuple[str, ...] = ()) -> Match:
    book = [*(invoice(n) for n in numbers), *(invoice(n, "zeta") for n in strangers)]
    return match_credit(Credit(amount, "USD", "le_us", texts=(said,)), InvoiceBook(book))


def text(words: str) -> BankText:
    return BankText("Ustrd", words, Role.TEXT)


def creditor(reference: str, scheme: str = "") -> BankText:
    return BankText(f"CdtrRefInf/Ref{scheme and f' ({scheme})'}", reference, Role.CREDITOR_REFERENCE)


def column(reference: str) -> BankText:
    return BankText("reference", reference, Role.REFERENCE)


def other_digit(reference: str) -> str:
    return reference[:-1] + str((int(reference[-1]) + 1) % 10)


@pytest.mark.parametrize(("scheme", "reference"), RIGHT)
def test_check_digits_prove_a_reference_and_every_other_last_digit_does_not(scheme: Scheme, reference: str):
    others = [reference[:-1] + digit for digit in "0123456789" if digit != reference[-1]]
    assert fits(scheme, reference)
    fitting = [other for other in others if fits(scheme, other)]
    assert len(fitting) <= (1 if scheme is Scheme.KID else 0)  # creditors choose between two ways for KID


def test_a_kid_may_end_with_a_dash():
    body = next(str(n) for n in range(1000, 2000) if fits(Scheme.KID, f"{n}-"))
    assert not fits(Scheme.OCR, f"{body}-")


@pytest.mark.parametrize(
    ("said", "number"),
    [
        (creditor(QRR), QRR), (creditor(PRINTED_QRR), QRR), (text(QRR), QRR), (text(f"Ref {PRINTED_QRR} Danke"), QRR),
        (column(PRINTED_QRR), QRR), (column(QRR), PRINTED_QRR), (text(QRR), PRINTED_QRR),
        (text(f"QRR: {QRR}"), QRR), (creditor(PADDED_QRR), "12347"), (text(PADDED_QRR), PADDED_QRR),
        (text("+++090/9337/55493+++"), OGM), (text("+++ 090/9337/55493 +++"), OGM), (text("***090/9337/55493***"), OGM),
        (text("Factuur 090/9337/55493"), OGM), (creditor(OGM, "OGM"), OGM), (creditor(OGM, "OGM"), "+++090/9337/55493+++"),
        (text("+++090/9337/55493+++"), "090/9337/55493"), (column("+++090/9337/55493+++"), OGM),
        (text(f"OGM {OGM}"), "+++090/9337/55493+++"), (text(f"VCS: {OGM}"), OGM),
        (creditor(KID_10, "KID"), KID_10), (text(f"KID {KID_10}"), KID_10), (text(f"KID: {KID_11}"), KID_11),
        (text(f"KID:{KID_11}"), KID_11), (text(f"KID nr. {KID_11}, takk"), KID_11),
        (creditor("00000000000001234561", "VIITE"), VIITE), (text(f"Viite {VIITE}"), VIITE), (text(f"Viitenro: {VIITE}"), VIITE),
        (creditor(OCR, "OCR"), OCR), (text(f"OCR {OCR}"), OCR), (text(f"OCR-nr {OCR}"), OCR),
        (creditor(FIK, "FIK"), FIK), (creditor(FIK, "FIK"), "1234566"), (text(f"FIK {FIK}"), FIK),
    ],
)  # fmt: skip
def test_right_check_digits_name_the_invoice_that_bears_the_reference(said: BankText, number: str):
    assert paid(said, number, strangers=("13947", "9337", "55493", "090")).allocations == (
        (f"invoice_of_{number}", 10000),
    )
    assert paid(said, number, amount=500).kind is MatchKind.PARTIAL


WRONG = [
    creditor(other_digit(QRR)), creditor("21 00000 00003 13947 14300 09018"), text(other_digit(QRR)), column(other_digit(QRR)),
    text("Ref 21 00000 00003 13947 14300 09018 Danke"), text("+++090/9337/55494+++"), text("+++ 090/9337/55494 +++"),
    text("090/9337/55494"), creditor(other_digit(OGM), "OGM"), column("+++090/9337/55494+++"), text("OGM 090933755494"),
    creditor("2345679", "KID"), text("KID 2345679"), text("KID: 2345679"), text("KID:2345679"),
    creditor(other_digit(VIITE), "VIITE"), text("Viite 1234562"), creditor(other_digit(OCR), "OCR"), text("OCR 1234567898"),
    creditor(other_digit(FIK), "FIK"),
]  # fmt: skip
BEARERS = (QRR, OGM, KID_10, VIITE, OCR, FIK)


@pytest.mark.parametrize("said", WRONG)
@pytest.mark.parametrize("amount", [10000, 500])
def test_wrong_check_digits_pay_nothing_and_suggest_the_reference_of_the_right_ones(said: BankText, amount: int):
    left = paid(said, *BEARERS, amount=amount, strangers=("13947", "9337", "55494", "090", "09018"))
    assert (left.kind, left.reason_code) == (MatchKind.NONE, Unmatched.CHECK_DIGITS_WRONG)
    assert next(item.external_id for item in left.suggestions) in BEARERS


@pytest.mark.parametrize("said", [said for said in WRONG if said.text != "090/9337/55494"])
def test_not_even_the_invoice_that_is_numbered_so(said: BankText):
    digits = "".join(c for c in said.text if c.isdigit())
    left = paid(said, digits)
    assert (left.kind, left.reason_code) == (MatchKind.NONE, Unmatched.CHECK_DIGITS_WRONG)


def test_an_invoice_that_nobody_knows_is_said_to_have_wrong_check_digits():
    for said in (text("+++090/9337/55494+++"), creditor("RF19539007547034"), text("KID 2345679")):
        assert paid(said).reason_code is Unmatched.CHECK_DIGITS_WRONG
    assert paid(text("+++090/9337/55493+++")).reason_code is Unmatched.REFERENCE_UNKNOWN
    number = BankText("Refs/EndToEndId", other_digit(QRR), Role.OWN_REFERENCE)  # of a payer who numbers payments so
    assert paid(number).reason_code is Unmatched.REFERENCE_UNKNOWN


@pytest.mark.parametrize("words", ["INV-1 +++090/9337/55494+++", f"INV-1 {other_digit(QRR)}", "INV-1 KID 2345679"])
def test_beside_another_reference_they_hold_a_part_back(words: str):
    assert paid(text(words), "INV-1", amount=500).reason_code is Unmatched.REFERENCE_UNRESOLVED
    assert paid(text(words), "INV-1").kind is MatchKind.EXACT


@pytest.mark.parametrize(
    ("said", "number"),
    [
        (text("090/9337/55494"), "090/9337/55494"),  # somebody's own way of numbering
        (text("2345679"), "2345679"), (creditor("2345679"), "2345679"), (text("Invoice 1234567898"), "1234567898"),
        (text("KID INV-7"), "INV-7"), (text("OCR scan of INV-7"), "INV-7"),
    ],
)  # fmt: skip
def test_numbers_of_no_scheme_prove_nothing_and_are_names_as_before(said: BankText, number: str):
    assert paid(said, number).allocations == ((f"invoice_of_{number}", 10000),)


@pytest.mark.parametrize(
    ("said", "number"),
    [(creditor("10045" + "6"), "10045"), (creditor("99" + "10045" + "1"), "INV-10045"), (text(QRR), "30009 01")],
)
def test_an_invoices_number_inside_is_proposed(said: BankText, number: str):
    assert loose_key(number) in loose_keys([said])
    assert paid(said, number).kind is MatchKind.NONE


@pytest.mark.parametrize(
    ("account", "kind", "reference", "scheme"),
    [
        ("NO9386011117947", "", KID_10, "KID"), ("FI2112345600000785", "", VIITE, "VIITE"),
        ("SE4550000000058398257466", "", OCR, "OCR"), ("DK5000400440116243", "", FIK, "FIK"),
        ("BE68539007547034", "", OGM, "OGM"), ("DE89370400440532013000", "<Tp><Issr>BBA</Issr></Tp>", OGM, "OGM"),
        ("CH9300762011623852957", "<Tp><CdOrPrtry><Prtry>QRR</Prtry></CdOrPrtry></Tp>", QRR, "QRR"),
        ("DE89370400440532013000", "", KID_10, ""), ("NO9386011117947", "", "RF18539007547034", ""),
    ],
)  # fmt: skip
def test_the_scheme_is_told_by_the_references_type_or_by_the_accounts_country(
    read, camt, camt_entry, account: str, kind: str, reference: str, scheme: str
):
    details = f"<CdtrRefInf>{kind}<Ref>{reference}</Ref></CdtrRefInf>"
    details = f"<NtryDtls><TxDtls><RmtInf><Strd>{details}</Strd></RmtInf></TxDtls></NtryDtls>"
    document = camt(camt_entry(details=details)).replace("DE89370400440532013000", account)
    line = read(document)[0].lines[0]
    (said,) = [item for item in line.all_texts if item.role is Role.CREDITOR_REFERENCE]
    assert (said.field, said.text) == (f"CdtrRefInf/Ref{scheme and f' ({scheme})'}", reference)
