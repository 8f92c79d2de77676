"""How much may be on its way into this process at a time: files lie on its disk until they are stored."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fastapi import Request

from models.errors import Refusal

SPARE: Final = 256 * 1024 * 1024
"""Bytes of the disk that stay free."""
AGAIN_SECONDS: Final = 30


def announced(request: Request, limit: int) -> int:
    """How many bytes of an upload are to come; as many as there may be, where that is not said or not believed."""
    said = request.headers.get("content-length", "")
    return min(int(said[:20]), limit) if said.isdecimal() else limit


class Uploads:
    """The bytes of uploads that are under way, as announced or, where nothing is, as many as there may be."""

    def __init__(self, most: int) -> None:
        self._most, self._under_way = most, 0

    @contextmanager
    def one(self, size: int) -> Iterator[None]:
        """Room for an upload of so many bytes. Refusal UNAVAILABLE, with the time to ask again, where there is none."""
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if self._under_way + size > self._most or self._under_way + size + SPARE > free:
            detail = (
                "Too much is being uploaded at the moment; send the file again later, with the same Idempotency-Key."
            )
            raise Refusal("UNAVAILABLE", detail, retry_after=AGAIN_SECONDS)
        self._under_way += size
        try:
            yield
        finally:
            self._under_way -= size
