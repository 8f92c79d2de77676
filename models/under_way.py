"""What is answered while a write's process goes on."""

from typing import Literal

from models.answers import answer


@answer
class UnderWayAnswer:
    """The process has not ended after five seconds, and goes on. `id`: the record that was written to, or is to be made.
    Ask `operation` for its end, or repeat the request with its Idempotency-Key."""

    status: Literal["running"]
    id: str
    workflow_id: str
    operation: str
