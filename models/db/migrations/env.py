"""Alembic's entry: runs online with a lock timeout, so that nobody queues behind a migration that queues behind a long reader:
after less than a second it lets everybody through, and is tried again (`until_unlocked`)."""

from alembic import context
from sqlalchemy import create_engine, text

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))  # type: ignore[arg-type]  # set by migrate.config
with engine.connect() as connection:
    connection.execute(text("SET lock_timeout = '900ms'"))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
