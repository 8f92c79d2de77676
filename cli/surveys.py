"""`arflow nps`: the answers of a survey, from its program's export, into the 360 view by the API's own door."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import httpx2
import typer

from import_readers import Unreadable, open_rows
from models.customer_360.surveys import LeftOut, NoSurvey, SurveyAnswer, answer_of, columns_of
from models.imports.raw_rows import cells_of
from models.tls import client_context

PIECE: Final = 500
"""Records of one request."""


def nps(
    file: Annotated[Path, typer.Argument(help="A CSV with a score, a day, and an e-mail or the customer's own id.")],
    token: Annotated[str, typer.Option(envvar="ARFLOW_TOKEN", help="A token of the role ops.")],
    url: Annotated[str, typer.Option(help="Where the API is.")] = "http://127.0.0.1:8080",
) -> None:
    """Write the answers of an NPS survey into the 360 view; what cannot be placed is named, line by line."""
    said = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=url, headers=said, timeout=60, verify=client_context()) as http:
        try:
            written, left_out = take(http, file)
        except (NoSurvey, Unreadable, OSError, httpx2.HTTPError) as wrong:
            raise SystemExit(f"arflow: {wrong}") from None
    for one in left_out:
        typer.echo(f"line {one.line}: {one.why}", err=True)
    typer.echo(f"{written} answers written, {len(left_out)} rows left out")


def take(http: httpx2.Client, file: Path) -> tuple[int, list[LeftOut]]:
    """Write what can be placed; how many answers, and the rows that are left out. Again it changes nothing."""
    read = list(read_survey(file))
    left_out = [one for one in read if isinstance(one, LeftOut)]
    records: list[dict[str, object]] = []
    for answer in read:
        if isinstance(answer, LeftOut):
            continue
        customers = _customers(http, answer)
        if len(customers) != 1:
            why = "no customer has this e-mail or id" if not customers else "several customers have this e-mail"
            left_out.append(LeftOut(answer.line, why))
            continue
        records.append(
            {"external_id": answer.external_id, "customer_id": customers[0], "score": answer.score,
             "surveyed_at": answer.surveyed_at.isoformat()}
        )  # fmt: skip
    unique = list({str(r["external_id"]): r for r in records}.values())
    for start in range(0, len(unique), PIECE):
        http.put("/v1/sources/nps_responses", json={"records": unique[start : start + PIECE]}).raise_for_status()
    return len(unique), sorted(left_out, key=lambda one: one.line)


def read_survey(file: Path) -> Iterator[SurveyAnswer | LeftOut]:
    """The rows of the file. Raises Unreadable, NoSurvey."""

    def spool(_: Iterable[bytes]) -> Path:
        return file

    with file.open("rb") as content:
        layout, blocks = open_rows(iter(lambda: content.read(1 << 20), b""), "partner_feed", spool=spool)
        if layout.format == "object":
            raise NoSurvey("The file is JSON: write its records with PUT /v1/sources/nps_responses.")
        at = columns_of(layout.header)
        for block in blocks:
            for line, cells in zip(block.lines, cells_of(layout, block.raws), strict=True):
                yield answer_of(line, cells, at)


def _customers(http: httpx2.Client, answer: SurveyAnswer) -> Sequence[str]:
    if answer.customer:
        return [c["id"] for c in _found(http, {"external_id": answer.customer})]
    wanted = str(answer.email).casefold()
    found = _found(http, {"q": str(answer.email), "limit": "200"})
    return [c["id"] for c in found if wanted in (str(c["email"]).casefold(), str(c["billing_email"]).casefold())]


def _found(http: httpx2.Client, query: dict[str, str]) -> list[dict[str, str]]:
    response = http.get("/v1/customers", params=query)
    response.raise_for_status()
    items: list[dict[str, str]] = response.json()["items"]
    return items
