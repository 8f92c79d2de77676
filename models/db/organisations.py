"""The organisations there are, for the processes that serve all of them."""

from sqlalchemy import Engine, text


def all_org_ids(engine: Engine) -> list[str]:
    """Every organisation's id; nothing else of theirs is visible without acting as one of them."""
    with engine.connect() as conn:
        return list(conn.execute(text("SELECT all_org_ids()")).scalars())
