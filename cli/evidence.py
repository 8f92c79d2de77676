"""`arflow verify-evidence`: does an evidence packet prove what it says? Needs no database and no network."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from models.answers import JsonObject, read_row
from models.approvals.evidence import EvidenceUnreadable
from models.audit.seals import SEAL_FORMAT, STAMPED_FORMAT, StampedSealAnswer, signed_part, stamped_bytes
from models.audit.stamps import CertificatesUnreadable, StampingAuthorities
from models.inbox.evidence import faults, read, what, whole
from models.signing import KeyUnreadable, PublicKeys, SignatureAnswer


def verify_evidence(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The packet (PDF) or its JSON; or a seal")],
    head: Annotated[str | None, typer.Option(help="The chain's head as the database or a seal has it (hex)")] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, envvar="ARFLOW_SIGNING_PUBLIC_KEYS_FILE",
            help="The public keys (PEM) by one of which it has to be signed",
        ),
    ] = None,
    tsa_certificate: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, envvar="ARFLOW_TSA_CERTIFICATES_FILE",
            help="The certificates (PEM) that vouch for the authority whose time stamps are taken",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Recompute the audit chain of a change's evidence, compare it with what the evidence says, and look at its signature, at
    the seal that covers it and at that one's time stamp. 1 where it differs, or is not signed by a key that is given."""
    try:
        raw = file.read_bytes()
        document = _seal_in(raw) or read(raw)
        keys = None if public_key is None else PublicKeys.read(public_key.read_bytes())
        authorities = None if tsa_certificate is None else StampingAuthorities.read(tsa_certificate.read_bytes())
    except (EvidenceUnreadable, KeyUnreadable, CertificatesUnreadable) as error:
        raise SystemExit(f"arflow: {file}: {error}") from None
    if document.get("format") == STAMPED_FORMAT:
        _stamped(document, keys, authorities)
        return
    if document.get("format") == SEAL_FORMAT:
        print(f"seal of {document.get('org_id')} at {document.get('sealed_at')}, {document.get('heads')} chains")
        print(f"root {document.get('root')}")
    else:
        _trail(document, head, keys, authorities)
    _signature(document, keys)


def _stamped(document: JsonObject, keys: PublicKeys | None, authorities: StampingAuthorities | None) -> None:
    """A seal that stands by itself."""
    try:
        seal = read_row(StampedSealAnswer, document)
    except ValueError:
        _breached(["the seal is incomplete"])
    print(f"seal of {seal.org_id} at {seal.sealed_at.isoformat()}, {seal.heads} chains")
    print(f"root {seal.root}")
    _stamp(seal, keys, authorities)
    _signature({**signed_part(seal), "signature": document.get("signature")}, keys)


def _stamp(seal: StampedSealAnswer, keys: PublicKeys | None, authorities: StampingAuthorities | None) -> None:
    """Since when the seal has been there, by the word of a third party."""
    if keys is not None and seal.signature is not None and (fault := keys.fault(signed_part(seal), seal.signature)):
        _breached([f"the seal: {fault}"])
    if seal.stamp is None:
        print("the seal has no time stamp")
    elif authorities is None:
        print(
            f"stamped at {seal.stamp.stamped_at.isoformat()}: NOT LOOKED AT, no certificate was given (--tsa-certificate)"
        )
    elif fault := authorities.fault(stamped_bytes(seal), seal.stamp):
        _breached([f"the time stamp of the seal: {fault}"])
    else:
        print(f"stamped at {seal.stamp.stamped_at.isoformat()} by an authority that the certificates vouch for")


def _trail(
    document: JsonObject, head: str | None, keys: PublicKeys | None, authorities: StampingAuthorities | None
) -> None:
    """What holds of itself: the chain, and that the record says what it says; and since when."""
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
    if evidence.sealed is not None:
        sealed = evidence.sealed
        print(f"sealed up to event {sealed.seq} at {sealed.seal.sealed_at.isoformat()}, root {sealed.seal.root}")
        _stamp(sealed.seal, keys, authorities)


def _signature(document: JsonObject, keys: PublicKeys | None) -> None:
    """Whose it is: a chain that is whole may be anybody's."""
    given = document.get("signature")
    try:
        signature = read_row(SignatureAnswer, given) if isinstance(given, Mapping) else None
    except ValueError:
        _breached(["the signature is none"])
    if keys is not None:
        if fault := keys.fault(document, signature):
            _breached([fault])
        assert signature is not None
        print(f"signed by {signature.key_id}")
    elif signature is not None:
        print(f"signed by {signature.key_id}: NOT LOOKED AT, no public key was given (--public-key)")
    else:
        print("not signed: whose it is shows by its head, in the database or a seal (--head)")


def _seal_in(raw: bytes) -> JsonObject | None:
    """The seal that the file is, if it is one."""
    try:
        document = json.loads(raw)
    except ValueError:
        return None
    return document if isinstance(document, dict) and document.get("format") in (SEAL_FORMAT, STAMPED_FORMAT) else None


def _breached(found: list[str]) -> NoReturn:
    print("\n".join(f"breach: {fault}" for fault in found))
    raise SystemExit(1)
