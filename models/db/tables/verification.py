"""Tables that `arflow verify` compares in; their rows are never committed."""

from sqlalchemy import BigInteger, Column, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

from models.db.tables.metadata import Moment, index, metadata


def _scratch(name: str, *more: SchemaItem) -> Table:
    """A table that nothing has to outlive: unlogged, without a key."""
    return Table(name, metadata, Column("org_id", Text, nullable=False), *more, prefixes=["UNLOGGED"])


verify_marks = _scratch(
    "verify_marks",
    Column("entry_id", Text),
    Column("digest", Text),
    Column("subject_id", Text),
    Column("seq", BigInteger),
    Column("at", Moment),
    index("verify_marks_entry_id_idx", "entry_id"),
)

verify_facts = _scratch(
    "verify_facts",
    Column("noun", Text),
    Column("id", Text),
    Column("facts", JSONB),
    index("verify_facts_id_idx", "id"),
)

verify_erased = _scratch(
    "verify_erased",
    Column("subject_id", Text),
    Column("seq", BigInteger),
)

verify_erasures = _scratch(
    "verify_erasures",
    Column("subject_id", Text),
    Column("seq", BigInteger),
    index("verify_erasures_subject_id_idx", "subject_id"),
)

verify_seals = _scratch(
    "verify_seals",
    Column("sealed_at", Moment),
    Column("heads", BigInteger),
    Column("root", Text),
    Column("stored", BigInteger),
    Column("stored_root", Text),
    Column("seq", BigInteger),
)

verify_entries = _scratch(
    "verify_entries",
    Column("id", Text),
    Column("source_id", Text),
    Column("digest", Text),
    Column("created_at", Moment),
    index("verify_entries_id_idx", "id"),
)
