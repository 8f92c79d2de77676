"""Alembic's entry: runs online with a lock timeout, so that nobody queues behind a migration that queues behind a long reader:
after less than a second it lets everybody through, and is tried again (`until_unlocked`)."""

from alembic import context
from sqlalchemy import create_engine, text

from models.db.postgres.connection import REACHED_SOON

url = context.config.get_main_option("sqlalchemy.url")
engine = create_engine(url, connect_args=REACHED_SOON)  # type: ignore[arg-type]  # the address: set by migrate.config
with engine.connect() as connection:
    connection.execute(text("SET lock_timeout = '900ms'"))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
