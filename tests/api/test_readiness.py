"""What `/readyz` says of a database that a newer build has not migrated yet."""

import psycopg

from models.db.engine import make_engine
from models.db.migrate import pending


def test_a_database_behind_its_build_is_named_with_the_migration_it_lacks(fresh_database_url: str) -> None:
    engine = make_engine(fresh_database_url, pool_size=1)
    assert not pending(engine)
    with psycopg.connect(fresh_database_url) as connection:
        (newest,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert newest in str(pending(engine))
    engine.dispose()
