"""Who may do what: another organisation's records, legal entities of the token, the role table, the answer's headers."""

from typing import Any

import pytest

from tests.api.office import Office, code, csv_statement, day, ext, ok


class Records:
    """One record of each kind in an organisation."""

    def __init__(self, o: Office) -> None:
        self.customer = o.customer()
        self.invoice = o.invoice(self.customer, 1000)["id"]
        self.payment = o.payment(self.customer, 500)["id"]
        self.spent = o.payment(self.customer, 500)["id"]
        s = ok(o.apply(self.spent, [(self.invoice, 100)], overpayment="customer_credit"))
        self.application, self.credit, self.entry = s["applications"][0]["id"], s["credit_id"], s["journal_entry_id"]
        self.statement = o.statement(csv_statement((day(3), "5.00", "USD", "x", "", ext())))["id"]
        body = {"through_date": day(0), "payment_ids": [self.payment]}
        r = o.clerk.post("/v1/bank-accounts/bank_us/reconciliations", json=body)
        self.reconciliation, self.workflow = ok(r, 201)["id"], r.headers["X-Workflow-Id"]


@pytest.fixture(scope="module")
def theirs(other: Office) -> Records:
    return Records(other)


@pytest.fixture(scope="module")
def mine(office: Office) -> Records:
    return Records(office)


def test_another_organisations_records_in_the_path(office: Office, theirs: Records):
    reads = (
        f"/v1/invoices/{theirs.invoice}", f"/v1/customer-payments/{theirs.payment}", f"/v1/customer-credits/{theirs.credit}",
        f"/v1/reconciliations/{theirs.reconciliation}", f"/v1/statements/{theirs.statement}",
        f"/v1/journal-entries/{theirs.entry}", f"/v1/customers/{theirs.customer}",
        f"/v1/customers/{theirs.customer}/ar-aging", f"/v1/operations/{theirs.workflow}",
    )  # fmt: skip
    for path in reads:
        assert code(office.auditor.get(path)) == (403, "ORG_CONTEXT_MISMATCH"), path
    line = {"applications": [{"invoice_id": "invoice_x", "applied_minor": 1}]}
    reason = {"reason_code": "X"}
    writes: tuple[tuple[str, dict[str, Any] | None], ...] = (
        (f"/v1/customer-payments/{theirs.payment}/apply", line), (f"/v1/customer-payments/{theirs.payment}/reverse", reason),
        (f"/v1/customer-payments/{theirs.payment}/assign", {"customer_id": "cust_x"}),
        (f"/v1/customer-credits/{theirs.credit}/apply", line),
        (f"/v1/payment-applications/{theirs.application}/unapply", reason),
        (f"/v1/invoices/{theirs.invoice}/void", reason), (f"/v1/invoices/{theirs.invoice}/dispute", reason),
        (f"/v1/reconciliations/{theirs.reconciliation}/complete", None),
        (f"/v1/reconciliations/{theirs.reconciliation}/reopen", reason),
    )  # fmt: skip
    for path, body in writes:
        assert code(office.controller.post(path, json=body)) == (403, "ORG_CONTEXT_MISMATCH"), path
    dry = office.clerk.post(f"/v1/customer-payments/{theirs.payment}/apply?dry_run=true", json=line)
    assert code(dry) == (403, "ORG_CONTEXT_MISMATCH")


def test_another_organisations_records_in_the_body(office: Office, mine: Records, theirs: Records):
    bodies: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/v1/customer-payments", office.payment_body(theirs.customer, 1)),
        ("/v1/invoices", {"customer_id": theirs.customer, "external_id": ext(), "issue_date": day(1),
                          "currency_code": "USD", "total_minor": 1}),
        (f"/v1/customer-payments/{mine.payment}/apply",
         {"applications": [{"invoice_id": theirs.invoice, "applied_minor": 1}]}),
        ("/v1/bank-accounts/bank_us/reconciliations",
         {"through_date": day(0), "payment_ids": [mine.payment, theirs.payment]}),
        (f"/v1/customer-payments/{mine.payment}/assign", {"customer_id": theirs.customer}),
    )  # fmt: skip
    for path, body in bodies:
        assert code(office.clerk.post(path, json=body)) == (403, "ORG_CONTEXT_MISMATCH"), path
    line = {"applications": [{"invoice_id": theirs.invoice, "applied_minor": 1}]}
    applied = office.payment_body(mine.customer, 1, apply=line)
    assert code(office.clerk.post("/v1/customer-payments", json=applied)) == (403, "ORG_CONTEXT_MISMATCH")
    for noun, item in (("invoice", bodies[1][1]), ("customer-payment", bodies[0][1]), ("customer-payment", applied)):
        batch = {f"{noun.rpartition('-')[2]}s": [item | {"external_id": ext()}]}
        (told,) = ok(office.clerk.post(f"/v1/{noun}s:batch", json=batch))["items"]
        assert told["error"]["code"] == "ORG_CONTEXT_MISMATCH"


