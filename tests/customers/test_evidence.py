"""The evidence packet: complete, reproducible, and any alteration shows offline."""

import copy
import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from models.answers import read_row
from models.approvals.evidence import EvidenceEventAnswer, EvidenceUnreadable, event_answer, event_of
from models.audit.chain import link_hash
from models.audit.seals import stamped_bytes
from models.audit.stamps import StampingAuthorities, StampRequest
from models.db.engine import make_engine, transaction
from models.db.tx import to_json
from models.inbox.evidence import faults, read
from operations.seals import seal
from operations.stamps import keep_stamp, without_stamp
from tests.customers.desk import Desk, ok, refused
from tests.stamping import Authority


@pytest.fixture(scope="module")
def approved(desk: Desk) -> dict:
    change = desk.submit(
        name="Société Générale 株式会社 مؤسسة", notes="#strong[not markup] $x$ \\ <a>", credit_limit=2_000_000
    )
    ok(desk.decide(change, "u_manager", comment="checked the licence"))
    ok(desk.decide(change, "u_controller"))
    return change


def fetch(desk: Desk, change: dict, accept: str = "application/json"):
    return desk("u_auditor").get(f"/v1/customer-changes/{change['change_id']}/evidence", headers={"Accept": accept})


def test_the_json_tells_everything_and_proves_itself(desk: Desk, approved: dict):
    document = ok(fetch(desk, approved))
    assert [d["decided_by"] for d in document["change"]["decisions"]] == ["u_manager", "u_controller"]
    assert document["change"]["steps"][0]["started_at"] <= document["change"]["steps"][0]["decided_at"]
    assert {"path": "/credit_limit", "before": None, "after": "2000000"} in document["change"]["diff"]
    assert [w["code"] for w in document["change"]["warnings"]] == ["CREDIT_LIMIT_LARGE"]
    assert len(document["trail"]) == document["head"]["seq"] == 4
    assert faults(document) == []


def test_the_packet_is_pdf_a3_with_the_json_attached_and_the_same_bytes_each_time(desk: Desk, approved: dict, tmp_path):
    response = fetch(desk, approved, "application/pdf")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/pdf")
    pdf = response.content
    assert re.search(rb"pdfaid:part[>\"=\s]*3", pdf)
    assert read(pdf)["trail"] == ok(fetch(desk, approved))["trail"]
    assert faults(read(pdf)) == []
    assert fetch(desk, approved, "application/pdf").content == pdf
    file = tmp_path / "packet.pdf"
    file.write_bytes(pdf)
    said = desk.stack.arflow("verify-evidence", str(file))
    assert "the chain is whole" in said.stdout


def alterations(document: dict):
    def changed(alter) -> dict:
        altered = copy.deepcopy(document)
        alter(altered)
        return altered

    yield changed(lambda d: d["trail"].pop(1))
    yield changed(lambda d: d["trail"].pop())
    yield changed(lambda d: d["trail"][1].update(actor="u_nobody"))
    yield changed(lambda d: d["trail"][1].update(at="2020-01-01T00:00:00+00:00"))
    yield changed(lambda d: d["trail"][0].update(payload=d["trail"][0]["payload"].replace("2000000", "1")))
    yield changed(lambda d: d["trail"][2].update(hash="00" * 32))
    yield changed(lambda d: d["head"].update(seq=3))
    yield changed(lambda d: d["change"].update(submitted_by="u_other"))
    yield changed(lambda d: d["change"].update(status="REJECTED"))
    yield changed(lambda d: d["change"]["diff"].pop())
    yield changed(lambda d: d["change"]["decisions"][0].update(decided_by="u_other"))
    yield changed(lambda d: d["change"]["decisions"].pop())
    yield changed(lambda d: d.pop("head"))


def test_every_alteration_shows(desk: Desk, approved: dict, tmp_path):
    document = ok(fetch(desk, approved))
    for altered in alterations(document):
        assert faults(altered), altered
    file = tmp_path / "forged.json"
    file.write_text(json.dumps(next(alterations(document))))
    said = desk.stack.arflow("verify-evidence", str(file), check=False)
    assert said.returncode == 1
    assert "breach" in said.stdout


def test_what_is_no_evidence_is_said_to_be_none(desk: Desk, tmp_path):
    for raw in (b"", b"%PDF-1.7 nothing", b"{}", b"[1]"):
        with pytest.raises(EvidenceUnreadable):
            read(raw)
    file = tmp_path / "x.pdf"
    file.write_bytes(b"%PDF-1.7 nothing")
    assert desk.stack.arflow("verify-evidence", str(file), check=False).returncode == 1


