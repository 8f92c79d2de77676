"""A token limited to some legal entities, at every route: the walk through all of them leaves its requests, which such a
token then sends again. What is of the organisation, or of another entity's record, is refused; lists leave it out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.deps import RECORD, requires
from api.gate import GatedRoute, gated_router
from models.access import Principal, Reach
from tests.api.asking import template
from tests.api.office import Office, code, csv_statement, day, ext, ok
from tests.api.test_ways_in import carried_by_process
from tests.api.tour import ROLES, Tour
from tests.stack_fixtures.app import AppStack

ROUTES = {
    f"{method} {route.path_format}": route
    for router in ROUTERS for route in router.routes if isinstance(route, GatedRoute) for method in route.methods or ()
    if not route.path_format.startswith("/v1/proposals/")  # one's own: another person's are not found
}  # fmt: skip
SHARED = {
    f"GET /v1/{name}" for name in (
        "accounts", "approval-policies", "authority-limits",
        "customer-imports/mappings", "customer-imports/presets", "dimensions", "fx-rates",
        "out-of-office", "payment-terms", "periods", "settings", "source-connections", "source-connections/{name}",
    )
}  # fmt: skip
"""What every entity works with: read by every token whose roles may."""
LE_US = {"id": "bank_us2", "legal_entity_id": "le_us", "currency_code": "USD", "name": "Boston"}
OTHERWISE = {"POST /v1/bank-accounts": LE_US}
"""The walk opens an account of the entity that the limited token has; here it asks for one of another."""


@dataclass(frozen=True)
class Asked:
    who: str
    method: str
    path: str
    options: dict[str, Any]


class Recorded(Tour):
    """The walk, with the first successful request to each operation."""

    def __init__(self, stack: AppStack) -> None:
        super().__init__(stack)
        self.asked: dict[str, Asked] = {}

    def ask(self, who: str, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = super().ask(who, method, path, body, **options)
        sent = options if body is None else {**options, "json": body}
        name = f"{method} {template(method, path.partition('?')[0])}"
        self.asked.setdefault(name, Asked(who, method, path, sent))
        return answer


@pytest.fixture(scope="module")
def walked(app_stack: AppStack) -> Recorded:
    tour = Recorded(app_stack)
    tour.walk()
    return tour


@pytest.fixture(scope="module")
def clients(walked: Recorded) -> Iterator[dict[tuple[str, str], httpx2.Client]]:
    """By person and `entity`, `all` or `home` (whose records the walk makes): somebody else of the same role
    (`narrow`: as `entity`, who has asked for nothing); `elsewhere`: of that name and role, in another organisation."""
    made, elsewhere = {}, walked.stack.organisation("Elsewhere")
    for user, role in ROLES.items():
        home = ("le_us", "le_uk")
        for key, entities in (("entity", ("le_de",)), ("all", ()), ("home", home), ("narrow", ("le_de",))):
            made[user, key] = walked.stack.client(walked.org, f"{user}_{key}", role, entities=entities)
        made[user, "elsewhere"] = walked.stack.client(elsewhere, user, role)
    yield made
    for c in made.values():
        c.close()


def test_the_walk_goes_through_every_route(walked: Recorded):
    assert ROUTES.keys() <= walked.asked.keys()


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_another_entitys_records_are_refused_or_left_out(walked: Recorded, clients: Any, name: str):
    route, asked = ROUTES[name], walked.asked[name]
    options = asked.options | ({"json": OTHERWISE[name]} if name in OTHERWISE else {})
    r = clients[asked.who, "entity"].request(asked.method, asked.path, **options)
    reach = (route.openapi_extra or {}).get("x-reach")
    if reach == Reach.OWN or name in SHARED:
        assert r.is_success, r.text
    elif name.endswith((":batch", ":decide")):
        assert [item["error"]["code"] for item in ok(r)["items"]] == ["FORBIDDEN"]
    elif reach is not None or "{" in name:
        assert code(r) == (403, "FORBIDDEN"), r.text
    else:
        whole = asked.path if "from=" in asked.path else asked.path.partition("?")[0]
        _left_out(*(ok(clients[asked.who, key].get(whole)) for key in ("entity", "all")))


CARRIED = {n for n, route in ROUTES.items() if carried_by_process(route) and not n.endswith(":batch")}


@pytest.mark.parametrize("name", sorted(CARRIED))
def test_what_became_of_a_write_is_told_to_who_may_read_its_record(walked: Recorded, clients: Any, name: str):
    at, who = f"/v1/operations/{walked.carried[name]}", walked.asked[name].who
    assert ok(clients[who, "all"].get(at))["status"] in ("running", "completed")
    assert ok(clients[who, "home"].get(at))["status"] in ("running", "completed")
    assert code(clients[who, "narrow"].get(at)) == (403, "FORBIDDEN")


def test_what_became_of_an_approval_is_told_to_who_may_read_its_kind(walked: Recorded, clients: Any):
    """Of a write-off, that is: sales reads changes of customers, and no write-offs."""
    at = f"/v1/operations/{walked.carried['POST /v1/approvals/{approval_id}/resubmit']}"
    assert "/v1/operations/apr_" in at
    assert ok(clients["u_auditor", "all"].get(at))["status"] == "completed"
    assert code(clients["u_ae", "all"].get(at)) == (403, "FORBIDDEN")


ORGANISATIONS_OWN = re.compile(r"{(legal_entity_id|bank_account_id|period|name)}")
"""What is named by a name that is unique within its organisation only: another one has, or has not, its own of that name."""


@pytest.mark.parametrize("name", sorted(n for n in ROUTES if "{" in n and not ORGANISATIONS_OWN.search(n)))
def test_another_organisations_records_are_refused(walked: Recorded, clients: Any, name: str):
    asked = walked.asked[name]
    r = clients[asked.who, "elsewhere"].request(asked.method, asked.path, **asked.options)
    assert code(r) == (403, "ORG_CONTEXT_MISMATCH"), r.text


@pytest.mark.parametrize("name", sorted(n for n in ROUTES if n.endswith((":batch", ":decide"))))
def test_of_a_batch_another_organisations_records_are_refused(walked: Recorded, clients: Any, name: str):
    asked = walked.asked[name]
    r = clients[asked.who, "elsewhere"].request(asked.method, asked.path, **asked.options)
    assert [item["error"]["code"] for item in ok(r)["items"]] == ["ORG_CONTEXT_MISMATCH"]


def _left_out(seen: Any, there: Any) -> None:
    """`there`: what a token of every entity sees."""
    assert there["items"], "nothing is there that could be left out"
    for item in seen["items"]:
        # An exception without an entity is the organisation's; the entity's own master data are its own.
        assert item.get("legal_entity_id", item.get("id")) in (None, "le_de"), item
    assert len(seen["items"]) < len(there["items"])


def test_nothing_came_of_it(walked: Recorded, clients: Any):
    """Runs last: what the limited tokens asked for is in the trail as refused, and nothing else."""
    for user in ROLES:
        events = ok(
            clients["u_auditor", "all"].get("/v1/audit-events", params={"actor": f"{user}_entity", "limit": 200})
        )
        assert {e["action"] for e in events["items"] if not e["action"].endswith(".refused")} <= {
            "out_of_office.set", "out_of_office.ended"
        }  # fmt: skip


# what goes on


def test_a_write_to_a_record_of_ones_own_entity_goes_on(office: Office, customer: str):
    us = office.client("us", "controller", entities=("le_us",))
    bank = LE_US | {"id": f"bank_{ext()[2:]}"}
    assert ok(us.post("/v1/bank-accounts", json=bank), 201).items() >= bank.items()
    assert code(us.post("/v1/bank-accounts", json=bank | {"legal_entity_id": "le_uk", "id": "b2"})) == (
        403,
        "FORBIDDEN",
    )
    invoice, payment = office.invoice(customer, 100), office.payment(customer, 100, bank_account_id="bank_us")
    assert ok(office.apply(payment, [(invoice, 100)], who=us))["status"] == "FULLY_APPLIED"
    drafted = us.post(
        "/v1/bank-accounts/bank_us/reconciliations", json={"through_date": day(0), "payment_ids": [payment["id"]]}
    )
    recon = ok(drafted, 201)["id"]
    ok(us.post(f"/v1/reconciliations/{recon}/complete"))
    ok(us.post(f"/v1/reconciliations/{recon}/reopen", json={"reason_code": "X"}))
    ok(us.post("/v1/bank-accounts/bank_us/statements", files={"file": ("s.csv", csv_statement())}), 202)


@pytest.mark.parametrize("entities", [("le_uk",), ("le_us",), ("le_us", "le_uk"), ("le_none",)])
def test_a_month_is_not_closed_by_a_token_of_some_entities(office: Office, customer: str, entities: tuple[str, ...]):
    some = office.client("some", "controller", entities=entities)
    before = ok(office.controller.get("/v1/periods"))["items"]
    for verb in ("close", "reopen"):
        r = some.post(f"/v1/periods/2001-01/{verb}")
        assert code(r) == (403, "FORBIDDEN")
        assert all(e in r.json()["detail"] for e in entities)
    # the role is looked at first, and the body later
    assert code(some.post("/v1/fx-rates", json={"nonsense": 1})) == (403, "FORBIDDEN")
    assert (
        "settings.write" in office.client("some", "ar_clerk", entities=entities).post("/v1/fx-rates").json()["detail"]
    )
    assert ok(office.controller.get("/v1/periods"))["items"] == before
    ok(office.client("whole", "controller").post("/v1/periods/2001-01/close"))


def test_source_records_are_written_for_ones_own_customers_only(office: Office):
    british, american = office.make_customers([{"legal_entity_id": "le_uk"}, {"legal_entity_id": "le_us"}])
    uk = office.client("ukops", "ops", entities=("le_uk",))

    def quote(name: str, customer: str) -> dict[str, Any]:
        return {"external_id": name, "customer_id": customer, "status": "sent", "expiry_date": day(-30)}

    mine, theirs = ext(), ext()
    ok(uk.put("/v1/sources/quotes", json={"records": [quote(mine, british)]}))
    ok(office.ops.put("/v1/sources/quotes", json={"records": [quote(theirs, american)]}))
    for records in (
        [quote(ext(), british), quote(ext(), american)],  # all or none
        [quote(theirs, british)],  # nobody takes another entity's record by naming it
        [quote(mine, american)],  # nor gives one away
    ):
        assert code(uk.put("/v1/sources/quotes", json={"records": records})) == (403, "FORBIDDEN")
    assert [q["external_id"] for q in ok(office.ae.get(f"/v1/customers/{british}/quotes"))["items"]] == [mine]
    assert [q["external_id"] for q in ok(office.ae.get(f"/v1/customers/{american}/quotes"))["items"]] == [theirs]


def test_a_change_concerns_nobody_whom_the_token_does_not_cover(office: Office):
    """Whoever has an override of a customer sees it, and changes the override: not the master, which is its owner's."""
    uk = office.client("ukclerk", "ar_clerk", entities=("le_uk",))
    override = {"legal_entity_id": "le_uk", "action": "add", "payment_terms": "NET60"}
    american = office.customer()
    at = f"/v1/customers/{american}"
    change = ok(office.clerk.patch(at, json={"entity_overrides": [override]}), 202)["change_id"]
    for who in (office.manager, office.controller):
        ok(who.post(f"/v1/customer-changes/{change}/decisions", json={"decision": "approve"}))
    ok(uk.get(at))
    for r in (
        uk.patch(at, json={"notes": "x"}),
        uk.delete(at),
        uk.delete(at, params={"mode": "hard"}),
    ):
        assert code(r) == (403, "FORBIDDEN")
    both = {"notes": "x", "entity_overrides": [override | {"action": "update", "payment_terms": "NET30"}]}
    assert code(uk.patch(at, json=both)) == (403, "FORBIDDEN")
    made = {"name": "Both", "email": f"{ext()}@example.com", "legal_entity_id": "le_uk"}
    theirs = {"legal_entity_id": "le_us", "payment_terms": "NET60"}
    assert code(uk.post("/v1/customers", json=made | {"entity_overrides": [theirs]})) == (403, "FORBIDDEN")
    own = ok(uk.patch(at, json={"entity_overrides": both["entity_overrides"]}), 202)["change_id"]
    ok(uk.get(f"/v1/customer-changes/{own}"))
    ok(uk.post(f"/v1/customer-changes/{own}/withdraw"))


def test_a_write_that_does_not_say_how_far_it_reaches_is_a_defect():
    careless = gated_router("careless")  # type: ignore[arg-type]  # a tag of no product
    from typing import Annotated

    with pytest.raises(TypeError, match="must say by requires"):

        @careless.put("/v1/careless")
        def write(who: Annotated[Principal, requires("settings.write")]) -> None: ...

    @careless.put("/v1/careful")
    def careful(who: Annotated[Principal, requires("settings.write", RECORD)]) -> None: ...

    assert isinstance(careless.routes[0], APIRoute)
