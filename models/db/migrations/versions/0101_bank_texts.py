"""See migrations/sql/0101_bank_texts.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0101_bank_texts"
down_revision = "0111_external_id_claims"


def upgrade() -> None:
    run_sql("0101_bank_texts")