def test_lists_show_ones_own(office: Office, mine: Records, theirs: Records):
    for path in (
        "/v1/invoices",
        "/v1/customer-payments",
        "/v1/customer-credits",
        "/v1/reconciliations",
        "/v1/statements",
    ):
        ids = {x["id"] for x in ok(office.auditor.get(path, params={"limit": 200}))["items"]}
        assert ids.isdisjoint(vars(theirs).values()), path
        assert ids & set(vars(mine).values()), path
    for path, params in (
        ("/v1/invoices", {"customer_id": theirs.customer}), ("/v1/customer-payments", {"customer_id": theirs.customer}),
        ("/v1/customer-credits", {"customer_id": theirs.customer}), ("/v1/journal-entries", {"source_id": theirs.spent}),
    ):  # fmt: skip
        assert ok(office.auditor.get(path, params=params))["items"] == [], path


# legal entities of the token


def test_a_token_of_one_entity(office: Office, customer: str):
    for on in (day(60), day(10)):
        office.rate("GBP", "USD", on, "1.25")
    british = {"legal_entity_id": "le_uk", "currency_code": "GBP"}
    their_invoice, their_payment = office.invoice(customer, 100, **british), office.payment(customer, 100, **british)
    our_invoice, our_payment = office.invoice(customer, 100), office.payment(customer, 100)
    us = office.client("us", "ar_clerk", entities=("le_us",))

    def refused(path: str, body: dict[str, Any] | None = None) -> bool:
        r = us.post(path, json=body) if body is not None else us.get(path)
        return code(r) == (403, "FORBIDDEN")

    pay = f"/v1/customer-payments/{their_payment['id']}"
    line = {"applications": [{"invoice_id": their_invoice["id"], "applied_minor": 100}]}
    assert refused(pay)
    assert refused(f"/v1/invoices/{their_invoice['id']}")
    assert refused(f"{pay}/apply", line)
    assert refused(f"{pay}/apply?dry_run=true", line)
    assert refused(f"{pay}/reverse", {"reason_code": "A"})
    assert refused(f"/v1/invoices/{their_invoice['id']}/void", {"reason_code": "A"})
    assert refused("/v1/customer-payments", office.payment_body(customer, 1, **british))
    both = office.payment_body(customer, 100, apply=line)
    assert refused("/v1/customer-payments", both | british)
    assert refused("/v1/customer-payments", both)
    assert refused("/v1/invoices", {
        "customer_id": customer, "external_id": ext(), "issue_date": day(10), "total_minor": 1, **british})  # fmt: skip
    assert refused("/v1/bank-accounts/bank_uk/reconciliations", {"through_date": day(0), "payment_ids": []})
    assert refused(f"/v1/customer-payments/{our_payment['id']}/apply", line)
    receipt = csv_statement((day(3), "5.00", "GBP", "x", "", ext()))
    upload = us.post("/v1/bank-accounts/bank_uk/statements", files={"file": ("s.csv", receipt)})
    assert code(upload) == (403, "FORBIDDEN")
    for path, own, foreign in (
        ("/v1/invoices", our_invoice, their_invoice), ("/v1/customer-payments", our_payment, their_payment),
    ):  # fmt: skip
        ids = {x["id"] for x in ok(us.get(path, params={"customer_id": customer}))["items"]}
        assert (own["id"] in ids, foreign["id"] in ids) == (True, False)
    assert [e["id"] for e in ok(us.get("/v1/legal-entities"))["items"]] == ["le_us"]
    assert ok(us.get("/v1/journal-entries", params={"source_id": their_invoice["id"]}))["items"] == []
    s = ok(us.post(f"/v1/customer-payments/{our_payment['id']}/apply", json={
        "applications": [{"invoice_id": our_invoice["id"], "applied_minor": 100}]}))  # fmt: skip
    assert s["status"] == "FULLY_APPLIED"


