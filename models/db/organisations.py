"""The organisations there are, for the processes that serve all of them."""

from sqlalchemy import Engine

from models.db.engine import ask


def all_org_ids(engine: Engine) -> list[str]:
    """Every organisation's id; nothing else of theirs is visible without acting as one of them."""
    return [row["id"] for row in ask(engine, "SELECT all_org_ids() AS id")]
