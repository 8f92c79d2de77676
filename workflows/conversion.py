"""How values and failures travel between our processes and Temporal."""

from typing import Final

import structlog
from temporalio import workflow
from temporalio.api.enums.v1 import ApplicationErrorCategory
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter, DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.exceptions import ApplicationErrorCategory as Category

log = structlog.get_logger("arflow.temporal")


class Failures(DefaultFailureConverter):
    """A refusal is the answer to a request, not a fault of the code: it travels without a stack trace. What an update is
    answered names nothing of the code's either, whatever was sent."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        answers = workflow.in_workflow() and workflow.current_update_info() is not None
        if answers and not isinstance(exception, FailureError):  # the SDK could not read it; ours are all of that kind
            log.info("an update cannot be read", error=type(exception).__name__)
            exception = _not_read()
        super().to_failure(exception, payload_converter, failure)
        part: Failure | None = failure
        while part is not None:
            info = part.application_failure_info
            if answers or info.category == ApplicationErrorCategory.APPLICATION_ERROR_CATEGORY_BENIGN:
                failure.stack_trace = part.stack_trace = ""
            part = part.cause if part.HasField("cause") else None


def _not_read() -> ApplicationError:
    said = "VALIDATION_FAILED: The process has no such update, or takes something else with it: see docs/customers.md."
    return ApplicationError(said, type="VALIDATION_FAILED", non_retryable=True, category=Category.BENIGN)


class Payloads(CompositePayloadConverter):
    """As the SDK's for pydantic. That is made anew for each run of a process, and would learn to read its input and results
    anew each time, which takes longer than reading them: what it has learned is kept here."""

    _kept: Final = PydanticPayloadConverter().converters.values()

    def __init__(self) -> None:
        super().__init__(*self._kept)


DATA_CONVERTER: Final = DataConverter(payload_converter_class=Payloads, failure_converter_class=Failures)
"""How values and failures travel, for every client and worker."""