# the role table

R, W, NO = "read", "write", "no"
TABLE = {
    #                     clerk manager controller cfo ae am csm feed ops auditor
    "invoices":          (W, W, W, R, R, R, R, NO, NO, R),
    "record":            (W, W, W, R, NO, NO, NO, W, NO, R),
    "apply":             (W, W, W, R, NO, NO, NO, NO, NO, R),
    "master data":       (R, R, W, W, NO, NO, NO, NO, NO, R),
    "reopen":            (NO, NO, W, W, NO, NO, NO, NO, NO, NO),
}  # fmt: skip
PEOPLE = ("clerk", "manager", "controller", "cfo", "ae", "am", "csm", "feed", "ops", "auditor")
WRITES: dict[str, tuple[tuple[str, str], ...]] = {
    "invoices": (("POST", "/v1/invoices"), ("POST", "/v1/invoices:batch"), ("POST", "/v1/invoices/x/void"),
                 ("POST", "/v1/invoices/x/dispute"), ("POST", "/v1/invoices/x/resolve-dispute")),
    "record": (("POST", "/v1/customer-payments"), ("POST", "/v1/customer-payments:batch")),
    "apply": (("POST", "/v1/customer-payments/x/apply"), ("POST", "/v1/customer-payments/x/reverse"),
              ("POST", "/v1/customer-payments/x/assign"), ("POST", "/v1/payment-applications/x/unapply"),
              ("POST", "/v1/customer-credits/x/apply"), ("POST", "/v1/credit-notes"),
              ("POST", "/v1/credit-notes/x/apply"), ("POST", "/v1/credit-notes/x/void"),
              ("POST", "/v1/credit-note-applications/x/unapply"), ("POST", "/v1/bank-accounts/x/reconciliations"),
              ("POST", "/v1/reconciliations/x/complete")),
    "master data": (("POST", "/v1/fx-rates"), ("POST", "/v1/periods/2000-01/close"), ("PATCH", "/v1/settings"),
                    ("POST", "/v1/periods/2000-01/reopen"), ("POST", "/v1/legal-entities"), ("POST", "/v1/accounts"),
                    ("POST", "/v1/bank-accounts"), ("POST", "/v1/payment-terms"), ("POST", "/v1/dimensions")),
    "reopen": (("POST", "/v1/reconciliations/x/reopen"),),
}  # fmt: skip
READS = {
    "invoices": ("/v1/invoices", "/v1/invoices/x"),
    "record": ("/v1/customer-payments", "/v1/customer-payments/x", "/v1/journal-entries", "/v1/customer-credits",
               "/v1/statements", "/v1/statements/x", "/v1/reconciliations", "/v1/reports/trial-balance"),
    "master data": ("/v1/legal-entities", "/v1/bank-accounts", "/v1/payment-terms", "/v1/accounts", "/v1/dimensions",
                    "/v1/fx-rates", "/v1/settings", "/v1/periods"),
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE)
def test_the_role_table(office: Office, row: str):
    for who, may in zip(PEOPLE, TABLE[row], strict=True):
        client = getattr(office, who)
        for method, path in WRITES[row]:
            r = client.request(method, path, json={"surprise": 1})
            # the role is looked at before the body, and the body before the record
            assert (r.status_code == 422) is (may == W), (who, method, path, r.text)
            assert (r.status_code == 403) is (may != W), (who, method, path, r.text)
        for path in READS.get(row, ()):
            r = client.get(path)
            assert (r.status_code == 403) is (may == NO), (who, path, r.text)


def test_a_role_that_is_none_may_nothing(office: Office):
    nobody = office.client("nobody", "janitor")
    assert code(nobody.get("/v1/invoices")) == (403, "FORBIDDEN")
    two = office.client("two", "auditor", "ar_clerk")
    assert two.get("/v1/invoices").status_code == 200
    assert code(two.post("/v1/invoices", json={})) == (422, "VALIDATION_FAILED")


# precedence and headers


