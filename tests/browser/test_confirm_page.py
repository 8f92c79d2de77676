"""The page on which a person confirms what an assistant proposes: what will happen, and yes or no, on a phone too."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import expect

from tests.api.office import Office, ext, ok
from tests.browser.conftest import Desk
from tests.conversation.people import token
from tests.stack_fixtures.app import AppStack

PHONE = {"width": 375, "height": 740}


@pytest.fixture(scope="module")
def office(app_stack: AppStack) -> Iterator[Office]:
    made = Office(app_stack)
    yield made
    made.close()


def proposed(office: Office, applied: int = 900, owed: int = 1000) -> tuple[dict[str, Any], dict[str, Any]]:
    """A payment, and the proposal of its application."""
    customer = office.customer()
    invoice, payment = office.invoice(customer, owed), office.payment(customer, applied)
    lines = [{"invoice_id": invoice["id"], "applied_minor": applied}]
    asked = {"operation": "apply_payment", "record_id": payment["id"], "body": {"applications": lines}}
    return payment, ok(office.clerk.post("/v1/proposals", json=asked), 201)


async def test_what_will_happen_is_shown_and_confirmed_on_a_phone(office: Office, desk: Desk) -> None:
    payment, made = proposed(office)
    number = office.get(made["effect"]["invoices"][0]["id"])["external_id"]
    tab = await desk.open(f"/confirm/{made['proposal_id']}", token(office), viewport=PHONE)
    page = tab.page
    await expect(page.locator("#what")).to_contain_text(f"Apply {payment['id']} to one invoice")
    await expect(page.locator("#effect")).to_contain_text(f"9.00 USD on invoice “{number}”")
    await expect(page.locator("#effect")).to_contain_text(
        f"Invoice “{number}” is partially paid afterwards, 1.00 USD due"
    )
    await expect(page.locator(".entry")).to_contain_text("accounts receivable")
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert office.get(payment["id"])["status"] == "UNAPPLIED"
    await page.get_by_test_id("approve").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("said")).to_contain_text("Done, exactly as shown.")
    assert office.get(payment["id"])["status"] == "FULLY_APPLIED"
    await page.reload()
    await expect(page.get_by_test_id("said")).to_contain_text("has been carried out")
    await expect(page.locator("#choice")).to_be_hidden()
    assert tab.foreign() == []
    assert tab.said == []


async def test_the_person_declines_by_keyboard(office: Office, desk: Desk) -> None:
    payment, made = proposed(office)
    tab = await desk.open(f"/confirm/{made['proposal_id']}", token(office))
    await expect(tab.page.get_by_test_id("decline")).to_be_visible()
    await tab.page.get_by_test_id("approve").focus()
    await tab.page.keyboard.press("Tab")
    await tab.page.keyboard.press("Space")
    await expect(tab.page.get_by_test_id("said")).to_contain_text("Nothing was done")
    assert office.get(payment["id"])["status"] == "UNAPPLIED"


async def test_what_would_happen_now_is_a_click_away(office: Office, desk: Desk) -> None:
    payment, made = proposed(office)
    invoice = made["effect"]["invoices"][0]["id"]
    tab = await desk.open(f"/confirm/{made['proposal_id']}", token(office))
    await expect(tab.page.get_by_test_id("approve")).to_be_visible()
    ok(office.apply(office.payment(office.get(invoice)["customer_id"], 50), [(invoice, 50)]))
    await tab.page.get_by_test_id("approve").click()
    await expect(tab.page.get_by_test_id("said")).to_contain_text("not what would happen now")
    await tab.page.get_by_text("Look at what would happen now").click()
    await expect(tab.page.locator("#effect")).to_contain_text("0.50 USD due")
    await tab.page.get_by_test_id("approve").click()
    await expect(tab.page.get_by_test_id("said")).to_contain_text("Done")
    assert office.get(payment["id"])["status"] == "FULLY_APPLIED"


async def test_texts_of_others_are_shown_as_texts(office: Office, desk: Desk) -> None:
    name = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    body = {
        "name": name,
        "email": f"{ext()}@example.com",
        "legal_entity_id": "le_us",
        "notes": '"><svg onload=alert(3)>',
    }
    made = ok(office.clerk.post("/v1/proposals", json={"operation": "customer.create", "body": body}), 201)
    tab = await desk.open(f"/confirm/{made['proposal_id']}", token(office))
    await expect(tab.page.locator("#effect")).to_contain_text(name)
    assert await tab.page.locator("#effect img, #effect script, #effect svg").count() == 0
    hostile = await desk.open("/confirm/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E", token(office))
    await expect(hostile.page.locator("#problem")).to_contain_text("NOT_FOUND")
    assert [s for s in (*tab.said, *hostile.said) if "404" not in s] == []


async def test_another_person_and_nobody_see_nothing(office: Office, desk: Desk) -> None:
    _, made = proposed(office)
    tab = await desk.open(f"/confirm/{made['proposal_id']}", token(office, "u_clerk2"))
    await expect(tab.page.locator("#problem")).to_contain_text("another person's proposal")
    await expect(tab.page.locator("#view")).to_be_hidden()
    nobody = await desk.open(f"/confirm/{made['proposal_id']}")
    await expect(nobody.page.locator("#signin")).to_be_visible()
    await nobody.page.locator("#token").fill(token(office))
    await nobody.page.keyboard.press("Tab")
    await nobody.page.keyboard.press("Enter")
    await expect(nobody.page.get_by_test_id("approve")).to_be_visible()
