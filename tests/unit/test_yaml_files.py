"""YAML as people write it by hand, with one reading of each word."""

import pytest

from cli.yaml_files import NotReadable, read

ORG = """---
# Acme's companies
id: org_acme
name: "Acme Group: all of it"   # a colon within quotes
legal_entities:
  - id: le_de
    name: Acme GmbH
    functional_currency: EUR
    bank_accounts:
    - id: bank_de
      currency_code: EUR
      name: 'Main # account'
      iban: DE89 3704 0044 0532 0130 00
  -
    id: le_jp
    name: Acme KK
    functional_currency: JPY
payment_terms:
- code: NET14
  days: 14
note:
sold: false
"""


def test_a_file_as_people_write_it() -> None:
    assert read(ORG) == {
        "id": "org_acme",
        "name": "Acme Group: all of it",
        "legal_entities": [
            {
                "id": "le_de", "name": "Acme GmbH", "functional_currency": "EUR",
                "bank_accounts": [{
                    "id": "bank_de", "currency_code": "EUR", "name": "Main # account", "iban": "DE89 3704 0044 0532 0130 00",
                }],
            },
            {"id": "le_jp", "name": "Acme KK", "functional_currency": "JPY"},
        ],
        "payment_terms": [{"code": "NET14", "days": 14}],
        "note": None,
        "sold": False,
    }  # fmt: skip


def test_json_and_lists_of_texts() -> None:
    assert read('{"id": "org_x", "n": [1, null]}') == {"id": "org_x", "n": [1, None]}
    assert read("- a\n- -1\n- '2'\n- 007\n") == ["a", -1, "2", "007"]


def test_words_that_older_yaml_takes_for_something_else_are_texts() -> None:
    said = "country: NO\nnumber: 012345\nday: 2026-01-01\nhours: 22:30\nrate: 1.50\nyes: on\n"
    assert read(said) == {
        "country": "NO", "number": "012345", "day": "2026-01-01", "hours": "22:30", "rate": "1.50", "yes": "on",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2\n", "a: *x\n", "a: !!python/name:os.system\n", "a:\n  b: 1\n c: 2\n", "\ta: 1\n", "{not json",
             'a: "b\n', "a: 1\n- 2\n", "a: 'b' c\n"],
)  # fmt: skip
def test_what_is_no_yaml_or_said_twice_is_refused(text: str) -> None:
    with pytest.raises(NotReadable):
        read(text)
