"""Tables that `arflow verify` compares in; their rows are never committed."""

from sqlalchemy import BigInteger, Column, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from models.db.tables.metadata import Moment, index, metadata

verify_marks = Table(
    "verify_marks",
    metadata,
    Column("org_id", Text, nullable=False),
    Column("entry_id", Text),
    Column("digest", Text),
    Column("subject_id", Text),
    Column("seq", BigInteger),
    Column("at", Moment),
    index("verify_marks_entry_id_idx", "entry_id"),
    prefixes=["UNLOGGED"],
)

verify_facts = Table(
    "verify_facts",
    metadata,
    Column("org_id", Text, nullable=False),
    Column("noun", Text),
    Column("id", Text),
    Column("facts", JSONB),
    index("verify_facts_id_idx", "id"),
    prefixes=["UNLOGGED"],
)

verify_erased = Table(
    "verify_erased",
    metadata,
    Column("org_id", Text, nullable=False),
    Column("subject_id", Text),
    Column("seq", BigInteger),
    prefixes=["UNLOGGED"],
)

verify_erasures = Table(
    "verify_erasures",
    metadata,
    Column("org_id", Text, nullable=False),
    Column("subject_id", Text),
    Column("seq", BigInteger),
    index("verify_erasures_subject_id_idx", "subject_id"),
    prefixes=["UNLOGGED"],
)

verify_seals = Table(
    "verify_seals",
    metadata,
    Column("org_id", Text, nullable=False),
    Column("sealed_at", Moment),
    Column("heads", BigInteger),
    Column("root", Text),
    Column("stored", BigInteger),
    Column("stored_root", Text),
    Column("seq", BigInteger),
    prefixes=["UNLOGGED"],
)

verify_entries = Table(
    "verify_entries",
    metadata,
    Column("org_id", Text, nullable=False),
    Column("id", Text),
    Column("source_id", Text),
    Column("digest", Text),
    Column("created_at", Moment),
    index("verify_entries_id_idx", "id"),
    prefixes=["UNLOGGED"],
)
