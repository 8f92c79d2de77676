"""Account records of BAI2 (03) that are continued (88): a slash ends a field, so the next record begins another one.

The package guesses from the number of commas whether a field ends there, and glues type codes to amounts where the guess is
wrong. Here the fields are counted as they follow one another: type code, amount, item count, funds type, and what the
funds type brings with it.
"""

from collections.abc import Iterable, Iterator

_COMMON = 2
"""The account and its currency stand before the summaries."""
_SIMPLE, _DATED, _DISTRIBUTED = "S", "V", "D"
_SUMMARY = 4


def with_whole_accounts(records: Iterable[str]) -> list[str]:
    """The same number of records; each account's fields are all in its 03, and its 88s are empty."""
    found: list[str] = []
    waiting: list[str] = []
    for record in records:
        if waiting and record.startswith("88,"):
            waiting.append(record)
            continue
        found += _whole(waiting)
        waiting = []
        if record.startswith("03,"):
            waiting = [record]
        else:
            found.append(record)
    return [*found, *_whole(waiting)]


def _whole(rows: list[str]) -> Iterator[str]:
    if len(rows) < 2:
        yield from rows
        return
    fields: list[str] = []
    ended = True
    for row in rows:
        first, *others = row[len("03,") :].removesuffix("/").split(",")
        if ended:
            fields.append(first)
        else:
            fields[-1] += first
        fields += others
        ended = row.endswith("/")
        if ended and fields[-1] == "" and _begins_summary(fields[_COMMON:-1]):
            fields.pop()  # some banks end a whole summary with a comma
    yield f"03,{','.join(fields)}"
    yield from ["88,"] * (len(rows) - 1)


def _begins_summary(fields: list[str]) -> bool:
    """Whether what comes behind these fields is a summary's type code."""
    at = 0
    while at < len(fields):
        if at + _SUMMARY > len(fields):
            return False
        funds = fields[at + _SUMMARY - 1].upper()
        at += _SUMMARY
        if funds == _SIMPLE:
            at += 3
        elif funds == _DATED:
            at += 2
        elif funds == _DISTRIBUTED:
            if at >= len(fields) or not fields[at].isdigit():
                return False
            at += 1 + 2 * int(fields[at])
    return at == len(fields)
