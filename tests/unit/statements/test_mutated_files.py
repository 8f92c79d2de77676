"""Every reader, with files that have one thing changed: read right, with a warning, or refused with a place."""

import os
from collections import Counter

import pytest

from tests.unit.statements.independent import second_reading
from tests.unit.statements.mutating import SAMPLES, mutate, wrong

FIRST = int(os.environ.get("ARFLOW_FIRST_MUTATION", "0"))


def found(name: str, count: int) -> list[str]:
    problems = []
    for seed in range(FIRST, FIRST + count):
        mutation = mutate(SAMPLES[name], seed)
        problem = wrong(SAMPLES[name], mutation)
        if problem:
            problems.append(f"{seed} ({mutation.what} at {mutation.at}): {problem}")
    return problems


@pytest.mark.parametrize("name", SAMPLES)
def test_a_changed_file_is_never_read_as_something_else(name: str):
    assert found(name, 150) == []


@pytest.mark.soak
@pytest.mark.parametrize("name", SAMPLES)
def test_twenty_thousand_changed_files_are_never_read_as_something_else(name: str):
    assert found(name, 20_000)[:10] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_themselves_are_read_without_a_word(name: str):
    statements = SAMPLES[name].read(SAMPLES[name].data)
    assert sum(len(s.lines) for s in statements) >= 2
    expected = {"STATEMENT_ENTRY_IGNORED", "STATEMENT_NOT_FINAL"}
    assert not [w for s in statements for w in s.warnings if w.code not in expected]


@pytest.mark.parametrize("name", [n for n in SAMPLES if "CSV" not in n])
def test_a_second_reading_comes_to_the_same_sums(name: str):
    sums = Counter[str]()
    for line in (line for s in SAMPLES[name].read(SAMPLES[name].data) for line in s.lines):
        sums[line.currency_code] += line.amount_minor
    assert second_reading(SAMPLES[name].data)[1] == sums