def test_evidence_of_others_is_not_shown(desk: Desk, own_desk: Desk, approved: dict):
    refused(
        own_desk("u_auditor").get(f"/v1/customer-changes/{approved['change_id']}/evidence"), 403, "ORG_CONTEXT_MISMATCH"
    )


def test_evidence_is_signed_and_one_that_somebody_made_up_is_not(desk: Desk, approved: dict, tmp_path):
    keys = str(Path(desk.stack.environment["ARFLOW_HOME"]) / "signing-key.pub.pem")
    document = ok(fetch(desk, approved))
    assert document["signature"]["algorithm"] == "Ed25519"
    url = f"/v1/approvals/{approved['change_id']}/evidence"
    assert ok(desk("u_auditor").get(url))["signature"] == document["signature"], "by whichever door"
    files = {
        "packet.pdf": fetch(desk, approved, "application/pdf").content,
        "evidence.json": json.dumps(document).encode(),
    }
    # A chain of their own making is whole: only the key tells that it is not the organisation's.
    made_up = {**document, "trail": forged_chain(document["trail"])}
    made_up["head"] = {"seq": 4, "hash": made_up["trail"][-1]["hash"]}
    files["made_up.json"] = json.dumps(made_up).encode()
    files["unsigned.json"] = json.dumps({**document, "signature": None}).encode()
    said = {}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        done = desk.stack.arflow("verify-evidence", str(tmp_path / name), "--public-key", keys, check=False)
        said[name] = (done.returncode, done.stdout)
    assert {name: code for name, (code, _) in said.items()} == {
        "packet.pdf": 0, "evidence.json": 0, "made_up.json": 1, "unsigned.json": 1,
    }  # fmt: skip
    assert "the chain is whole" in said["made_up.json"][1]
    assert "not one of this document" in said["made_up.json"][1]
    without = desk.stack.arflow("verify-evidence", str(tmp_path / "packet.pdf"))
    assert "NOT LOOKED AT" in without.stdout


def forged_chain(trail: list[dict]) -> list[dict]:
    """The same events at another time, with hashes that fit."""
    made, before = [], b""
    for link in trail:
        e = event_of(read_row(EvidenceEventAnswer, {**link, "at": link["at"].replace("20", "19", 1)}))
        e = replace(e, prev_hash=before)
        before = link_hash(e)
        made.append(json.loads(to_json(event_answer(replace(e, hash=before)))))
    return made


def test_evidence_says_since_when_a_third_party_knows_of_it(desk: Desk, tmp_path):
    change = desk.submit(name="Since when")
    ok(desk.decide(change, "u_manager"))
    assert desk.stack.database is not None
    engine, authority = make_engine(desk.stack.database, pool_size=1), Authority(tmp_path / "authority")
    with transaction(engine, desk.org, snapshot=True) as tx:
        seal(tx)
    with transaction(engine, desk.org) as tx:
        young = without_stamp(tx)[-1]
        asked = StampRequest(stamped_bytes(young))
        answered = authority.reply(asked.content)
        keep_stamp(tx, young, asked.stamp(answered, StampingAuthorities.of_file(authority.root)))
    engine.dispose()
    document = ok(fetch(desk, change))
    by = datetime.fromisoformat(document["sealed"]["seal"]["stamp"]["stamped_at"])
    printed = f"Stamped by a third party on {by:%Y-%m-%d %H:%M:%S} (RFC 3161)"  # a heading is a bookmark
    assert printed.encode() in fetch(desk, change, "application/pdf").content
    assert document["sealed"]["seq"] == len(document["trail"])
    lies = [copy.deepcopy(document) for _ in range(3)]
    lies[0]["sealed"]["seal"]["stored_root"] = "00" * 32
    lies[1]["sealed"]["path"] = document["sealed"]["path"][1:]
    lies[2]["sealed"]["seq"] = 1
    assert [faults(d) == [] for d in (document, *lies)] == [True, False, False, False]
    lies[0] = {**document, "sealed": {**document["sealed"], "seal": {**document["sealed"]["seal"], "heads": 9}}}
    said = []
    for d in (document, lies[0]):
        (tmp_path / "evidence.json").write_text(json.dumps(d))
        options = ("--tsa-certificate", str(authority.root))
        done = desk.stack.arflow("verify-evidence", str(tmp_path / "evidence.json"), *options, check=False)
        said.append((done.returncode, done.stdout))
    assert (said[0][0], said[1][0]) == (0, 1)
    assert f"sealed up to event {len(document['trail'])} at" in said[0][1]
    assert "by an authority that the certificates vouch for" in said[0][1]
