"""How values travel: what a process has learned to read, its next run does not learn again."""

import sys

from models.messages.commands import CommandInput
from workflows.conversion import DATA_CONVERTER, Payloads


def test_a_run_reads_its_input_without_learning_how_again() -> None:
    given = CommandInput("org_1", "cmd_1", "Apply")
    payloads = DATA_CONVERTER.payload_converter.to_payloads([given])
    Payloads().from_payloads(payloads, [CommandInput])
    of_the_next_run, calls = Payloads(), 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        read = of_the_next_run.from_payloads(payloads, [CommandInput])
    finally:
        sys.setprofile(None)
    assert read == [given]
    assert calls < 50, "making a reader takes hundreds of calls"
