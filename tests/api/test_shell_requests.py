"""Bodies, order of refusals, problems, ids, lists: what every route inherits."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from models.access import PERMISSIONS
from tests.api.shell_probe import app, client, code, token


@pytest.fixture
async def clerk() -> AsyncIterator[httpx2.AsyncClient]:
    async with client(app(), token("ar_clerk")) as c:
        yield c


def raw(body: str | bytes, content_type: str | None = "application/json") -> dict:
    return {"content": body, "headers": {"Content-Type": content_type} if content_type else {}}


async def test_a_good_request_passes_and_answers_its_ids(clerk):
    r = await clerk.post(
        "/v1/things", json={"name": "a", "day": "2026-02-28", "rate": "1.10"}, headers={"X-Request-Id": "abc-1"}
    )
    assert r.status_code == 201, r.text
    assert (r.json()["rate"], r.json()["day"], r.json()["sub"]) == ("1.10", "2026-02-28", "u_clerk")
    assert r.headers["X-Request-Id"] == r.json()["request_id"] == "abc-1"
    assert r.headers["Idempotency-Key"].startswith("idem_")
    assert r.json()["key_given"] is False


@pytest.mark.parametrize("given", ["has space", "x" * 129, "a\tb", ""])
async def test_an_insane_request_id_is_replaced(clerk, given):
    r = await clerk.get("/v1/me", headers={"X-Request-Id": given})
    assert r.headers["X-Request-Id"].startswith("req_")


@pytest.mark.parametrize("key", ["k", "k" * 255])
async def test_the_idempotency_key_comes_back(clerk, key):
    r = await clerk.post("/v1/things", json={"name": "a"}, headers={"Idempotency-Key": key})
    assert (r.headers["Idempotency-Key"], r.json()["key_given"]) == (key, True)


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb"])
async def test_an_unusable_idempotency_key_is_refused(clerk, key):
    r = await clerk.post("/v1/things", json={"name": "a"}, headers={"Idempotency-Key": key})
    assert code(r) == (422, "VALIDATION_FAILED")
    assert r.json()["errors"][0]["loc"] == "/header/Idempotency-Key"


@pytest.mark.parametrize(
    ("fields", "loc", "error"),
    [
        ({"name": None}, "/name", "FIELD_TYPE"),
        ({"nmae": "x"}, "/nmae", "FIELD_UNKNOWN"),
        ({"amount_minor": "12"}, "/amount_minor", "FIELD_TYPE"),
        ({"amount_minor": True}, "/amount_minor", "FIELD_TYPE"),
        ({"amount_minor": 0}, "/amount_minor", "FIELD_RANGE"),
        ({"amount_minor": 2**63}, "/amount_minor", "FIELD_RANGE"),
        ({"signed_minor": -(2**63) - 1}, "/signed_minor", "FIELD_RANGE"),
        ({"day": "2026-02-30"}, "/day", "DATE_INVALID"),
        ({"day": "2026-02-03T00:00:00"}, "/day", "DATE_INVALID"),
        ({"day": "20260203"}, "/day", "DATE_INVALID"),
        ({"day": 5}, "/day", "DATE_INVALID"),
        ({"day": "0001-01-01"}, "/day", "FIELD_RANGE"),
        ({"currency_code": "usd"}, "/currency_code", "CURRENCY_INVALID"),
        ({"currency_code": "ZZZ"}, "/currency_code", "CURRENCY_INVALID"),
        ({"currency_code": "XAU"}, "/currency_code", "CURRENCY_INVALID"),
        ({"rate": "1e5"}, "/rate", "DECIMAL_INVALID"),
        ({"rate": "NaN"}, "/rate", "DECIMAL_INVALID"),
        ({"rate": True}, "/rate", "FIELD_TYPE"),
        ({"external_id": ""}, "/external_id", "FIELD_LENGTH"),
        ({"external_id": "x" * 256}, "/external_id", "FIELD_LENGTH"),
        ({"external_id": "a\nb"}, "/external_id", "FIELD_FORMAT"),
        ({"reason_code": "lower"}, "/reason_code", "FIELD_FORMAT"),
        ({"colour": "blue"}, "/colour", "FIELD_CHOICE"),
        ({"parts": [{"amount_minor": 1}, {"amount_minor": 1.5}]}, "/parts/1/amount_minor", "FIELD_TYPE"),
        ({"parts": [{"amount_minor": 1}] * 501}, "/parts", "FIELD_LENGTH"),
        ({"metadata": {"a/b": ["x\0"]}}, "/metadata/a~1b/0", "FIELD_TYPE"),
        ({"metadata": {"a\0": 1}}, "/metadata", "FIELD_TYPE"),
    ],
)
async def test_a_wrong_field_is_named(clerk, fields, loc, error):
    r = await clerk.post("/v1/things", json={"name": "a", **fields})
    assert code(r) == (422, "VALIDATION_FAILED")
    assert [(e["loc"], e["code"]) for e in r.json()["errors"]] == [(loc, error)]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        '{"name": "a"} x',
        '{"name": "a", "amount_minor": NaN}',
        '{"name": "a", "rate": Infinity}',
        '{"name": "a", "name": "b"}',
        '{"name": "a", "rate": 1e999999999}',
        '{"name": "a", "amount_minor": ' + "9" * 5000 + "}",
        '{"name": "\\ud800"}',
        '{"name": "\\u0000"}',
        b'{"name": "\xff"}',
        b'\xef\xbb\xbf{"name": "a"}',
        "[" * 100_000,
        '"a"',
        "[]",
        "null",
        "12",
        "",
    ],
)
async def test_what_is_not_a_proper_json_object_is_refused(clerk, body):
    r = await clerk.post("/v1/things", **raw(body))
    assert code(r) == (422, "VALIDATION_FAILED")
    assert r.json()["errors"][0]["loc"] in ("", "/name")


async def test_a_decimal_never_passes_through_a_float(clerk):
    r = await clerk.post("/v1/things", **raw('{"name": "a", "rate": 1.100000000000000000000000000001}'))
    assert r.json()["rate"] == "1.100000000000000000000000000001"


async def test_the_offending_value_is_not_repeated(clerk):
    r = await clerk.post("/v1/things", json={"name": "a", "external_id": {"mail": "jane@example.com"}})
    assert code(r) == (422, "VALIDATION_FAILED")
    assert "jane" not in r.text


BIG = json.dumps({"name": "x" * 1_100_000})
GOOD, BAD = '{"name": "a"}', '{"nmae": 1}'


@pytest.mark.parametrize(
    ("who", "body", "content_type", "expected"),
    [
        (None, BIG, "text/plain", (401, "UNAUTHENTICATED")),
        (None, "{", "application/json", (401, "UNAUTHENTICATED")),
        ("cfo", BIG, "application/json", (413, "PAYLOAD_TOO_LARGE")),
        ("cfo", BAD, "text/plain", (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("cfo", GOOD, None, (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("cfo", GOOD, "application/json; charset=latin-1", (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("cfo", "{", "application/json", (403, "FORBIDDEN")),
        ("cfo", BAD, "application/json", (403, "FORBIDDEN")),
        ("cfo", "", None, (403, "FORBIDDEN")),
        ("ar_clerk", BAD, "application/json; charset=UTF-8", (422, "VALIDATION_FAILED")),
    ],
)
async def test_the_order_of_refusals_is_that_of_the_interface(who, body, content_type, expected):
    async with client(app(), who and token(who)) as c:
        assert code(await c.post("/v1/things", **raw(body, content_type))) == expected


async def test_a_missing_permission_is_named_with_the_roles_that_have_it():
    async with client(app(), token("cfo")) as c:
        r = await c.post("/v1/things", json={"name": "a"})
    assert code(r) == (403, "FORBIDDEN")
    said = r.json()
    assert PERMISSIONS[said["permission"]] == set(said["roles"])
    assert said["permission"] in said["detail"]
    assert all(role in said["detail"] for role in said["roles"])


async def test_a_body_that_does_not_announce_its_size_is_limited_too(clerk):
    async def chunks():
        for _ in range(40):
            yield b" " * 100_000

    r = await clerk.post("/v1/things", content=chunks(), headers={"Content-Type": "application/json"})
    assert code(r) == (413, "PAYLOAD_TOO_LARGE")


async def test_uploads_have_their_own_limit_and_type(clerk):
    r = await clerk.post("/v1/files", files={"file": ("a.csv", b"x" * 3_000_000)})
    assert (r.status_code, r.json()) == (202, {"bytes": 3_000_000})
    assert code(await clerk.post("/v1/files", json={})) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert code(await clerk.post("/v1/small-files", files={"file": ("a", b"x" * 3000)})) == (413, "PAYLOAD_TOO_LARGE")
    r = await clerk.post("/v1/files", files={"other": ("a.csv", b"x")})
    assert (code(r), r.json()["errors"][0]["loc"]) == ((422, "VALIDATION_FAILED"), "/file")
    bad = {"content": b"garbage", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}
    assert code(await clerk.post("/v1/files", **bad)) == (422, "VALIDATION_FAILED")
    no_boundary = {"content": b"garbage", "headers": {"Content-Type": "multipart/form-data"}}
    assert code(await clerk.post("/v1/files", **no_boundary)) == (422, "VALIDATION_FAILED")


async def test_an_upload_that_does_not_announce_its_size_is_limited_while_it_streams(clerk):
    async def chunks():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 1000
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    r = await clerk.post("/v1/small-files", content=chunks(), headers=headers)
    assert code(r) == (413, "PAYLOAD_TOO_LARGE")


async def test_refusals_are_problems_with_their_code_and_facts(clerk):
    r = await clerk.get("/v1/things/over")
    assert code(r) == (422, "OVERPAYMENT_REQUIRES_CREDIT")
    assert r.json() == {
        "type": "urn:arflow:problem:overpayment-requires-credit",
        "title": "The payment exceeds what is open",
        "status": 422,
        "detail": "Too much.",
        "instance": "/v1/things/over",
        "code": "OVERPAYMENT_REQUIRES_CREDIT",
        "available_minor": 5,
    }
    assert code(await clerk.get("/v1/things/gone")) == (404, "INVOICE_NOT_FOUND")


@pytest.mark.parametrize("id", ["bug", "typo"])
async def test_a_defect_says_nothing_of_itself(clerk, id):
    r = await clerk.get(f"/v1/things/{id}")
    assert code(r) == (500, "INTERNAL")
    assert "secret" not in r.text


async def test_unknown_paths_and_methods_are_problems_too(clerk):
    assert code(await clerk.get("/v1/nothing")) == (404, "NOT_FOUND")
    assert code(await clerk.get("/v1/things/x/")) == (404, "NOT_FOUND")
    r = await clerk.delete("/v1/things")
    assert code(r) == (405, "METHOD_NOT_ALLOWED")
    assert r.headers["Allow"] == "GET, HEAD, POST"  # of every route at the path, not of the first one alone


async def test_head_is_get_without_the_body(clerk):
    got, headed = await clerk.get("/v1/things"), await clerk.head("/v1/things")
    assert (headed.status_code, headed.content) == (200, b"")
    for name in ("content-type", "content-length", "cache-control"):
        assert headed.headers[name] == got.headers[name]
    assert headed.headers["X-Request-Id"]
    missing = await clerk.head("/v1/nothing")
    assert (missing.status_code, missing.content) == (404, b"")


@pytest.mark.parametrize("path", ["/v1/things/a%00b", "/v1/things/a?as_of=2026-01-01%00", "/v1/things?cursor=%00"])
async def test_nul_in_a_path_or_query_is_refused(clerk, path):
    assert code(await clerk.get(path)) == (422, "VALIDATION_FAILED")


async def test_query_dates_are_dates(clerk):
    assert (await clerk.get("/v1/things/a", params={"as_of": "2026-03-01"})).json()["as_of"] == "2026-03-01"
    r = await clerk.get("/v1/things/a", params={"as_of": "2026-03-01T00:00:00"})
    assert (code(r), r.json()["errors"][0]["loc"]) == ((422, "VALIDATION_FAILED"), "/query/as_of")


async def test_a_list_is_paged_to_its_end(clerk):
    seen: list[Any] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        r = await clerk.get("/v1/things", params={"cursor": cursor} if cursor else {})
        seen, cursor, pages = seen + r.json()["items"], r.json()["next_cursor"], pages + 1
    assert (seen, pages) == (list(range(120)), 3)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "1.5"])
async def test_a_limit_out_of_range_is_refused(clerk, limit):
    r = await clerk.get("/v1/things", params={"limit": limit})
    assert (code(r), r.json()["errors"][0]["loc"]) == ((422, "VALIDATION_FAILED"), "/query/limit")


@pytest.mark.parametrize(
    "cursor",
    ["x", "%%%", "bnVsbA", "W10", "WyJ0aGluZ3MiXQ", "WyJvdGhlciIsIjIwMjYtMDEtMDEiLDFd", "é", "A" * 5000,
     "WyJ0aGluZ3MiLCJ4IiwxXQ", "WyJ0aGluZ3MiLCIyMDI2LTAxLTAxIiwiMSJd", "WyJ0aGluZ3MiLCIyMDI2LTAxLTAxIix0cnVlXQ"],
)  # fmt: skip
async def test_a_cursor_of_another_make_is_refused(clerk, cursor):
    r = await clerk.get("/v1/things", params={"cursor": cursor})
    assert (code(r), r.json()["errors"][0]["code"]) == ((422, "VALIDATION_FAILED"), "CURSOR_INVALID")
