"""Countries as people write them, in exports of other systems: "UK", "U.S.A.", "The Netherlands", "Russia"."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import pycountry

_CUSTOMARY: Final = {
    "GB": "uk|great britain|britain|england|scotland|wales|northern ireland|united kingdom of great britain and northern ireland"
    "|great britain and northern ireland",
    "US": "us|usa|u s a|u s|united states of america|america",
    "SA": "ksa|kingdom of saudi arabia",
    "NL": "netherlands|holland|nederland",
    "RU": "russia",
    "TR": "turkey|turkiye",
    "AE": "uae|united arab emirates",
    "KR": "south korea|republic of korea|korea south",
    "KP": "north korea|korea north",
    "CZ": "czech republic|czechia",
    "VN": "vietnam",
    "TW": "taiwan|taiwan roc",
    "IR": "iran",
    "SY": "syria",
    "LA": "laos",
    "BO": "bolivia",
    "VE": "venezuela",
    "TZ": "tanzania",
    "MD": "moldova",
    "MK": "macedonia|north macedonia",
    "BN": "brunei",
    "CI": "ivory coast|cote d'ivoire",
    "CV": "cape verde",
    "SZ": "swaziland",
    "PS": "palestine",
    "VA": "vatican|vatican city",
    "CD": "dr congo|democratic republic of the congo|drc|congo kinshasa",
    "CG": "republic of the congo|congo brazzaville",
    "MM": "burma",
    "HK": "hong kong|hong kong sar|hong kong sar china",
    "MO": "macau|macao|macao sar",
    "CN": "pr china|people's republic of china|mainland china|prc",
    "GR": "el|hellas",
    "IE": "eire|republic of ireland",
    "DE": "deutschland|federal republic of germany",
    "AT": "osterreich",
    "CH": "schweiz|suisse|svizzera",
    "ES": "espana",
    "IT": "italia",
    "SE": "sverige",
    "NO": "norge",
    "DK": "danmark",
    "FI": "suomi",
    "PL": "polska",
    "BE": "belgie|belgique",
    "BR": "brasil",
    "MX": "mexico",
    "TL": "east timor",
    "FM": "micronesia",
    "FK": "falkland islands",
    "VG": "british virgin islands",
    "VI": "us virgin islands",
}
_CODES: Final = {name: code for code, names in _CUSTOMARY.items() for name in names.split("|") if name}


@lru_cache(maxsize=4096)
def country(text: str) -> str:
    """An ISO 3166-1 alpha-2 code from a code of either length or a name; the text unchanged where it is neither."""
    text = text.strip()
    key = re.sub(r"^st ", "saint ", _key(text))
    if key == "congo":
        return text  # there are two
    if key in _CODES:
        return _CODES[key]
    if len(text) == 2:
        return text.upper()
    for spelling in (text, key, key.replace(" and ", " & ")):
        try:
            return str(pycountry.countries.lookup(spelling).alpha_2)
        except LookupError:
            continue
    return _by_key().get(key, text)


@lru_cache(maxsize=1)
def _by_key() -> dict[str, str]:
    names = ("name", "common_name", "official_name")
    return {_key(n): c.alpha_2 for c in pycountry.countries for name in names if (n := getattr(c, name, None))}


def _key(text: str) -> str:
    """Without case, accents, points and a leading article; "Korea, South" stays two words."""
    folded = unicodedata.normalize("NFKD", text).casefold().replace("\u2019", "'")
    bare = "".join(c for c in folded if not unicodedata.combining(c)).replace(".", "").replace("&", " and ")
    return re.sub(r"^the | the$", "", " ".join(re.sub(r"[(),-]", " ", bare).split()))
