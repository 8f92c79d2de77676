"""Which builds the schema serves: written by `arflow migrate`, read by a build that is behind it."""

from models.db.migrations.run_sql import run_sql

revision = "0262_builds_served"
down_revision = "0261_kinds_for_the_sweep"
made = "2026-11-28"
functions = "358c833c4e8c"


def upgrade() -> None:
    run_sql("0262_builds_served")
