"""YAML as people write a short file by hand, and what is more than that."""

import pytest

from cli.plain_yaml import NotPlain, read

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


@pytest.mark.parametrize(
    "text",
    [
        "", "# nothing\n", "a: 1\na: 2\n", "a: &x 1\n", "a: *x\n", "a: !!str 1\n", "a: |\n  text\n", "a: {b: 1}\n", "a: [1]\n",
        "a: 1\n   b: 2\n", "a:\n  b: 1\n c: 2\n", "just a text\n", "\ta: 1\n", "{not json", 'a: "b\n', "a: 1\n- 2\n",
        "a: 'b' c\n",
    ],
)  # fmt: skip
def test_what_is_more_than_that_is_refused(text: str) -> None:
    with pytest.raises(NotPlain):
        read(text)
