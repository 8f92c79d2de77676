"""The page of the 360 view in a real browser, as the people who use it see it."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from playwright.async_api import expect

from demo.crm import CREDENTIAL, Crm
from tests.browser.conftest import Desk, Tab
from tests.browser.scene import Scene
from tests.customers.desk import ok
from tests.stack_fixtures.app import AppStack

PANELS = {
    "contracts": "Platform, 200 seats", "activities": "Call about the renewal", "ar_aging": "INV-1004",
    "orders": "shipped", "cases": "Export fails at month end", "opportunities": "50 more seats", "quotes": "Q-1044",
    "nps": "6",
}  # fmt: skip
MEASURE = """() => {
  const body = getComputedStyle(document.body), all = (s) => [...document.querySelectorAll(s)];
  const rgb = (c) => c.match(/[0-9]+/g).slice(0, 3).map(Number), box = (e) => e.getBoundingClientRect();
  return {
    over: document.documentElement.scrollWidth - innerWidth, ink: rgb(body.color), ground: rgb(body.backgroundColor),
    lefts: new Set(all("[data-panel]").map((p) => Math.round(box(p).left))).size,
    small: all("button:not(.link), input, select, textarea").filter((e) => e.offsetParent && box(e).height < 28).length,
  };
}"""
SHOWN = """() => document.querySelectorAll("[data-panel] .state").length === 8 && performance.now()"""
"""Milliseconds from the start of the visit until every panel shows its data."""
WIDE, PHONE = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def scene(app_stack: AppStack, database_url: str) -> Iterator[Scene]:
    made = Scene(app_stack, database_url)
    made.fill()
    yield made
    made.people.close()


@pytest.fixture
async def tab(desk: Desk, scene: Scene) -> AsyncIterator[Tab]:
    """The view as an account executive opens it; at the end it has asked nobody else and nothing went wrong in it."""
    opened = await desk.open(scene.path, scene.token())
    await expect(opened.page.locator("#name")).to_have_text("Northwind Traders GmbH & Co. KG")
    yield opened
    assert (opened.said, opened.foreign()) == ([], [])


async def test_an_account_executive_sees_eight_panels_within_two_seconds(desk: Desk, scene: Scene) -> None:
    tab = await desk.open(scene.path, scene.token())
    for name, says in PANELS.items():
        await expect(tab.panel(name).locator(".body")).to_contain_text(says)
        await expect(tab.panel(name).locator(".state")).to_have_text("live")
    assert await tab.page.locator("[data-panel]").count() == 8
    assert "token" not in tab.page.url
    took: list[float] = []
    while len(took) < 8 and min(took, default=2000) >= 2000:  # the machine may have other work
        await tab.page.reload()
        shown = await tab.page.wait_for_function(SHOWN)
        took.append(await shown.json_value())
    assert min(took) < 2000, took
    assert (tab.said, tab.foreign()) == ([], [])


async def test_a_missed_renewal_stands_first(tab: Tab) -> None:
    alerts = tab.page.locator("#attention .alert")
    await expect(alerts.nth(0)).to_contain_text("Renewal missed by 6 days")
    await expect(alerts.nth(1)).to_contain_text("Renews in 30 days")
    top = await tab.page.locator("#attention").bounding_box()
    others = [await tab.panel(name).bounding_box() for name in PANELS]
    assert top is not None
    assert all(box is not None and box["y"] > top["y"] for box in others)


async def test_an_activity_is_logged_and_seen_at_once_without_leaving_the_page(tab: Tab, scene: Scene) -> None:
    visits, form = tab.visits, tab.page.locator("#log")
    await form.locator("[name=type]").select_option("meeting")
    await form.locator("[name=contact_id]").select_option(label="Ann Lee")
    await form.locator("[name=notes]").fill("Met at the fair; wants a demo.")
    await form.locator("button[type=submit]").click()
    first = tab.panel("activities").locator("ul.items > li").nth(0)
    await expect(first).to_contain_text("Met at the fair; wants a demo.")
    await expect(first).to_contain_text("meeting")
    await expect(form.locator("[name=notes]")).to_have_value("")
    assert tab.visits == visits, "the page was left"
    contact = (await asyncio.to_thread(scene.panels))["activities"]["data"][0]["contact_id"]
    assert contact is not None


async def test_markup_in_a_note_is_shown_as_text_and_does_nothing(tab: Tab) -> None:
    evil = '<img src=x onerror="alert(1)"><script>alert(2)</script><b>bold</b> javascript:alert(3)'
    await tab.page.locator("#log [name=notes]").fill(evil)
    await tab.page.locator("#log button[type=submit]").click()
    note = tab.panel("activities").locator(".notes").nth(0)
    await expect(note).to_have_text(evil)
    assert await note.locator("*").count() == 0
    # The fixture has seen every console error, dialog and request of the page by now: there was none.


async def test_a_case_is_escalated_from_the_view(tab: Tab) -> None:
    case = tab.panel("cases").locator("ul.items > li").filter(has_text="Export fails")
    await case.get_by_role("button", name="Escalate…").click()
    await case.locator("[name=reason_code]").select_option("CUSTOMER_AT_RISK")
    await case.locator("[name=note]").fill("The CFO called.")
    await case.get_by_role("button", name="Escalate", exact=True).click()
    await expect(case).to_contain_text("escalated to customer success manager")
    await expect(case.get_by_role("button", name="Escalate…")).to_have_count(0)


async def test_an_opportunity_is_started_from_the_view(tab: Tab) -> None:
    await tab.page.locator("details.new summary").click()
    form = tab.page.locator("#deal")
    for name, value in {"name": "Renew support", "value": "18000.50", "close_date": "2099-03-31"}.items():
        await form.locator(f"[name={name}]").fill(value)
    await form.locator("[name=stage]").select_option("Proposal")
    await form.locator("button[type=submit]").click()
    deal = tab.panel("opportunities").locator("ul.items > li").filter(has_text="Renew support")
    await expect(deal).to_contain_text("US$18,000.50")
    await expect(deal).to_contain_text("Proposal")


async def test_every_item_opens_its_source_record(tab: Tab) -> None:
    record = tab.page.locator("#record")
    for name in PANELS:
        links = tab.panel(name).locator(".body :not(.more) > button.link")
        for n in range(await links.count()):
            await links.nth(n).click()
            await expect(record.locator("dt").first).to_have_text("id")
            await expect(record.locator(".failure")).to_have_count(0)
            await tab.page.keyboard.press("Escape")
            await expect(record).not_to_be_visible()


async def test_every_panel_lists_the_whole_of_what_it_shows_the_first_of(tab: Tab) -> None:
    record = tab.page.locator("#record")
    for name, said, finds in (("ar_aging", "All open invoices", "INV-1004"), ("ar_aging", "All payments", "unapplied"),
                              ("contracts", "All contracts", "Archive"), ("activities", "The whole timeline", "call"),
                              ("orders", "All orders", "delivered"), ("cases", "All cases", "Export fails")):  # fmt: skip
        await tab.panel(name).get_by_role("button", name=re.compile(said)).click()
        await expect(record.locator("#record-fields")).to_contain_text(finds)
        await record.locator("dt button").first.click()
        await expect(record.locator("dt").first).to_have_text("id")
        await expect(record.locator(".failure")).to_have_count(0)
        await tab.page.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_it_fits_desk_and_phone_in_both_schemes(desk: Desk, scene: Scene, size: Any, scheme: Any) -> None:
    tab = await desk.open(scene.path, scene.token(), viewport=size, color_scheme=scheme)
    await expect(tab.panel("nps").locator(".body")).to_contain_text("6")
    measured = await tab.page.evaluate(MEASURE)
    assert measured["over"] <= 0, "it scrolls sideways"
    assert measured["lefts"] == (1 if size is PHONE else 3)
    assert measured["small"] == 0, "too small to touch"
    dark = sum(measured["ground"]) < sum(measured["ink"])
    assert dark == (scheme == "dark")
    assert tab.said == []


async def test_a_customer_of_another_organisation_shows_its_code_and_nothing_else(desk: Desk, scene: Scene) -> None:
    elsewhere = await asyncio.to_thread(scene.stack.organisation, "Elsewhere")
    tab = await desk.open(scene.path, scene.token(org=elsewhere))
    await expect(tab.page.locator("#problem")).to_contain_text("ORG_CONTEXT_MISMATCH")
    await expect(tab.page.locator("#view")).not_to_be_visible()
    assert "Northwind" not in await tab.page.content()


async def test_without_a_token_it_asks_for_one_and_forgets_it_at_the_end(desk: Desk, scene: Scene) -> None:
    tab = await desk.open(scene.path)
    await tab.page.locator("#token").fill(scene.token())
    await tab.page.get_by_role("button", name="Open").click()
    await expect(tab.page.locator("#name")).to_have_text(re.compile("Northwind"))
    await tab.page.get_by_role("button", name="Sign out").click()
    await expect(tab.page.locator("#signin")).to_be_visible()
    assert "Northwind" not in await tab.page.locator("body").inner_text()
    await tab.page.reload()
    await expect(tab.page.locator("#signin")).to_be_visible()


async def test_a_stale_panel_says_so_and_refreshes_itself(desk: Desk, app_stack: AppStack, database_url: str) -> None:
    scene, crm = await asyncio.to_thread(Scene, app_stack, database_url), Crm(lacks=frozenset())
    try:
        deal = await asyncio.to_thread(_connect, scene, crm)
        _age(scene)
        crm.hold(deal[0], "Opportunity", {**deal[1], "Name": "Bigger deal"})
        crm.mode = "held"
        tab = await desk.open(scene.path, scene.token())
        panel = tab.panel("opportunities")
        await expect(panel.locator(".state")).to_have_class(re.compile("stale"))
        await expect(panel).to_contain_text("Big deal")
        visits = tab.visits
        crm.released.set()
        await expect(panel).to_contain_text("Bigger deal")
        await expect(panel.locator(".state")).to_have_text("crm · just now")
        assert (tab.visits, tab.said) == (visits, [])
    finally:
        crm.close()
        scene.people.close()


def _connect(scene: Scene, crm: Crm) -> tuple[str, dict[str, Any]]:
    """Let the CRM serve the opportunities, and wait until it has answered once. The account and its deal."""
    account = "001" + os.urandom(6).hex()
    deal = {
        "Id": "006A",
        "Name": "Big deal",
        "Amount": 10,
        "StageName": "Proposal",
        "CloseDate": "2099-01-31",
        "IsClosed": False,
    }
    crm.hold(account, "Opportunity", deal)
    secrets = scene.stack.home / "secrets" / scene.people.org
    secrets.mkdir(parents=True, exist_ok=True)
    (secrets / "crm").write_text(CREDENTIAL + "\n")
    scene.people.approve(scene.people.patch(scene.customer, metadata={"salesforce_account_id": account}))
    ops = scene.people("u_ops")
    said = {"kind": "salesforce", "base_url": crm.url, "credential": "crm", "panels": ["opportunities"],
            "timeout_ms": 60_000}  # fmt: skip
    ok(ops.put("/v1/source-connections/crm", json=said))
    deadline = time.monotonic() + 120
    while scene.panels()["opportunities"]["stale"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return account, deal


def _age(scene: Scene) -> None:
    with psycopg.connect(scene.database_url) as c:
        c.execute(
            "UPDATE panel_snapshots SET as_of = as_of - interval '6 minutes', next_attempt_at = NULL, "
            "attempted_at = attempted_at - interval '6 minutes' WHERE customer_id = %s",
            (scene.customer,),
        )
