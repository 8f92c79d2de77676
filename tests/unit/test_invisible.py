# ruff: noqa: RUF001 - tables of cases read better unbroken; letters that look alike are the point
"""What cannot be seen makes no name, hides in no text, and tells no two addresses apart."""

from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from models import checks
from models.customers.metadata import metadata
from models.customers.patch import PatchCustomer
from models.invisible import file_name
from models.keys import email_key, name_key, tax_id_key


@pytest.mark.parametrize(
    "blank",
    [
        "\u3164",
        "\u2800",
        "\u115f",
        "\u1160",
        "\uffa0",
        "\ufe0f",
        "\u034f",
        "\u2800 \u2800",
        "\u200d\u200c",
        "\U000e0061",
    ],
)
def test_a_name_of_nothing_that_can_be_seen_is_none(blank: str) -> None:
    for check in (checks.line, checks.code, checks.tax_id, lambda v: checks.text(v, limit=20)):
        with pytest.raises(PydanticCustomError):
            check(blank)


@pytest.mark.parametrize(
    "hidden", "\u2061\u2062\u2063\u2064\u206a\u206f\u00ad\u200b\u202e\u2066\ufeff\u180e\u3164\uffa0\ufff9\U000e0041"
)
def test_no_text_hides_what_no_writing_needs(hidden: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        checks.line(f"Ac{hidden}me")
    assert refused.value.type == "FIELD_FORMAT"


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad"])
def test_no_name_of_metadata_looks_like_another(hidden: str) -> None:
    for value in ({f"cre{hidden}dit": "1"}, {"a": [{"deep": {f"cre{hidden}dit": 1}}]}):
        with pytest.raises(PydanticCustomError) as refused:
            metadata(value)
        assert refused.value.type == "FIELD_FORMAT"


def test_values_of_metadata_are_kept_as_they_came_but_turn_nothing_round() -> None:
    copied = {"name": "نرم‌افزار", "mood": "I ❤️ NY", "note": "copied\u200b from a page\ufeff, soft\u00adly"}
    assert metadata(copied) == copied
    for mark in "\u202a\u202e\u2066\u2069":
        with pytest.raises(PydanticCustomError):
            metadata({"note": ["of 10", f"{mark}of 01"]})


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\march.csv", "march.csv"),
        ("march\u202evsc.exe", "marchvsc.exe"),
        ("a\0b\r\n.csv", "ab.csv"),
        ("März ❤️.xlsx", "März ❤.xlsx"),
        ("x" * 300, "x" * 255),
        ("folder/", None),
        ("\u200b", None),
        (None, None),
    ],
)
def test_a_file_is_called_by_what_is_seen_of_its_name(said: str | None, shown: str | None) -> None:
    assert file_name(said) == shown


@pytest.mark.parametrize("name", ["نرم‌افزار", "क्‍ष", "葛\U000e0100城", "I ❤️ NY", "⠁⠉⠍⠑ ⠇⠞⠙", "ᄅᅠᆨ Acme", "שלום\u200f"])
def test_what_some_writing_needs_stays(name: str) -> None:
    assert checks.line(name)


@pytest.mark.parametrize("hidden", "\ufe0f\u034f\u3164\u2063\u200b\u00ad\u202e\u2800\U000e0041\u200e")
def test_an_address_holds_nothing_that_cannot_be_seen(hidden: str) -> None:
    for address in (f"a{hidden}p@x.com", f"ap{hidden}@x.com", f"ap@x{hidden}.com"):
        with pytest.raises(PydanticCustomError) as refused:
            checks.email(address)
        assert refused.value.type == "EMAIL_INVALID"
        assert email_key(address) == "ap@x.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"ap"@x.com', "ap@x.com"), ('"A.P"@X.com', "a.p@x.com"), (r'"a\p"@x.com', "ap@x.com"),
        ("ap@bücher.de", "ap@xn--bcher-kva.de"), ("ap@BÜCHER.de", "ap@XN--BCHER-KVA.DE"), ("ap@例え.jp", "ap@xn--r8jz45g.jp"),
        ("ａｐ@x.com", "ap@x.com"), ("ap@ｘ.com", "ap@x.com"),
    ],
)  # fmt: skip
def test_one_address_has_one_key(one: str, other: str) -> None:
    assert email_key(one) == email_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"a p"@x.com', "ap@x.com"),
        ('"a..p"@x.com', "a.p@x.com"),
        ("ap@xn--x.de", "ap@x.de"),
        ('"a@b"@x.com', "a@b@x.com"),
    ],
)
def test_other_addresses_keep_other_keys(one: str, other: str) -> None:
    assert email_key(one) != email_key(other)


def test_names_and_tax_ids_compare_by_what_is_seen() -> None:
    assert name_key("Ac\u034fme\ufe0f") == name_key("Acme")
    assert tax_id_key("DE\u3164 1") == tax_id_key("de1")


@pytest.mark.parametrize("code", ["12\u202e34", "AB\u0007", "", "   ", "\u2800", "1" * 21])
def test_a_postal_code_is_checked_in_an_update_as_in_an_addition(code: str) -> None:
    given = {"type": "billing", "lines": ["1"], "city": "X", "country": "GB", "postal_code": code}
    for item in ({"action": "update", "id": "addr_1", "postal_code": code}, {"action": "add"} | given):
        with pytest.raises(ValidationError) as refused:
            PatchCustomer.model_validate({"addresses": [item]})
        assert refused.value.errors()[0]["loc"][-1] == "postal_code"


def test_a_postal_code_is_trimmed_in_an_update_as_in_an_addition() -> None:
    patch = PatchCustomer.model_validate(
        {"addresses": [{"action": "update", "id": "addr_1", "postal_code": "  02134  "}]}
    )
    asked: Any = patch.dump()
    assert asked["addresses"][0]["postal_code"] == "02134"
