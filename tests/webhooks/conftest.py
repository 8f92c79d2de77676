"""An organisation per module, and a receiver per test."""

from collections.abc import Iterator

import pytest

from tests.api.conftest import office, other
from tests.webhooks.receiver import Receiver, receiver

__all__ = ["office", "other"]


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as r:
        yield r
