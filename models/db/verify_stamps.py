"""The time stamps of seals, looked at with the authority's certificates: who rewrites the database and has its signing key
besides cannot have it stamped as of yesterday."""

from datetime import UTC, datetime, timedelta
from typing import Final

from models.answers import JsonObject, read_row
from models.audit.seals import StampAnswer, StampedSealAnswer, seal_answer, stamped_bytes
from models.audit.stamps import StampingAuthorities
from models.verification import Finding

LATE: Final = timedelta(days=1)
MISSING_AFTER: Final = timedelta(days=3)


class SealStamps:
    """What the trail says of the seals' stamps, as it is read: each seal before its stamp."""

    def __init__(self, trusted: StampingAuthorities | None) -> None:
        self._trusted, self._found = trusted, Finding("stamps of seals")
        self._waiting = dict[datetime, StampedSealAnswer]()
        self._stamped, self._late, self._before = 0, 0, 0

    def take_seal(self, org_id: str, said: JsonObject) -> None:
        """One seal as the trail names it."""
        if self._trusted is not None and (seal := seal_answer(org_id, said)) is not None:
            self._waiting[seal.sealed_at] = seal

    def take_stamp(self, said: JsonObject) -> None:
        """One stamp as the trail keeps it."""
        if self._trusted is None:
            return
        sealed_at = datetime.fromisoformat(str(said["sealed_at"]))
        seal = self._waiting.pop(sealed_at, None)
        if seal is None:
            self._found.breach(f"seal of {sealed_at.isoformat()}: it is stamped, but no seal of then is named before")
            return
        stamp = read_row(StampAnswer, said)
        if fault := self._trusted.fault(stamped_bytes(seal), stamp):
            self._found.breach(f"seal of {sealed_at.isoformat()}: {fault}")
            return
        if not self._stamped:  # what came before the first stamp was never to be stamped
            later = {at: one for at, one in self._waiting.items() if at > sealed_at}
            self._before, self._waiting = len(self._waiting) - len(later), later
        self._stamped += 1
        self._late += stamp.stamped_at - sealed_at > LATE

    def finding(self, now: datetime | None = None) -> Finding | None:
        """What came of it; None where no certificate was given."""
        if self._trusted is None:
            return None
        parts = [f"{self._stamped} stamped"] + [
            f"{number} {what}"
            for number, what in (
                (self._late, "of them more than a day after the seal"),
                (len(self._waiting), "not stamped"),
                (self._before, "of before"),
            )
            if number
        ]
        self._found.what = ", ".join(parts)
        long_ago = (now or datetime.now(UTC)) - MISSING_AFTER
        if self._stamped:
            self._found.waiting = [
                f"the seal of {at.isoformat()} has no stamp" for at in self._waiting if at < long_ago
            ]
        return self._found
