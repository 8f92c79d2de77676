"""Structured logs on stderr, one JSON object a line, without personal data.

Our own code logs through structlog; uvicorn, Temporal and the rest log through the standard library and come out the
same way. Tracebacks name files, lines and types. The messages of database, validation and mail errors are left out,
because they repeat the values of the row or field, or the address, and so are local variables.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from settings import Settings

_TELLTALE: Final = ("sqlalchemy", "psycopg", "pydantic", "pydantic_core", "smtplib")
_MAX_MESSAGE: Final = 500  # characters
_MAX_FRAMES: Final = 30
_MAX_CHAIN: Final = 5


def configure_logs(settings: Settings) -> None:
    """Send everything that this process logs to stderr, in the configured format and from the configured level on."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        exceptions_without_values,
    ]
    console = settings.log_format == "console"
    renderer: Processor = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(default=str)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Stderr(),
        cache_logger_on_first_use=True,
    )
    handler = _Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if not isinstance(other, _Handler)] + [handler]
    root.setLevel(max(level, logging.INFO))  # what others debug is not ours to know
    for chatty in ("httpx2", "uvicorn.access", "alembic", "mcp"):  # URLs, and what they are just doing
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _Stderr:
    """Writes each line to whatever stderr is at that moment: loggers are cached and outlive a redirected stream."""

    def msg(self, line: str) -> None:
        _say(line)

    debug = info = warning = error = critical = msg


def _say(line: str) -> None:
    """Where stderr takes nothing (its disk is full, its reader is gone) the line is lost, and never what was being done."""
    with suppress(OSError):
        sys.stderr.write(line + "\n")


class _Handler(logging.Handler):
    """The same for the standard library's logging. Configuring again replaces this handler and no other."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _say(self.format(record))
        except Exception:
            self.handleError(record)


def exceptions_without_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by the chain of exceptions: type, message where it is harmless, frames."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        event["exception"] = [_described(link) for link in _chain(error)]
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(_MAX_CHAIN):
        if link is None:
            return
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _described(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    described: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
    if kind.__module__.split(".")[0] in _TELLTALE:
        described |= _database_facts(error)
    else:
        described["message"] = str(error)[:_MAX_MESSAGE]
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    described["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return described


def _database_facts(error: BaseException) -> dict[str, Any]:
    """What PostgreSQL says that names no values: the SQLSTATE and the constraint."""
    original = getattr(error, "orig", error)
    diagnosis = getattr(original, "diag", None)
    facts = {"sqlstate": getattr(original, "sqlstate", None), "constraint": getattr(diagnosis, "constraint_name", None)}
    return {name: value for name, value in facts.items() if value is not None}
