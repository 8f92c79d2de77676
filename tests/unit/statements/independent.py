"""A second reading of bank files, without a line of ours: how much moved, to be held against what our readers say.

    python -m tests.unit.statements.independent FILE...

CAMT by ElementTree (the booked entries), MT940 by the lines that begin with :61:, OFX by its TRNAMT, BAI2 by its 16 records and
the type codes' ranges. Signed minor units by currency; prints a line per file, then what each format came to.
"""

import re
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

from models.errors import Refusal
from models.money import exponent
from statement_readers import detect_and_read

Sums = Counter[str]


def second_reading(data: bytes) -> tuple[str, Sums]:
    """The format, and what moved by currency, in minor units."""
    text = _decoded(data)
    if "BkToCstmr" in text:
        return "CAMT", _camt(data)
    if "<OFX>" in text.upper():
        return "OFX", _ofx(text)
    if text.lstrip().startswith("01,"):
        return "BAI2", _bai2(text)
    return "MT940", _mt940(text)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _minor(amount: str, currency: str) -> int:
    value = Decimal(amount.replace(",", ".").rstrip(".") or "0")
    return int(value.scaleb(exponent(currency) or 0))


def _camt(data: bytes) -> Sums:
    sums: Sums = Counter()
    for entry in ElementTree.fromstring(data).iter():
        if not entry.tag.endswith("}Ntry"):
            continue
        status = "".join(x for e in entry if e.tag.endswith("}Sts") for x in e.itertext()).strip()
        amount = next(e for e in entry if e.tag.endswith("}Amt"))
        credit = next(e for e in entry if e.tag.endswith("}CdtDbtInd")).text == "CRDT"
        if status in ("BOOK", ""):
            minor = _minor((amount.text or "").strip(), amount.attrib["Ccy"])
            sums[amount.attrib["Ccy"]] += minor if credit else -minor
    return sums


def _ofx(text: str) -> Sums:
    currency = re.search(r"<CURDEF>\s*([A-Z]{3})", text)
    sums: Sums = Counter()
    for amount in re.findall(r"<TRNAMT>\s*([-+0-9.,]+)", text):
        code = currency.group(1) if currency else ""
        sums[code] += _minor(amount, code)
    return sums


def _mt940(text: str) -> Sums:
    sums: Sums = Counter()
    currency = ""
    for line in text.splitlines():
        if opening := re.match(r":60[FM]:[CD][0-9]{6}([A-Z]{3})", line):
            currency = opening.group(1)
        if entry := re.match(r":61:[0-9]{6}(?:[0-9]{4}| {4})?(R?)([CD])[A-Z]?([0-9]*,[0-9]*)", line):
            reversed_, side, amount = entry.groups()
            minor = _minor(amount if amount[0] != "," else "0" + amount, currency)
            sums[currency] += minor if (side == "C") != bool(reversed_) else -minor
    return sums


def _bai2(text: str) -> Sums:
    sums: Sums = Counter()
    group, account = "USD", ""
    for record in re.split(r"\n|/\s*(?=[0-9]{2},)", text):
        fields = record.strip().rstrip("/").split(",")
        if fields[0] == "02":
            group = (fields[6] if len(fields) > 6 else "") or "USD"
        elif fields[0] == "03":
            account = fields[2] or group
        elif fields[0] == "16":
            code, minor = int(fields[1]), int(fields[2] or 0)
            if 100 <= code < 400 or 920 <= code < 960:
                sums[account] += minor
            elif 400 <= code < 700 or 960 <= code <= 999:
                sums[account] -= minor
    return sums


def first_reading(path: Path) -> tuple[int, Sums, list[str]]:
    """What our readers say: lines, sums, and the codes of the warnings."""
    sums: Sums = Counter()
    statements = detect_and_read(path)
    for line in (line for s in statements for line in s.lines):
        sums[line.currency_code] += line.amount_minor
    return sum(len(s.lines) for s in statements), sums, [w.code for s in statements for w in s.warnings]


def main(names: list[str]) -> int:
    """Print the comparison; 1 where a file was taken without a word though its sums differ."""
    totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name in sorted(names):
        try:
            kind, other = second_reading(Path(name).read_bytes())
        except (ElementTree.ParseError, ValueError) as error:
            kind, other = "unreadable", Counter()
            print(f"{name}: the second reading fails: {error}")
        try:
            lines, ours, warnings = first_reading(Path(name))
            verdict = "alike" if +ours == +other and -ours == -other else "warned" if warnings else "DIFFERENT"
            print(f"{name}: {kind}, {lines} lines, {dict(ours)}, {verdict} {sorted(set(warnings))}")
        except Refusal as refusal:
            lines, verdict = 0, "refused"
            print(f"{name}: {kind}, {refusal.code}: {refusal.detail} {refusal.extra}")
            if other:
                print(f"    the second reading: {dict(other)}")
        if verdict in ("warned", "DIFFERENT"):
            print(f"    the second reading: {dict(other)}")
        totals[kind].update({"files": 1, "lines": lines, verdict: 1})
    for kind, found in totals.items():
        print(kind, dict(found))
    return 1 if any(found["DIFFERENT"] for found in totals.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
