"""Journal entries, read through the API."""

from tests.books import Books


def test_every_entry_made_for_a_payment_is_listed_under_its_id(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 1000, "2026-01-05", tax_minor=200)
    payment = books.pay(customer, 1500, "2026-01-15")
    applied = books.apply(payment, (invoice, 1000), overpayment="unapplied")
    books.unapply(applied["applications"][0]["id"], "2026-01-20")
    books.reverse(payment, "2026-01-25")
    items = books.get("/v1/journal-entries", source_id=payment)["items"]
    assert [(e["kind"], e["entry_date"], e["source_id"]) for e in items] == [
        ("application", "2026-01-15", payment), ("unapply", "2026-01-20", payment), ("reversal", "2026-01-25", payment),
    ]  # fmt: skip
    assert items[0]["id"] == applied["journal_entry_id"]
    posted = {line["account"]: (line["debit_minor"], line["credit_minor"]) for line in items[0]["lines"]}
    assert posted == {"cash": (1500, 0), "accounts_receivable": (0, 1000), "unapplied_cash": (0, 500)}
    issued = books.get("/v1/journal-entries", source_id=invoice)["items"]
    assert {line["account"]: line["functional_credit_minor"] for line in issued[0]["lines"]} == {
        "accounts_receivable": 0, "revenue": 800, "tax_payable": 200,
    }  # fmt: skip
    assert books.get(f"/v1/journal-entries/{items[0]['id']}") == items[0]


def test_entries_are_paged_in_the_order_of_posting_and_filtered_by_entry_date(books: Books) -> None:
    customer = books.customer()
    days = [f"2026-01-{day:02d}" for day in (9, 3, 7, 5)]
    for day in days:
        books.invoice(customer, 100, day)
    found, cursor = [], None
    for _ in range(9):
        page = books.get("/v1/journal-entries", limit=1, cursor=cursor)
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [e["entry_date"] for e in found] == days
    within = books.get("/v1/journal-entries", **{"from": "2026-01-05", "to": "2026-01-07"})["items"]
    assert [e["entry_date"] for e in within] == ["2026-01-07", "2026-01-05"]


def test_entries_of_other_entities_and_organisations_stay_closed(books: Books, database_url: str) -> None:
    books.invoice(books.customer(), 100, "2026-01-05")
    (entry,) = books.get("/v1/journal-entries")["items"]
    narrow = books.api("ar_clerk", entities=("le_uk",))
    assert narrow.get("/v1/journal-entries").json()["items"] == []
    assert narrow.get(f"/v1/journal-entries/{entry['id']}").json()["code"] == "FORBIDDEN"
    other = Books(database_url)
    assert other.api().get(f"/v1/journal-entries/{entry['id']}").json()["code"] == "ORG_CONTEXT_MISMATCH"
    assert other.get("/v1/journal-entries")["items"] == []
    other.close()
    missing = books.api().get("/v1/journal-entries/je_01m81a5jhbecnawhmfhcd214ah")
    assert (missing.status_code, missing.json()["code"]) == (404, "JOURNAL_ENTRY_NOT_FOUND")
    assert books.api("account_executive").get("/v1/journal-entries").status_code == 403
