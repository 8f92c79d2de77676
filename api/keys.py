"""The `Idempotency-Key` of a write."""

import secrets
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from api.problems import invalid
from models.errors import FieldError

_LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An `Idempotency-Key`. `given`: by the caller; else made here, and answered for the case of a retry."""

    value: str
    given: bool


async def idempotency_key(request: Request) -> RequestKey:
    """The request's key, or a new one; the answer carries it either way. Raises `422` for an unusable one."""
    given = request.headers.getlist("idempotency-key")
    if len(given) > 1:
        detail = f"Idempotency-Key is sent {len(given)} times: say it once."
        raise invalid(FieldError("/header/Idempotency-Key", "FIELD_REPEATED", detail))
    value = given[0] if given else None
    key = RequestKey(f"idem_{secrets.token_hex(16)}", False) if value is None else RequestKey(value, True)
    if not 1 <= len(key.value) <= _LONGEST_KEY or not key.value.isprintable():
        detail = f"An idempotency key has 1 to {_LONGEST_KEY} printable characters."
        raise invalid(FieldError("/header/Idempotency-Key", "FIELD_LENGTH", detail))
    request.state.idempotency_key = key.value  # the middleware answers it
    return key
