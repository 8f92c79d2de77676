"""How long what an import leaves behind is kept. See docs/imports.md, "How long things are kept"."""

from datetime import datetime, timedelta
from typing import Final

ABANDONED: Final = timedelta(days=1)
"""Pieces of a file whose upload never became an import."""
WITHOUT_EFFECT: Final = timedelta(days=30)
"""Rows of an import that changed no customer: nobody's books rest on them, and they hold people's data."""
WITH_EFFECT: Final = timedelta(days=400)
"""Rows of an import that did: through the close of the year they fell into, and its audit."""


def rows_kept_until(ended_at: datetime, changed: int) -> datetime:
    """When the rows of an import that has ended lose their texts; `changed`: customers created and updated."""
    return ended_at + (WITH_EFFECT if changed else WITHOUT_EFFECT)
