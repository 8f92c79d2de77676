"""The evidence packet as a document for decades: what PDF/A-3 asks of the file, and a packet for every end of a change."""

import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from models.customers.evidence import evidence_in
from models.errors import Refusal
from models.inbox.evidence import faults, read
from operations.approvals import packets as evidence
from tests.customers.desk import Desk, ok

Objects = dict[int, tuple[bytes, bytes]]
"""Number → (dictionary, stream) of each object; the packets keep none in compressed object streams."""


def packet(desk: Desk, change: str) -> bytes:
    url = f"/v1/customer-changes/{change}/evidence"
    answer = desk("u_auditor").get(url, headers={"Accept": "application/pdf"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), answer.text[:300]
    return answer.content


def objects(pdf: bytes) -> Objects:
    found: Objects = {}
    for number, body in re.findall(rb"(?:^|\n)(\d+) 0 obj(.*?)endobj", pdf, re.S):
        says, _, rest = body.partition(b"stream")
        stream = rest.lstrip(b"\r\n")
        if length := re.search(rb"/Length (\d+)", says):
            stream = stream[: int(length[1])]
        found[int(number)] = (says, zlib.decompress(stream) if b"/FlateDecode" in says else stream)
    return found


def holding(found: Objects, *words: bytes) -> Iterator[tuple[bytes, bytes]]:
    for says, stream in found.values():
        if all(word in says for word in words):
            yield says, stream


def reference(says: bytes, key: bytes) -> int:
    match = re.search(rb"/%s[\s\[]*(\d+) 0 R" % key, says)
    assert match, (key, says)
    return int(match[1])


@pytest.fixture(scope="module")
def pdf(desk: Desk) -> bytes:
    change = desk.submit(name="Société Générale 株式会社", notes="straße", credit_limit=2_000_000)
    desk.approve(change)
    return packet(desk, change["change_id"])


def test_the_metadata_claims_part_3_and_a_level(pdf: bytes) -> None:
    ((catalog, _),) = holding(objects(pdf), b"/Type/Catalog")
    says, xmp = objects(pdf)[reference(catalog, b"Metadata")]
    assert b"/Filter" not in says  # to be read without a decoder
    assert re.search(rb"pdfaid:part[>=\"\s]+3", xmp)
    assert re.search(rb"pdfaid:conformance[>=\"\s]+[BUA]", xmp)


def test_colours_are_defined_by_a_profile_inside(pdf: bytes) -> None:
    (intent,) = holding(objects(pdf), b"/OutputIntent", b"/GTS_PDFA1")
    _, profile = objects(pdf)[reference(intent[0], b"DestOutputProfile")]
    assert profile[36:40] == b"acsp"  # an ICC profile
    assert profile[16:20] == b"RGB "
    assert b"/DeviceCMYK" not in b"".join(says for says, _ in objects(pdf).values())


def test_every_font_is_inside(pdf: bytes) -> None:
    found = objects(pdf)
    fonts = list(holding(found, b"/Type/Font/"))
    assert len(fonts) >= 4
    for says, _ in fonts:
        if b"/Subtype/Type0" in says:
            says = found[reference(says, b"DescendantFonts")][0]
        descriptor, _ = found[reference(says, b"FontDescriptor")]
        _, program = found[reference(descriptor, b"FontFile[23]")]
        assert len(program) > 500


def test_the_evidence_is_attached_as_the_documents_data(pdf: bytes) -> None:
    found = objects(pdf)
    ((catalog, _),) = holding(found, b"/Type/Catalog")
    specification, _ = found[reference(catalog, b"AF")]
    assert b"/Filespec" in specification
    assert b"/AFRelationship/Data" in specification
    assert b"/UF(evidence.json)" in specification
    assert b"EmbeddedFiles" in catalog
    says, content = found[reference(specification, b"UF")]
    assert b"/Subtype/application#2Fjson" in says
    assert b"/ModDate(" in says
    assert read(content) == read(pdf)


def test_nothing_in_it_needs_anything_else(pdf: bytes) -> None:
    assert pdf.startswith(b"%PDF-1.7\n%")
    assert b"/ID[" in pdf.replace(b" ", b"")
    everything = b"".join(says for says, _ in objects(pdf).values())
    for forbidden in (
        b"/Encrypt",
        b"/JavaScript",
        b"/Launch",
        b"/GoToR",
        b"/URI",
        b"/LZWDecode",
        b"/RichMedia",
        b"/ObjStm",
    ):
        assert forbidden not in everything + pdf[-2000:], forbidden


def test_there_is_a_packet_for_a_change_however_it_stands_or_ended(own_desk: Desk, tmp_path) -> None:
    desk, seen = own_desk, {}
    clerk = desk("u_clerk")

    def look(name: str, change: Any) -> None:
        document: Any = read(packet(desk, change))
        assert faults(document) == [], name
        seen[name] = (document["change"]["status"], len(document["trail"]))
        (tmp_path / f"{name}.pdf").write_bytes(packet(desk, change))

    one = desk.submit()["change_id"]
    look("pending", one)
    ok(desk.decide(one, "u_manager"))
    ok(desk.decide(one, "u_controller", "return", reason_code="TYPO", comment="<b>#strong[x]</b> $x$"))
    look("returned", one)
    ok(clerk.post(f"/v1/customer-changes/{one}/resubmit"))
    look("resubmitted", one)
    ok(clerk.post(f"/v1/customer-changes/{one}/withdraw"))
    look("withdrawn", one)
    two = desk.submit()["change_id"]
    ok(desk.decide(two, "u_manager", "reject", reason_code="NO", comment="word " * 300))
    look("rejected", two)
    customer = desk.customer()
    first, second = (desk.patch(customer, notes=n)["change_id"] for n in ("a", "b"))
    for change in (first, second):
        for who in ("u_manager", "u_controller"):
            ok(desk.decide(change, who))
    look("failed", second)
    gone = ok(clerk.delete(f"/v1/customers/{customer}?mode=hard&reason_code=TEST"), 202)["change_id"]
    for who in ("u_manager", "u_controller", "u_cfo"):
        ok(desk.decide(gone, who))
    look("deletion", gone)
    look("erased", first)
    assert seen == {
        "pending": ("PENDING_APPROVAL", 1), "returned": ("PENDING_APPROVAL", 3), "resubmitted": ("PENDING_APPROVAL", 4),
        "withdrawn": ("WITHDRAWN", 5), "rejected": ("REJECTED", 2), "failed": ("FAILED", 4),
        "deletion": ("APPROVED", 5), "erased": ("APPROVED", 4),
    }  # fmt: skip
    said = desk.stack.arflow("verify-evidence", str(tmp_path / "erased.pdf"))  # offline, as any other
    assert "who, when and which action remain" in said.stdout


def test_a_server_without_a_printer_says_so(pdf: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "find_spec", lambda _: None)
    with pytest.raises(Refusal) as refused:
        evidence.packet(evidence_in(read(pdf)))
    assert refused.value.code == "NOT_ACCEPTABLE"
    assert "application/json" in refused.value.detail
