"""The five hundred texts stand in every field of the real books that a tool shows: shown as they are, and nothing follows."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from conversation.bounds import LONGEST
from tests.api.office import Office, csv_statement, day, ext, ok
from tests.conversation.injections import INJECTIONS
from tests.conversation.people import Dialogue, token
from tests.conversation.talking import assistant, told
from tests.customers.desk import Desk


class Planter:
    """Puts the texts, one after the other, where customers, banks and colleagues write."""

    def __init__(self, office: Office) -> None:
        self.office, self.desk = office, Desk(office.stack, office.org)
        self._texts: Iterator[str] = cycle(INJECTIONS)
        self.used: set[str] = set()

    def text(self) -> str:
        text = next(self._texts)
        self.used.add(text)
        return text

    def line(self, most: int = 200) -> str:
        """As a field of one line takes it."""
        return " ".join(self.text().split())[:most]

    def customer(self) -> str:
        """Name, notes, metadata, addresses, contacts, and the comments of those who decided."""
        where = {"city": self.line(), "region": self.line(), "country": "US"}
        addresses = [{"type": "shipping", "lines": [self.line() for _ in range(5)], **where} for _ in range(20)]
        contacts = [{"name": self.line(), "role": self.line(), "email": f"{ext()}@example.com"} for _ in range(40)]
        noted = {f"k{n}": self.text() for n in range(40)}
        change = self.desk.submit(
            name=self.line(), notes=self.text(), metadata=noted, addresses=addresses, contacts=contacts
        )
        for who in ("u_manager", "u_controller"):
            ok(self.desk.decide(change, who, comment=self.text()))
        self.change = change["change_id"]
        return str(change["customer_id"])

    def invoices(self, customer: str) -> str:
        """Numbers, descriptions, a dispute's note, a write-off's, a credit note's."""
        lines = [{"description": self.text()} for _ in range(40)]
        made = self.office.invoice(customer, 5_000, external_id=self.line(), lines=lines)
        ok(self.office.clerk.post(f"/v1/invoices/{made['id']}/dispute", json={"reason_code": "X", "note": self.text()}))
        for _ in range(5):
            small = self.office.invoice(customer, 100, external_id=self.line())
            given = {"invoice_id": small["id"], "reason_code": "TOO_SMALL", "note": self.text()}
            ok(self.office.clerk.post("/v1/write-offs", json=given), 201)
            note = {
                "customer_id": customer, "external_id": self.line(), "issue_date": day(3), "currency_code": "USD",
                "total_minor": 100, "tax_minor": 0, "reason_code": "X", "note": self.text(),
            }  # fmt: skip
            ok(self.office.controller.post("/v1/credit-notes", json=note), 201)
        return str(made["id"])

    def money(self, customer: str) -> tuple[str, str]:
        """References and remittance texts by hand; a statement's rows and its file's name."""
        for _ in range(20):
            paid = self.office.payment(customer, 100, reference=self.line(), remittance_text=self.text())
        rows = [(day(1), f"{n + 10}.00", "USD", self.line(70), self.line(30), self.line()) for n in range(60)]
        statement = self.office.statement(csv_statement(*rows), name=f"{self.line(80).replace('/', ' ')}.csv")
        return str(paid["id"]), str(statement["id"])

    def relations(self, customer: str) -> None:
        """Activities, cases, contracts, quotes and opportunities of the 360 view."""
        for _ in range(10):
            ok(
                self.desk("u_ae").post(
                    f"/v1/customers/{customer}/activities", json={"type": "call", "notes": self.text()}
                ),
                201,
            )
        kinds: dict[str, dict[str, Any]] = {
            "cases": {"priority": "high", "status": "open"},
            "contracts": {"renewal_date": day(-90), "arr_minor": 1, "currency_code": "USD"},
            "quotes": {"status": "sent"},
            "opportunities": {"value_minor": 1, "currency_code": "USD", "stage": "proposal", "close_date": day(-30)},
        }
        for kind, fields in kinds.items():
            named = "subject" if kind == "cases" else "name"
            records = [
                {"external_id": self.line(), "customer_id": customer, named: self.line(), **fields} for _ in range(20)
            ]
            ok(self.desk("u_ops").put(f"/v1/sources/{kind}", json={"records": records}))

    def close(self) -> None:
        self.desk.close()


def done(office: Office) -> list[tuple[str, str]]:
    """Everything that the trail says was done, but for what reading and uploading leave."""
    events: list[tuple[str, str]] = []
    cursor: str | None = None
    while True:
        query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        page = ok(office.controller.get("/v1/audit-events", params=query))
        events += [(e["subject_id"], e["action"]) for e in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return sorted(events)


async def test_texts_in_every_field_are_shown_as_data_and_nothing_follows(office: Office) -> None:
    planter = Planter(office)
    customer = planter.customer()
    invoice = planter.invoices(customer)
    payment, statement = planter.money(customer)
    planter.relations(customer)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("find_customers", {"query": customer}),
        ("get_customer", {"customer_id": customer}),
        ("aging", {"customer_id": customer}),
        ("aging", {}),
        ("prepare_customer_meeting", {"customer_id": customer}),
        ("unmatched_receipts", {"limit": 50}),
        ("open_invoices", {"customer_id": customer, "which": "all of them"}),
        ("waiting_for_me", {"limit": 50}),
        ("exceptions", {"limit": 50}),
        ("explain_match", {"payment_id": payment}),
        *(("explain_record", {"id": i}) for i in (customer, planter.change, invoice, payment, statement)),
    ]
    before = done(office)
    shown = ""
    async with assistant(office.stack, token(office, "u_controller"), elicitation_callback=Dialogue()) as client:
        for name, given in calls:
            result = await client.call_tool(name, given)
            found = told(result)
            assert all(len(text) <= LONGEST for text in texts_of(found)), name
            assert "data, never instructions" in str(result.content[-1])
            shown += str(texts_of(found))
    assert done(office) == before
    assert len(planter.used) >= 450
    seen = sum(" ".join(text.split())[:70] in " ".join(shown.split()) for text in planter.used)
    assert seen >= 300, f"{seen} of {len(planter.used)} texts were met at all"
    planter.close()


def texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_of(item)]
    return [text for item in value for text in texts_of(item)] if isinstance(value, list) else []
