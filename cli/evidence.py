"""`arflow verify-evidence`: does an evidence packet prove what it says? Needs no database and no network."""

from pathlib import Path
from typing import Annotated

import typer

from models.customers.evidence import EvidenceUnreadable, faults, read


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
    if head is not None and not found and document["head"]["hash"] != head.lower():
        found = [f"the head is {document['head']['hash']}, not {head.lower()}"]
    if found:
        print("\n".join(f"breach: {fault}" for fault in found))
        raise SystemExit(1)
    change, erased = document["change"], any(e["payload"] is None for e in document["trail"])
    print(
        f"{change['id']}: {change['operation']} {change['status']}, {len(document['trail'])} events, the chain is whole"
    )
    if erased:
        print("its contents were erased with the customer; who, when and which action remain")
    print(f"head {document['head']['seq']} {document['head']['hash']}")
