"""The process that works through a bank statement: ids and counts only."""

from dataclasses import dataclass


@dataclass
class StatementInput:
    org_id: str
    statement_id: str
    actor: str = "process:ImportStatement"
    request_id: str = ""


@dataclass
class ChunkResult:
    """What the chunks so far came to. `more`: lines are left."""

    done: int
    total: int
    more: bool


@dataclass
class StatementResult:
    lines: int


def statement_workflow_id(statement_id: str) -> str:
    return f"{statement_id}/ImportStatement"
