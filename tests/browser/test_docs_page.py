"""The page that describes the API works without the internet."""

from playwright.async_api import expect

from tests.browser.conftest import Desk


async def test_the_api_describes_itself_with_our_own_files_alone(desk: Desk) -> None:
    tab = await desk.open("/docs")
    await expect(tab.page.locator(".info .title")).to_contain_text("arflow")
    # Operations are drawn as they come into sight; this one is on the first screen.
    await tab.page.locator(".opblock-summary").filter(has_text="Log Activity").click()
    await expect(tab.page.locator(".opblock.is-open .opblock-body")).to_contain_text("notes")
    await tab.page.locator("button.authorize").first.click()
    await expect(tab.page.locator(".modal-ux input")).to_be_visible()
    assert tab.foreign() == []
    assert tab.said == [], "the policy of the page stops nothing that it needs"
