"""Rows on their way into staging: by COPY, as the loader role, which may insert there and do nothing else."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from psycopg import Cursor
from psycopg.rows import TupleRow

from models.customers.records import ID_PREFIXES
from models.db.engine import APP_ROLE
from models.db.tx import Tx, to_json
from models.ids import new_id
from models.imports.checked import Checked, Related

LOADER_ROLE: Final = "arflow_loader"
_LINE_COLUMNS: Final = "import_id, row_no, line, org_id, raw"
_NULL: Final = "\x07"
"""What stands for no value in COPY's text: a character that no text of a row may hold."""
_TOGETHER: Final = 500
"""Rows handed to the driver at once: a call for each would cost as much as all that it is told."""
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
ROW_COLUMNS: Final = (
    "import_id", "row_no", "org_id", "ok", "customer_id", "legal_entity_id", "external_id", "name", "email", "name_key",
    "email_key", "tax_id", "tax_id_key", "phone", "website", "billing_email", "notes", "customer_type", "credit_limit",
    "payment_terms", "currency_code", "tax_code", "revenue_account", "metadata", "related", "errors", "warnings",
)  # fmt: skip


def copy_lines(tx: Tx, import_id: str, blocks: Iterable[tuple[int, Sequence[int], Sequence[str]]]) -> None:
    """Stream rows of the file into staging, within this transaction: blocks of (first row number, lines, raw texts).

    Written as COPY's text a block at a time, because a call per row would cost more than PostgreSQL's own work.
    """
    before, between = f"{import_id}\t", f"\t{tx.org_id}\t"
    with _loading(tx) as cursor, cursor.copy(f"COPY import_line_data ({_LINE_COLUMNS}) FROM STDIN") as copy:
        for first, lines, raws in blocks:
            joined = "".join(raws)
            if "\\" in joined or "\t" in joined or "\n" in joined or "\r" in joined:
                raws = [raw.translate(_ESCAPES) for raw in raws]
            numbers = range(first, first + len(raws))
            rows = zip(numbers, lines, raws, strict=True)
            copy.write("".join([f"{before}{n}\t{line}{between}{raw}\n" for n, line, raw in rows]))


def copy_checked(tx: Tx, import_id: str, rows: Iterable[tuple[int, Checked]]) -> None:
    """Stream judged rows, by their numbers, into staging, within this transaction."""
    into = f"COPY import_row_data ({', '.join(ROW_COLUMNS)}) FROM STDIN WITH (NULL '{_NULL}')"
    with _loading(tx) as cursor, cursor.copy(into) as copy:
        waiting: list[str] = []
        for row_no, row in rows:
            waiting.append(_line(_columns(import_id, row_no, tx.org_id, row)))
            if len(waiting) == _TOGETHER:
                copy.write("".join(waiting))
                waiting.clear()
        copy.write("".join(waiting))


def _line(columns: Sequence[str]) -> str:
    """A row in COPY's text."""
    line = "\t".join(columns)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(columns):
        line = "\t".join([column.translate(_ESCAPES) for column in columns])
    return line + "\n"


def _columns(import_id: str, row_no: int, org_id: str, row: Checked) -> tuple[str, ...]:
    """In the order of ROW_COLUMNS."""
    if row.faults:
        return import_id, str(row_no), org_id, "f", *(_NULL,) * 21, to_json(row.faults), _NULL
    v, no = row.values.get, _NULL
    name_key, email_key, tax_key = row.keys
    return (
        import_id, str(row_no), org_id, "t", new_id("cust"), v("legal_entity_id", no), v("external_id", no), v("name", no),
        v("email", no), name_key or "", email_key or "", v("tax_id", no), no if tax_key is None else tax_key,
        v("phone", no), v("website", no), v("billing_email", no), v("notes", no), v("customer_type", no),
        no if row.credit_limit is None else str(row.credit_limit),
        v("payment_terms", no), v("currency_code", no), v("tax_code", no), v("revenue_account", no), v("metadata", no),
        _related(row.related) if row.related else no, no, f"{{{','.join(row.warnings)}}}" if row.warnings else no,
    )  # fmt: skip


def _related(related: Related) -> str:
    """The related records, each with the id that it will have."""
    for name, items in related.lists.items():
        related.lists[name] = [{"id": new_id(ID_PREFIXES[name]), **one} for one in items]
    return to_json(related.as_json())


@contextmanager
def _loading(tx: Tx) -> "Iterator[Cursor[TupleRow]]":
    """The driver's cursor, acting as the loader."""
    with tx.connection().cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {LOADER_ROLE}")
        yield cursor
        cursor.execute(f"SET LOCAL ROLE {APP_ROLE}")


@dataclass(frozen=True, slots=True)
class Line:
    """A staged row as it stood in the file."""

    row_no: int
    raw: str


def lines_between(tx: Tx, import_id: str, after: int, upto: int) -> list[Line]:
    """The staged rows of a range, in order."""
    rows = tx.all(
        "SELECT row_no, raw FROM import_lines WHERE import_id = :id AND row_no > :after AND row_no <= :upto ORDER BY row_no",
        id=import_id,
        after=after,
        upto=upto,
    )
    return [Line(row["row_no"], row["raw"]) for row in rows]
