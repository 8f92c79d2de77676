"""The page that describes the API works without the internet."""

from playwright.async_api import expect

from tests.browser.conftest import Desk


async def test_the_api_describes_itself_with_our_own_files_alone(desk: Desk) -> None:
    tab = await desk.open("/docs")
    await expect(tab.page.locator(".info .title")).to_contain_text("arflow")
    apply = tab.page.locator(".opblock-summary").filter(has_text="/v1/customer-payments/{payment_id}/apply")
    await apply.first.click()
    await expect(tab.page.locator(".opblock.is-open .opblock-body")).to_contain_text("applications")
    await tab.page.locator("button.authorize").first.click()
    await expect(tab.page.locator(".modal-ux input")).to_be_visible()
    assert tab.foreign() == []
    assert tab.said == [], "the policy of the page stops nothing that it needs"
