"""`arflow verify-evidence`: does an evidence packet prove what it says? Needs no database and no network."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from models.approvals.evidence import EvidenceUnreadable
from models.inbox.evidence import faults, read, what, whole


def verify_evidence(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The packet (PDF) or its JSON")],
    head: Annotated[str | None, typer.Option(help="The chain's head as the database or a seal has it (hex)")] = None,
) -> None:
    """Recompute the audit chain of a change's evidence and compare it with what the evidence says. 1 where it differs."""
    try:
        document = read(file.read_bytes())
    except EvidenceUnreadable as error:
        raise SystemExit(f"arflow: {file}: {error}") from None
    found = faults(document)
    if found:
        _breached(found)
    evidence = whole(document)
    chain = evidence.head
    assert chain is not None
    if head is not None and chain.hash != head.lower():
        _breached([f"the head is {chain.hash}, not {head.lower()}"])
    print(f"{what(evidence)}, {len(evidence.trail)} events, the chain is whole")
    if any(e.payload is None for e in evidence.trail):
        print("its contents were erased with the customer; who, when and which action remain")
    print(f"head {chain.seq} {chain.hash}")


def _breached(found: list[str]) -> NoReturn:
    print("\n".join(f"breach: {fault}" for fault in found))
    raise SystemExit(1)