def test_the_order_in_which_a_request_is_looked_at(office: Office, customer: str):
    url = "/v1/customer-payments"
    huge = b'{"x":"' + b"y" * 1_100_000 + b'"}'
    json_type = {"Content-Type": "application/json"}
    anonymous = {"Authorization": "Bearer x", **json_type}
    assert code(office.clerk.post(url, content=huge, headers=anonymous)) == (401, "UNAUTHENTICATED")
    assert code(office.ops.post(url, content=huge, headers=json_type)) == (413, "PAYLOAD_TOO_LARGE")
    assert code(office.ops.post(url, content=b"{}", headers={"Content-Type": "text/xml"}))[0] == 415
    assert code(office.ops.post(url, content=b"{", headers=json_type)) == (403, "FORBIDDEN")
    key = {"Idempotency-Key": ext()}
    body = office.payment_body(customer, 1)
    ok(office.clerk.post(url, json=body, headers=key), 201)
    assert code(office.clerk.post(url, json={}, headers=key)) == (422, "VALIDATION_FAILED")
    unknown = body | {"customer_id": "cust_x", "external_id": ext()}
    assert code(office.clerk.post(url, json=unknown, headers=key)) == (409, "IDEMPOTENCY_KEY_CONFLICT")
    for bad in ("", "x" * 256):
        assert code(office.clerk.post(url, json=body, headers={"Idempotency-Key": bad})) == (422, "VALIDATION_FAILED")
    ok(office.clerk.post(url, json=office.payment_body(customer, 1), headers={"Idempotency-Key": "k" * 255}), 201)
    twice = [("Idempotency-Key", ext()), ("Idempotency-Key", ext())]
    refused = office.clerk.post(url, json=office.payment_body(customer, 1), headers=twice)
    assert (code(refused)[0], refused.json()["errors"][0]["code"]) == (422, "FIELD_REPEATED")
    both = [("Authorization", office.client(name).headers["Authorization"]) for name in ("clerk", "cfo")]
    assert code(office.clerk.get("/v1/invoices", headers=both)) == (401, "UNAUTHENTICATED")


def test_every_answer_has_a_request_id(office: Office):
    for r in (
        office.clerk.get("/v1/invoices"), office.clerk.get("/nothing/here"), office.clerk.put("/v1/invoices"),
        office.clerk.get("/v1/invoices", headers={"Authorization": ""}), office.clerk.get("/healthz"),
    ):  # fmt: skip
        assert r.headers["X-Request-Id"]
    named = office.clerk.get("/v1/invoices", headers={"X-Request-Id": "mine-1"})
    assert named.headers["X-Request-Id"] == "mine-1"
    assert code(office.clerk.get("/nothing/here")) == (404, "NOT_FOUND")
    assert code(office.clerk.put("/v1/invoices")) == (405, "METHOD_NOT_ALLOWED")


def test_an_operation_can_be_polled(office: Office, customer: str):
    r = office.clerk.post("/v1/customer-payments", json=office.payment_body(customer, 9))
    found = ok(office.clerk.get(f"/v1/operations/{r.headers['X-Workflow-Id']}"))
    assert (found["status"], found["http_status"], found["result"]) == ("completed", 201, r.json())
    refused = office.apply(r.json(), [(office.invoice(customer, 5), 5)])
    found = ok(office.clerk.get(f"/v1/operations/{refused.headers['X-Workflow-Id']}"))
    assert (found["http_status"], found["error"]["code"]) == (422, "OVERPAYMENT_REQUIRES_CREDIT")
    assert code(office.clerk.get("/v1/operations/pay_none/ApplyPayment/x")) == (404, "OPERATION_NOT_FOUND")


def test_an_operation_is_read_by_who_asked_for_it_and_by_who_may_read_its_record(office: Office, customer: str):
    """What it answers shows a payment: no way around the role table, nor around the token's legal entities."""
    run = office.clerk.post("/v1/customer-payments", json=office.payment_body(customer, 9)).headers["X-Workflow-Id"]
    stranger = office.clerk.post(
        f"/v1/customer-payments/{office.payment(customer, 9)['id']}/reverse", json={"reason_code": "X"}
    )
    statement = office.upload(csv_statement((day(2), "5.00", "USD", "x", "", ext()))).headers["X-Workflow-Id"]
    for where in (run, stranger.headers["X-Workflow-Id"], statement):
        path = f"/v1/operations/{where}"
        for name in ("clerk", "manager", "controller", "cfo", "auditor", "feed"):
            ok(office.client(name).get(path))
        for name in ("ae", "am", "csm", "ops"):
            assert code(office.client(name).get(path)) == (403, "FORBIDDEN"), (name, where)
        ok(office.client("us", "ar_clerk", entities=("le_us",)).get(path))
        assert code(office.client("uk", "ar_clerk", entities=("le_uk",)).get(path)) == (403, "FORBIDDEN"), where
    assert ok(office.client("clerk", "ops").get(f"/v1/operations/{run}"))["http_status"] == 201  # the same person


