"""Looking into the folder of partner feeds."""

from pathlib import Path

from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary
from models.messages.imports import FeedFiles, ImportInput
from operations.imports import feed as import_feed


class FeedActivities:
    """Bound to the worker's engine and to the watched folder; None: nothing is watched."""

    def __init__(self, engine: Engine, home: Path | None) -> None:
        self._engine, self._home = engine, home

    @activity.defn(name="collect_feed", no_thread_cancel_exception=True)
    def collect(self) -> FeedFiles:
        """Keep every file that is ready as an import; answers them also where a crash came after the keeping."""
        if self._home is None:
            return FeedFiles()
        with boundary():
            found = import_feed.collect(self._engine, self._home)
        return FeedFiles([ImportInput(f.org_id, f.import_id, f.command_id) for f in found])

    @activity.defn(name="put_feed_away", no_thread_cancel_exception=True)
    def put_away(self, started: FeedFiles) -> None:
        """Move the files whose imports run."""
        if self._home is not None:
            with boundary():
                import_feed.put_away(self._engine, self._home, [f.import_id for f in started.imports])
