"""The guard and the Salesforce adapter, against a server that speaks Salesforce's shapes on a real socket."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from demo.crm import CREDENTIAL, Crm
from models.outgoing import Hosts
from sources.guard import FAILURES_TO_OPEN, OPEN_SECONDS, Circuit, Guard
from sources.protocol import Asked, Connection, SourceError
from sources.salesforce import MAX_RECORDS, Salesforce

ACCOUNT = "001000000000001AAA"
HERE = Hosts.of(["http://127.0.0.1:*"])
ASKED = Asked("cust_1", ACCOUNT, "USD")
DEAL = {
    "Id": "006A",
    "Name": "Big deal",
    "Amount": 1234.565,
    "StageName": "Our own stage",
    "CloseDate": "2027-01-31",
    "IsClosed": False,
}


@pytest.fixture
def crm() -> Iterator[Crm]:
    made = Crm()
    made.hold(ACCOUNT, "Opportunity", DEAL)
    yield made
    made.close()


def fetch(crm: Crm, panel: str = "opportunities", secret: str | None = CREDENTIAL, adapter: Salesforce | None = None,
          asked: Asked = ASKED, seconds: float = 60) -> Any:  # fmt: skip
    connection = Connection("org_1", "salesforce", "salesforce", crm.url, secret, seconds, 2, HERE)
    source = adapter or Salesforce()
    return Guard(2).call(lambda: source.fetch(connection, panel, asked), seconds)


def code_of(crm: Crm, **options: Any) -> str:
    with pytest.raises(SourceError) as refused:
        fetch(crm, **options)
    return refused.value.code


def test_opportunities_come_in_exact_minor_units_with_the_sources_own_stage(crm: Crm) -> None:
    (deal,) = fetch(crm)
    assert (deal.external_id, deal.value_minor, deal.currency_code) == ("006A", 123456, "USD")  # half-even
    assert (deal.stage, deal.close_date, deal.closed) == ("Our own stage", date(2027, 1, 31), False)


def test_the_currency_of_a_multi_currency_organisation_is_taken(crm: Crm) -> None:
    crm.lacks = frozenset()
    crm.hold(ACCOUNT, "Opportunity", {**DEAL, "Amount": 5000, "CurrencyIsoCode": "JPY"})
    (deal,) = fetch(crm)
    assert (deal.value_minor, deal.currency_code) == (5000, "JPY")


def test_quotes_and_cases(crm: Crm) -> None:
    crm.lacks = frozenset({"CurrencyIsoCode"})
    crm.hold(
        ACCOUNT,
        "Quote",
        {"Id": "0Q0", "Name": "Q", "Status": "Presented", "ExpirationDate": "2027-02-01", "GrandTotal": 10},
    )
    crm.hold(ACCOUNT, "Case", {"Id": "500", "CaseNumber": "1", "Subject": "S\nT", "Priority": "High", "Status": "New",
                               "IsClosed": False, "MilestoneStatus": "Open Violation"})  # fmt: skip
    (quote,), (case,) = fetch(crm, "quotes"), fetch(crm, "cases")
    assert (quote.status, quote.expiry_date, quote.value_minor) == ("Presented", date(2027, 2, 1), 1000)
    assert (case.subject, case.priority, case.priority_rank, case.sla_status) == (
        "S T",
        "High",
        2,
        "breached",
    )


def test_pages_are_followed_and_an_endless_list_is_refused(crm: Crm) -> None:
    crm.page_size = 3
    crm.hold(ACCOUNT, "Opportunity", *({**DEAL, "Id": f"006{n}"} for n in range(8)))
    assert [r.external_id for r in fetch(crm)] == [f"006{n}" for n in range(8)]
    crm.page_size = 1
    crm.hold(ACCOUNT, "Opportunity", *({**DEAL, "Id": f"006{n}"} for n in range(MAX_RECORDS)))
    assert code_of(crm) == "SOURCE_RESPONSE_TOO_LARGE"


def test_a_token_that_has_run_out_is_renewed_once(crm: Crm) -> None:
    adapter = Salesforce()
    fetch(crm, adapter=adapter)
    fetch(crm, adapter=adapter)
    assert crm.sign_ins == 1
    crm.token = "token-2"
    assert len(fetch(crm, adapter=adapter)) == 1
    assert crm.sign_ins == 2


def test_fields_that_an_organisation_lacks_are_asked_for_once(crm: Crm) -> None:
    adapter = Salesforce()
    for _ in range(3):
        fetch(crm, adapter=adapter)
    assert sum("CurrencyIsoCode" in q for q in crm.queries) == 1


@pytest.mark.parametrize(("mode", "code"), [("error", "SOURCE_UNAVAILABLE"), ("huge", "SOURCE_RESPONSE_TOO_LARGE"),
                                            ("garbage", "SOURCE_RESPONSE_INVALID"), ("shapeless", "SOURCE_RESPONSE_INVALID"),
                                            ("redirect", "SOURCE_REDIRECTED"), ("limit", "SOURCE_RATE_LIMITED"),
                                            ("dies", "SOURCE_UNAVAILABLE")])  # fmt: skip
def test_what_a_broken_source_answers_has_a_name(crm: Crm, mode: str, code: str) -> None:
    crm.mode = mode
    assert code_of(crm) == code


def test_a_source_that_hangs_is_left_at_the_time_out(crm: Crm) -> None:
    crm.mode = "hang"
    begun = time.monotonic()
    assert code_of(crm, seconds=0.5) == "SOURCE_TIMEOUT"
    assert time.monotonic() - begun < 30, "it was waited for, for the minute that it hangs"


def test_a_source_that_is_not_there_is_unavailable(crm: Crm) -> None:
    crm.close()
    assert code_of(crm) == "SOURCE_UNAVAILABLE"


def test_wrong_or_missing_credentials_and_unlinked_customers(crm: Crm) -> None:
    assert code_of(crm, secret="demo-client:wrong") == "SOURCE_SIGN_IN_REFUSED"
    assert code_of(crm, secret=None) == "SOURCE_NOT_CONFIGURED"
    injected = Asked("cust_1", "001' OR Name != '", "USD")
    assert code_of(crm, asked=injected) == "SOURCE_CUSTOMER_UNKNOWN"
    assert crm.queries == []


def test_the_circuit_opens_after_failures_in_a_row_and_lets_one_try_later() -> None:
    now = [0.0]
    circuit = Circuit(lambda: now[0])
    for _ in range(FAILURES_TO_OPEN):
        circuit.enter()
        circuit.leave(failed=True)
    with pytest.raises(SourceError, match="SOURCE_CIRCUIT_OPEN"):
        circuit.enter()
    now[0] += OPEN_SECONDS
    circuit.enter()
    with pytest.raises(SourceError, match="SOURCE_CIRCUIT_OPEN"):
        circuit.enter()
    circuit.leave(failed=False)
    circuit.enter()
    assert not circuit.is_open


def test_an_open_circuit_asks_nothing(crm: Crm) -> None:
    crm.mode = "error"
    guard, adapter = Guard(2), Salesforce()
    connection = Connection("org_1", "salesforce", "salesforce", crm.url, CREDENTIAL, 60, 2, HERE)
    codes = []
    for _ in range(FAILURES_TO_OPEN + 3):
        with pytest.raises(SourceError) as refused:
            guard.call(lambda: adapter.fetch(connection, "cases", ASKED), 60)
        codes.append(refused.value.code)
    assert codes == ["SOURCE_UNAVAILABLE"] * FAILURES_TO_OPEN + ["SOURCE_CIRCUIT_OPEN"] * 3
    assert len(crm.queries) == FAILURES_TO_OPEN


def test_no_more_calls_at_once_than_allowed() -> None:
    guard, inside, most = Guard(2), 0, 0
    lock = threading.Lock()

    async def work() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        await asyncio.sleep(0.2)
        with lock:
            inside -= 1

    threads = [threading.Thread(target=guard.call, args=(work, 60)) for _ in range(10)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert most == 2
    with pytest.raises(SourceError, match="SOURCE_BUSY"):
        _held(guard)


def _held(guard: Guard) -> None:
    entered, let_go = threading.Semaphore(0), threading.Event()

    async def long() -> None:
        entered.release()
        while not let_go.is_set():
            await asyncio.sleep(0.02)

    others = [threading.Thread(target=guard.call, args=(long, 60)) for _ in range(2)]
    for t in others:
        t.start()
    for _ in others:
        assert entered.acquire(timeout=60)
    try:
        guard.call(long, 0.1)
    finally:
        let_go.set()
        for t in others:
            t.join()
