"""/openapi.json as a generated client wants it: named operations, named schemas, an answer's every field."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from api.tags import Tag
from tests.stack_fixtures.described import description

Schema = dict[str, Any]
NOT_JSON = {"text/plain", "text/event-stream", "text/csv"}
"""What else an answer may be: metrics, progress, reports."""


def operations() -> list[tuple[str, Schema]]:
    paths = description()["paths"]
    return [(f"{m.upper()} {path}", op) for path, found in paths.items() for m, op in found.items()]


def schemas() -> dict[str, Schema]:
    found: dict[str, Schema] = description()["components"]["schemas"]
    return found


def nodes(node: Any) -> Iterator[Schema]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from nodes(item)


def test_every_operation_has_an_id_of_its_own_a_tag_and_a_sentence() -> None:
    ids = Counter(op["operationId"] for _, op in operations())
    assert [i for i, n in ids.items() if n > 1] == []
    assert [i for i in ids if not re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", i)] == []
    assert [name for name, op in operations() if not op.get("tags") or not op.get("description")] == []


NOT_BY_NAME = {"get_health", "get_readiness", "make_proposal", "decline_proposal"}
"""What says what it is about in other words than its path."""


def test_a_description_names_what_it_is_about_and_no_two_say_the_same() -> None:
    said = Counter(op["description"] for _, op in operations())
    assert [words for words, n in said.items() if n > 1] == []
    assert [words for words in said if len(words.split()) < 5] == []
    for _, op in operations():
        nouns = [
            re.sub("ie$", "", noun.removesuffix("s").removesuffix("y")) for noun in op["operationId"].split("_")[1:]
        ]
        named = op["description"].lower().replace("-", " ")
        assert op["operationId"] in NOT_BY_NAME or any(noun in named for noun in nouns), (op["operationId"], named)


@pytest.mark.parametrize(("name", "operation"), operations(), ids=[name for name, _ in operations()])
def test_every_answer_is_a_named_schema(name: str, operation: Schema) -> None:
    for status, response in operation["responses"].items():
        if not status.startswith("2") or status == "204":
            continue
        content = response.get("content", {})
        if "application/json" not in content:
            assert NOT_JSON.intersection(content), (name, status)
            continue
        schema = content["application/json"]["schema"]
        for one in schema.get("anyOf", [schema]):
            assert re.fullmatch(r"#/components/schemas/\w+", one.get("$ref", "")), (name, status, schema)


def test_no_schema_of_an_answer_is_empty_and_every_field_is_always_there() -> None:
    answered = {ref for _, op in operations() for s, r in op["responses"].items() if s[0] == "2" for ref in refs(r)}
    for name in closure(answered):
        schema = schemas()[name]
        if "enum" in schema or name == "JsonValue" or "anyOf" in schema or "oneOf" in schema:
            continue
        assert schema.get("properties") or "additionalProperties" in schema, name
        assert set(schema.get("required", [])) == set(schema.get("properties", {})), name


def refs(node: Any) -> set[str]:
    return {n["$ref"].rpartition("/")[2] for n in nodes(node) if isinstance(n.get("$ref"), str)}


def closure(names: set[str]) -> set[str]:
    seen: set[str] = set()
    left = set(names)
    while left:
        name = left.pop()
        seen.add(name)
        left |= refs(schemas()[name]) - seen
    return seen - {"Problem", "ProblemField"}


def test_names_are_the_fields_own() -> None:
    strange = [n for n in schemas() if n.startswith("_") or "__" in n or not n[0].isupper()]
    assert strange == []


def test_no_enum_has_values_that_differ_in_case_alone() -> None:
    for node in nodes(description()):
        values = [v for v in node.get("enum", []) if isinstance(v, str)]
        assert len({v.lower() for v in values}) == len(values), values


def test_writes_say_their_key_and_answers_their_headers() -> None:
    for name, operation in operations():
        keyed = any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", []))
        headers = [h for s, r in operation["responses"].items() if s[0] == "2" for h in r.get("headers", {})]
        assert "X-Request-Id" in headers, name
        assert keyed == ("Idempotent-Replayed" in headers), name


def test_operations_are_grouped_as_a_reader_wants_them_the_main_job_first_and_each_group_says_what_it_is() -> None:
    groups = description()["tags"]
    assert [g["name"] for g in groups] == [t for t in get_args(Tag) if t in {g["name"] for g in groups}]
    assert (groups[0]["name"], groups[-1]["name"]) == ("payments", "health")
    assert {op["tags"][0] for _, op in operations()} == {g["name"] for g in groups}
    assert all(g["description"].endswith(".") for g in groups)


def test_an_operation_is_called_by_what_it_does() -> None:
    summaries = {op["operationId"]: op["summary"] for _, op in operations()}
    assert (summaries["apply_payment"], summaries["get_ar_aging"]) == ("Apply payment", "Get AR aging")
