"""Whether a payment's invoices are in another currency follows from its currencies; the column that said it was never written."""

from alembic import op

revision = "0314_a_column_nobody_reads"
down_revision = "0298_imports_say_who_pays"


def upgrade() -> None:
    op.execute("ALTER TABLE payments DROP COLUMN currencies_differ")
