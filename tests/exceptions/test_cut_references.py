"""A reference that its field cut short, or that two fields glued, never pays the invoice it then happens to spell."""

import pytest

from tests.books import Books
from tests.exceptions.test_lines_left_to_people import mt940, only_line


def owed(books: Books, minor: int, **names: str) -> dict[str, str]:
    """Open invoices by their external id, each of another customer."""
    return {
        external: books.invoice(books.customer(who), minor, "2026-01-01", external_id=external)
        for external, who in names.items()
    }


def paid(books: Books, invoices: dict[str, str]) -> set[str]:
    return {name for name, id_ in invoices.items() if books.get(f"/v1/invoices/{id_}")["status"] != "OPEN"}


@pytest.mark.parametrize(
    "text",
    [
        "166?00GUTSCHRIFT?20INV-10?2101/2026 RENT?32EPSILON AG",
        "166?00GUTSCHRIFT?20RENT INV-10?2101/2026?32EPSILON AG",
        "166?00GUTSCHRIFT?20INV-10\n?2101/2026 RENT?32EPSILON AG",
    ],
)
def test_glued_subfields_pay_no_strangers_invoice(books: Books, text: str) -> None:
    invoices = owed(books, 10000, **{"INV-10": "Epsilon AG", "INV-1001": "Zeta AG"})
    only_line(books, mt940(f":61:2602020202C100,00NTRFNONREF//B2\n:86:{text}"))
    assert paid(books, invoices) <= {"INV-10"}


@pytest.mark.parametrize(
    ("entry", "short", "whole"),
    [
        (":61:2602020202C50,00NTRFINVOICE-2026-0112//B3", "INVOICE-2026-011", "INVOICE-2026-0112"),
        (":61:2602020202C50,00NTRFINVOICE-2026-011//B3", "INVOICE-2026-011", "INVOICE-2026-0112"),
        (":61:2602020202C50,00NTRFNUMBER-2026-00012//B3", "NUMBER-2026-0001", "NUMBER-2026-00012"),
    ],
)
def test_a_reference_cut_at_sixteen_characters_pays_no_strangers_invoice(
    books: Books, entry: str, short: str, whole: str
) -> None:
    invoices = owed(books, 5000, **{short: "Epsilon AG", whole: "Zeta AG"})
    only_line(books, mt940(entry))
    assert short not in paid(books, invoices)