def test_who_asked_is_told_of_their_own_request(office: Office):
    """A change's process carries the requests of several people."""
    body = {"name": "Polled", "email": f"{ext()}@example.com", "legal_entity_id": "le_us"}
    submitted = ok(office.ae.post("/v1/customers", json=body), 202)
    path = f"/v1/operations/{submitted['workflow_id']}"
    decided = ok(
        office.manager.post(f"/v1/customer-changes/{submitted['change_id']}/decisions", json={"decision": "approve"})
    )
    assert ok(office.ae.get(path))["result"] == submitted
    assert ok(office.manager.get(path))["result"]["steps"] == decided["steps"]
    assert ok(office.auditor.get(path))["result"]["steps"] == decided["steps"]
    narrow = office.client("uk", "controller", entities=("le_uk",))
    for _ in range(2):  # what they themselves were refused, and nobody else is told that instead
        assert code(narrow.post(f"/v1/customer-changes/{submitted['change_id']}/withdraw")) == (403, "FORBIDDEN")
    assert code(office.client("uk2", "auditor", entities=("le_uk",)).get(path)) == (403, "FORBIDDEN")
    assert ok(office.auditor.get(path))["status"] == "completed"
    assert code(office.ops.get(path)) == (403, "FORBIDDEN")
    assert code(office.feed.get(path)) == (403, "FORBIDDEN")


def test_each_refusal_of_a_business_rule_is_in_the_trail(office: Office, customer: str):
    i, p = office.invoice(customer, 100), office.payment(customer, 500)
    refused = office.apply(p, [(i, 100)])
    ok(office.apply(p, [(i, 100)], overpayment="unapplied"))
    office.apply(p, [(i, 100)], dry=True)
    ok(office.reverse(p))
    office.reverse(p)
    trail = office.audit(p["id"])
    told = [(e["action"], e["reason_code"]) for e in sorted(trail, key=lambda e: e["seq"])]
    assert [t for t in told if t[0].endswith("refused")] == [
        ("apply_payment.refused", "OVERPAYMENT_REQUIRES_CREDIT"),
        ("reverse_payment.refused", "PAYMENT_REVERSED"),
    ]
    assert ("payment.reversed", "BOUNCED") in told
    by_request = [e for e in trail if e["request_id"] == refused.headers["X-Request-Id"]]
    assert [e["workflow_id"] for e in by_request] == [refused.headers["X-Workflow-Id"]]


def test_a_key_shows_nobody_what_their_token_does_not_cover(office: Office, customer: str):
    on = {"Idempotency-Key": ext()}
    body = office.payment_body(customer, 100)
    made = ok(office.client("all", "ar_clerk").post("/v1/customer-payments", json=body, headers=on), 201)
    for who, entities, expected in (("uk", ("le_uk",), 403), ("us", ("le_us",), 201), ("both", (), 201)):
        again = office.client(who, "ar_clerk", entities=entities).post("/v1/customer-payments", json=body, headers=on)
        assert again.status_code == expected, again.text
        assert (again.json().get("id") == made["id"]) == (expected == 201)
    line = {"applications": [{"invoice_id": office.invoice(customer, 100)["id"], "applied_minor": 100}]}
    apply = f"/v1/customer-payments/{made['id']}/apply"  # its answer names no legal entity, its payment has one
    ok(office.client("all", "ar_clerk").post(apply, json=line, headers=on))
    for who, entities, expected in (("uk", ("le_uk",), 403), ("us", ("le_us",), 200), ("both", (), 200)):
        again = office.client(who, "ar_clerk", entities=entities).post(apply, json=line, headers=on)
        assert again.status_code == expected, again.text


def test_verify_finds_the_books_in_order(office: Office, mine: Records):
    done = office.stack.arflow("verify", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
