"""See migrations/sql/0030_customer_360.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0030_customer_360"
down_revision = "0013_customers"


def upgrade() -> None:
    run_sql("0030_customer_360")
