"""`arflow verify`: the proof of the books, a line per check."""

from typing import Annotated, Final

import typer

from models.audit.stamps import StampingAuthorities
from models.db.engine import make_engine, verifying_role
from models.db.organisations import all_org_ids
from models.signing import PublicKeys
from models.verification import Finding
from operations.verify import verify as verify_books
from settings import get_settings
from stack.process import StackError
from stack.runtime import books

STATEMENT_SECONDS: Final = 6 * 3600
"""Reading a large organisation's books once may take long, and nobody waits for a lock of it."""


def verify(
    org: Annotated[str | None, typer.Option("--org", help="Only this organisation")] = None,
) -> None:
    """Recompute the audit chains and the ledger's invariants of every organisation; exit 1 on any breach."""
    settings = get_settings()
    keys = None if settings.public_keys is None else PublicKeys.of_file(settings.public_keys)
    certificates = settings.tsa_certificates_file
    authorities = None if certificates is None else StampingAuthorities.of_file(certificates)
    with books(settings) as url:
        engine = make_engine(url, pool_size=1, role=verifying_role(url), statement_seconds=STATEMENT_SECONDS)
        try:
            known = all_org_ids(engine)
            if org is not None and org not in known:
                raise StackError(f"there is no organisation {org}")
            broken = 0
            for org_id in known if org is None else [org]:
                for found in verify_books(engine, org_id, keys, authorities):
                    _say(org_id, found)
                    broken += not found.ok
        finally:
            engine.dispose()
    if broken:
        raise typer.Exit(1)


def _say(org_id: str, found: Finding) -> None:
    line = f"{org_id}  {'ok    ' if found.ok else 'BREACH'}  {found.check:<20}  {found.what}"
    print(line.rstrip(), flush=True)
    for text in found.breaches:
        print(f"{org_id}          {text}")
    for text in found.waiting:
        print(f"{org_id}          stands still: {text}")
    if found.unnamed:
        print(f"{org_id}          and {found.unnamed} more")
