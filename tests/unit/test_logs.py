"""What is logged never stands in the way of what is done."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import structlog

from logs import configure_logs
from settings import Settings


@contextmanager
def logging_to_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every line finds no room."""
    root = logging.getLogger()
    before, level, configured = root.handlers, root.level, structlog.get_config()
    nowhere = Path("/dev/full").open("w", buffering=1)  # noqa: SIM115 - closing it fails
    monkeypatch.setattr(sys, "stderr", nowhere)
    configure_logs(Settings(log_level="INFO"))
    try:
        yield
    finally:
        monkeypatch.undo()
        root.handlers, root.level = before, level
        structlog.configure(**configured)
        with suppress(OSError):
            nowhere.close()


def test_a_log_whose_disk_is_full_costs_the_line_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with logging_to_a_full_disk(monkeypatch):
        for _ in range(2000):  # more than any buffer holds
            structlog.get_logger("arflow").info("request", route="/v1/invoices")
            logging.getLogger("uvicorn.error").warning("as others do")
