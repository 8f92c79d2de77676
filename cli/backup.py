"""`arflow backup` and `arflow restore`: the embedded database, kept and brought back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from settings import Settings, get_settings
from stack.backup import back_up
from stack.backup import restore as bring_back
from stack.postgres import EmbeddedPostgres
from stack.process import StackError
from stack.runtime import database, owned


def backup(folder: Annotated[Path, typer.Argument(help="Where backups are kept; made where it is not there")]) -> None:
    """Take a backup of the embedded database while it works. From then on its log is kept there too, so that `arflow
    restore --to` can go back to any second since."""
    settings = _embedded()
    with database(settings) as url:
        made = back_up(EmbeddedPostgres.in_home(settings.home), url, folder)
    print(f"{made.folder}  whole, as of {made.ended_at:%Y-%m-%d %H:%M:%S.%f} UTC")


def restore(
    folder: Annotated[Path, typer.Argument(help="Where backups are kept")],
    to: Annotated[str | None, typer.Option(help="ISO 8601 time, UTC unless it says otherwise")] = None,
) -> None:
    """Bring the embedded database back to its newest backup, or to a time since the first. The stack must not run. What was
    there stays beside it. A backup that is not whole is refused, and nothing is changed."""
    settings = _embedded()
    with owned(settings.home, wait=0):
        base, before = bring_back(settings.home, folder, None if to is None else _moment(to))
    print(f"restored {base.folder.name}" + ("" if to is None else f" and its log up to {to}"))
    if before is not None:
        print(f"the database of before lies in {before}; remove it once you are content")
    print("start the stack: what is open goes on by itself, and runs of what is gone end with RECORD_GONE")


def _embedded() -> Settings:
    settings = get_settings()
    if settings.database_url is not None or settings.production:
        raise StackError("this is for the embedded database; for your own see docs/operations.md, Backup and restore")
    return settings


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise StackError(f"{text!r} is not a time such as 2026-11-28T14:03:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
