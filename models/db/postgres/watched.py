"""Who watches what is sent to PostgreSQL: nobody, unless the process is traced."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

Watch = Callable[[Sequence[str]], AbstractContextManager[None]]
"""Given the texts of a round trip's statements, never their values; open for as long as it takes."""

watch: Watch | None = None
"""Set once, at the start of a process (tracing.py)."""
