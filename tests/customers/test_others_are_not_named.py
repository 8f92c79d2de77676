"""Whose an address, a tax id or a name is already, is told to those whose token covers that customer. Others learn that it is
taken, which is why they are refused, and no more."""

import os

from tests.customers.desk import Desk, fresh, ok, refused


def test_a_token_of_another_entity_is_not_told_which_customer_it_meets(desk: Desk) -> None:
    mark = os.urandom(4).hex()
    taken = {"email": fresh("n"), "tax_id": f"US{mark}", "external_id": f"EXT-{mark}"}
    name = f"Nordlicht {mark} Handel"
    known = desk.customer(name=name, **taken)
    pending = desk.submit(email=fresh("p"), name=f"Pending {mark}")
    asked = desk.change(pending)["diff"]
    reserved = next(d["after"] for d in asked if d["path"] == "/email")
    here, elsewhere = (desk(f"u_{e}", "ar_clerk", entities=(e,)) for e in ("le_us", "le_uk"))
    for said in ({"email": taken["email"]}, {"tax_id": taken["tax_id"]}, {"external_id": taken["external_id"]}):
        own, other = (
            client.post("/v1/customers", json=desk.body(legal_entity_id=entity, **said))
            for client, entity in ((here, "le_us"), (elsewhere, "le_uk"))
        )
        assert (own.status_code, other.status_code) == (409, 403 if "external_id" in said else 409), other.text
        assert known in own.text
        assert known not in other.text, said
        assert "fields" not in other.json() or other.json()["fields"] == []
    imported, external = fresh("i"), f"OLD-{mark}"
    (moved_in,) = desk.stack.customers(desk.org, {"name": f"Old {mark}", "email": imported, "external_id": external})
    other = elsewhere.post("/v1/customers", json=desk.body(legal_entity_id="le_uk", external_id=external))
    assert refused(other, 409, "EXTERNAL_ID_CONFLICT").get("id") is None
    assert moved_in not in other.text
    other = elsewhere.post("/v1/customers", json=desk.body(legal_entity_id="le_uk", email=reserved))
    told = refused(other, 409, "DUPLICATE_EMAIL")
    assert told["detail"] == "The email belongs to a customer of another legal entity."
    assert pending["change_id"] not in other.text
    assert pending["customer_id"] not in other.text
    similar = elsewhere.post("/v1/customers", json=desk.body(legal_entity_id="le_uk", name=f"{name} GmbH"))
    assert [w["code"] for w in ok(similar, 202)["warnings"]] == ["NAME_SIMILAR"]
    for shown in (
        similar,
        elsewhere.get(f"/v1/customer-changes/{similar.json()['change_id']}"),
        elsewhere.get(f"/v1/customer-changes/{similar.json()['change_id']}/evidence"),
        elsewhere.get("/v1/approvals", params={"submitted": "me"}),
    ):
        assert shown.is_success
        assert known not in shown.text
    assert known in here.post("/v1/customers", json=desk.body(name=f"{name} GmbH")).text


def test_nor_which_opportunity_has_an_external_id(desk: Desk) -> None:
    external = f"OPP-{os.urandom(4).hex()}"
    body = {
        "name": "Renewal",
        "value_minor": 100,
        "currency_code": "USD",
        "stage": "proposal",
        "close_date": "2030-01-31",
    }
    us, uk = desk.customer(), desk.customer(legal_entity_id="le_uk")
    wide, narrow = desk("u_ae"), desk("u_ae_uk", "account_executive", entities=("le_uk",))
    first = wide.post(f"/v1/customers/{us}/opportunities", json={**body, "external_id": external})
    met = narrow.post(f"/v1/customers/{uk}/opportunities", json={**body, "external_id": external})
    refused(met, 403, "FORBIDDEN")
    assert ok(first, 201)["id"] not in met.text
    conflict = wide.post(f"/v1/customers/{uk}/opportunities", json={**body, "external_id": external})
    assert refused(conflict, 409, "EXTERNAL_ID_CONFLICT")["id"] == ok(first, 201)["id"]
