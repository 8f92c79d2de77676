"""Files of rates: what they say, and what is none."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest

from models.cash.fx import StoredRate
from models.cash.rate_files import RatesUnreadable, business_days_since, read_rates

XML = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<Cube><Cube time="2026-11-27"><Cube currency="USD" rate="1.1172"/><Cube currency="JPY" rate="175.68"/></Cube>
<Cube time="2026-11-26"><Cube currency="USD" rate="1.1"/></Cube></Cube></gesmes:Envelope>"""
DAILY = "Date, USD, JPY, \n27 November 2026, 1.1172, 175.68, "
HISTORY = "Date,USD,JPY,XXQ,\n2026-11-27,1.1172,175.68,5,\n2026-11-26,1.1,N/A,,\n"
PLAIN = "base_currency,quote_currency,rate_date,rate\nUSD,GBP,2026-11-27,0.79\n\n"


def zipped(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("eurofxref.csv", text)
    return out.getvalue()


def euro(currency: str, rate: str, day: int = 27) -> StoredRate:
    return StoredRate("EUR", currency, date(2026, 11, day), Decimal(rate))


@pytest.mark.parametrize(
    ("content", "older"),
    [
        (XML.encode(), True),
        (DAILY.encode(), False),
        (HISTORY.encode(), True),
        (zipped(DAILY), False),
        (zipped(HISTORY), True),
    ],
    ids=["xml", "daily", "history", "daily-zip", "history-zip"],
)
def test_the_banks_file_in_any_of_its_shapes(content: bytes, older: bool) -> None:
    expected = [euro("USD", "1.1172"), euro("JPY", "175.68"), *([euro("USD", "1.1", 26)] if older else [])]
    assert read_rates(content) == expected


def test_a_plain_file_names_its_pairs() -> None:
    assert read_rates(PLAIN.encode()) == [StoredRate("USD", "GBP", date(2026, 11, 27), Decimal("0.79"))]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<html>", b"<html/>", b"PK\x03\x04x", b"\xff\xfe", b"a,b\n1,2\n", DAILY.replace("1.1172", "-1").encode(),
        DAILY.replace("1.1172", "NaN").encode(), DAILY.replace("27 November 2026", "tomorrow").encode(),
        PLAIN.replace("GBP", "USD").encode(), PLAIN.replace("0.79", "1e99").encode(), PLAIN.replace("GBP", "QQQ").encode(),
        b'<!DOCTYPE x [<!ENTITY e "1.1">]><x><Cube time="2026-11-27"><Cube currency="USD" rate="&e;"/></Cube></x>',
    ],
)  # fmt: skip
def test_what_holds_no_rates_is_refused_as_a_whole(content: bytes) -> None:
    with pytest.raises(RatesUnreadable):
        read_rates(content)


@pytest.mark.parametrize(
    ("day", "today", "days"),
    [
        (27, 27, 0),
        (27, 28, 0),
        (27, 29, 0),
        (27, 30, 1),
        (26, 30, 2),
        (23, 27, 4),
        (24, 27, 3),
        (13, 27, 10),
        (28, 27, 0),
    ],
)
def test_weekends_do_not_make_a_rate_older(day: int, today: int, days: int) -> None:
    assert business_days_since(date(2026, 11, day), date(2026, 11, today)) == days  # the 27th is a Friday
