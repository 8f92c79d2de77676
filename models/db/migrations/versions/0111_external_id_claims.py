"""See migrations/sql/0111_external_id_claims.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0111_external_id_claims"
down_revision = "0056_whose_key"


def upgrade() -> None:
    run_sql("0111_external_id_claims")
