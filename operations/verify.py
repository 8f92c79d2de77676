"""Proving the books of an organisation from the database alone: the trail, the ledger, and that they agree."""

from collections.abc import Iterator

from sqlalchemy import Engine

from models.audit.stamps import StampingAuthorities
from models.db import verify_seals, verify_trail
from models.db.cash import verify_credit_notes, verify_deductions, verify_invoices, verify_ledger
from models.db.engine import transaction
from models.db.stuck import reported
from models.db.tx import Tx
from models.signing import PublicKeys
from models.verification import Finding


def verify(
    engine: Engine, org_id: str, keys: PublicKeys | None = None, authorities: StampingAuthorities | None = None
) -> Iterator[Finding]:
    """Every check of one organisation, on one snapshot, in constant memory; postings go on meanwhile. `keys`, `authorities`:
    whose signatures and stamps of seals are taken; without any they are not looked at."""
    with transaction(engine, org_id, snapshot=True, rehearsal=True) as tx:
        yield from checks(tx, keys, authorities)


def checks(tx: Tx, keys: PublicKeys | None = None, authorities: StampingAuthorities | None = None) -> Iterator[Finding]:
    """The checks in their order: those of the ledger go by what reading the trail has gathered."""
    trail = verify_trail.Trail(tx, keys, authorities)
    yield verify_trail.check_chains(tx, trail)
    yield verify_seals.check_seals(tx)
    if (signatures := trail.signatures.finding()) is not None:
        yield signatures
    if (stamps := trail.stamps.finding()) is not None:
        yield stamps
    yield verify_ledger.check_entries(tx)
    yield verify_trail.check_records(tx)
    yield verify_ledger.check_payments(tx)
    yield verify_invoices.check_invoices(tx)
    yield verify_credit_notes.check_credit_notes(tx)
    yield verify_deductions.check_deductions(tx)
    yield from verify_ledger.check_control_accounts(tx)
    yield from verify_trail.check_coverage(tx)
    yield _open_work(tx)


def _open_work(tx: Tx) -> Finding:
    """What stands still is named; the books are right all the same."""
    found = [f"{s.subject_id} {s.reason_code} {s.where} since {s.since:%Y-%m-%d %H:%M} UTC" for s in reported(tx)]
    return Finding("open work", f"{len(found)} stand still" if found else "nothing stands still", waiting=found)
