"""What the doors of imports take, and what makes two uploads of a file one import."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.imports.requests import MAX_SAID, ImportOptions, ReviewDecision, StartImport

OPTIONS: dict[str, Any] = {"source": "csv", "legal_entity_id": "le_us"}
KNOWN = "01247cf1735a9ea9f54612e5ab9735814f334a4ebbf43a185ceefbe9d6fccacd"
"""Of an import with a mapping of two columns: an upload that is sent again to a later build is still the same one."""
PULLED: dict[str, Any] = {"source": "hubspot", "legal_entity_id": "le_us", "connection": "crm"}


def wrong(kind: Any, **given: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(given)
    return [(".".join(map(str, e["loc"])), e["type"], e["msg"]) for e in refused.value.errors()]


def test_what_is_not_asked_for_is_as_usual() -> None:
    found = ImportOptions.model_validate(OPTIONS)
    assert (found.on_duplicate, found.batch_size, found.stop_on_error, found.validate_only) == (
        "skip",
        100,
        False,
        False,
    )
    assert (found.mapping, found.delimiter, found.encoding, found.connection) == (None, None, None, None)


@pytest.mark.parametrize("size", [1, 1000])
def test_batches_are_of_one_to_a_thousand_rows(size: int) -> None:
    assert ImportOptions.model_validate({**OPTIONS, "batch_size": size}).batch_size == size
    beyond = 0 if size == 1 else 1001
    assert [place for place, _, _ in wrong(ImportOptions, **OPTIONS, batch_size=beyond)] == ["batch_size"]


def test_the_same_options_are_the_same_import_however_they_are_written() -> None:
    first = ImportOptions.model_validate({**OPTIONS, "mapping": {"Name": "name", "E-Mail": "email"}})
    again = ImportOptions.model_validate({"mapping": {"E-Mail": "email", "Name": "name"}, **OPTIONS, "batch_size": 100})
    assert first.digest() == again.digest()
    assert first.digest() == KNOWN
    others: list[dict[str, Any]] = [
        {"batch_size": 99},
        {"on_duplicate": "update"},
        {"stop_on_error": True},
        {"mapping": {"Name": None}},
    ]
    digests = {ImportOptions.model_validate({**OPTIONS, **other}).digest() for other in others}
    assert len(digests | {first.digest()}) == len(others) + 1


def test_only_what_a_connection_serves_is_pulled() -> None:
    assert ImportOptions.model_validate(PULLED).connection == "crm"
    assert wrong(ImportOptions, **OPTIONS, connection="crm") == [
        ("", "FIELD_TYPE", "Only hubspot, salesforce can be pulled from a connection.")
    ]


@pytest.mark.parametrize("of_a_file", [{"delimiter": ";"}, {"encoding": "utf-8"}])
def test_what_is_pulled_has_neither_delimiter_nor_encoding(of_a_file: dict[str, str]) -> None:
    assert wrong(ImportOptions, **PULLED, **of_a_file) == [
        ("", "FIELD_TYPE", "A delimiter and an encoding are those of a file.")
    ]
    assert ImportOptions.model_validate({**OPTIONS, **of_a_file})


def test_a_proposed_import_has_a_files_text_or_a_connection() -> None:
    assert StartImport.model_validate({"options": OPTIONS, "content": "name\nAcme"}).content == "name\nAcme"
    assert StartImport.model_validate({"options": PULLED}).content is None
    said = [("", "FIELD_REQUIRED", "Give the content of a file, or in the options a connection to pull from.")]
    assert wrong(StartImport, options=OPTIONS) == wrong(StartImport, options=PULLED, content="name") == said


def test_a_pasted_file_has_200_000_characters_at_most() -> None:
    assert StartImport.model_validate({"options": OPTIONS, "content": "x" * MAX_SAID})
    for content in ("", "x" * (MAX_SAID + 1)):
        assert [place for place, _, _ in wrong(StartImport, options=OPTIONS, content=content)] == ["content"]


def test_a_decision_is_of_the_pending_step_unless_it_says_which() -> None:
    found = ReviewDecision.model_validate({"decision": "approve"})
    assert (found.step, found.reason_code, found.comment) == (None, None, None)
    assert [place for place, _, _ in wrong(ReviewDecision, decision="return")] == ["decision"]
