"""Alembic's entry: runs online with a lock timeout, so that a migration never queues behind a long reader for ever."""

from alembic import context
from sqlalchemy import create_engine, text

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))  # type: ignore[arg-type]  # set by migrate.config
with engine.connect() as connection:
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
