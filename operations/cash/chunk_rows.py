"""The rows of a chunk of bank lines, gathered and written together: as many statements as one payment takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from models.cash.bank_texts import references_in
from models.cash.matching import Suggestion
from models.cash.records import ApplicationSession, Payment, PaymentApplication
from models.cash.statement_records import BankStatementLine, LineOutcome, LineStatus
from models.db.cash import payments, statements
from models.db.cash.payments import BalanceChange
from models.empty import EMPTY
from models.facts import Facts
from operations.cash.payments import CLERKS_TIME
from operations.work import Work

POSSIBLE_DUPLICATE: Final = "POSSIBLE_DUPLICATE"


@dataclass
class ChunkRows:
    """What a chunk has decided, waiting to be written."""

    work: Work
    legal_entity_id: str
    payments: dict[str, Payment] = field(default_factory=dict)
    sessions: list[ApplicationSession] = field(default_factory=list)
    applications: list[PaymentApplication] = field(default_factory=list)
    balances: dict[str, BalanceChange] = field(default_factory=dict)
    outcomes: list[LineOutcome] = field(default_factory=list)

    def settle(
        self, x: BankStatementLine, status: LineStatus, payment_id: str | None = None, reason: str | None = None,
        suggestions: tuple[Suggestion, ...] = (), possible_payments: Sequence[str] = (),
        waiting_for: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        """Say what becomes of a line."""
        self.outcomes.append(
            LineOutcome(
                statement_id=x.statement_id,
                line=x.line,
                status=status,
                reason_code=reason,
                payment_id=payment_id,
                suggestions=suggestions,
                possible_payments=possible_payments,
                waiting_for=waiting_for,
            )
        )

    def fail(self, x: BankStatementLine, code: str) -> None:
        """Leave a line that cannot be recorded to a person."""
        self.settle(x, LineStatus.FAILED, reason=code)
        self.ask_a_person(x, code, x.external_id)

    def wait(self, x: BankStatementLine, payment_ids: Sequence[str]) -> None:
        """Leave a line that looks like these payments to a person, who links it or says that it is another."""
        self.settle(x, LineStatus.POSSIBLE_DUPLICATE, reason=POSSIBLE_DUPLICATE, possible_payments=payment_ids)
        self.ask_a_person(x, POSSIBLE_DUPLICATE, x.external_id, {"payments": list(payment_ids)})

    def ask_a_person(self, x: BankStatementLine, reason: str, subject: str, more: Facts = EMPTY) -> None:
        """Open the clerk's exception about a line."""
        self.work.open_exception(
            "unmatched_payment", reason, subject, owner_role="ar_clerk", due_in=CLERKS_TIME,
            legal_entity_id=self.legal_entity_id,
            detail={"statement_id": x.statement_id, "line": x.line, "references": references_in(x.texts), **more},
        )  # fmt: skip

    def write(self) -> None:
        """Write everything that was gathered."""
        tx = self.work.tx
        tx.insert("payments", list(self.payments.values()))
        tx.insert("application_sessions", self.sessions)
        tx.insert("payment_applications", self.applications)
        payments.move_balances(tx, [self.balances[i] for i in sorted(self.balances)])
        statements.settle_lines(tx, self.outcomes)
