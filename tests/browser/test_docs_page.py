"""The page that describes the API works without the internet, begins with the main job, and finds what is looked for."""

from playwright.async_api import expect

from tests.browser.conftest import Desk


async def test_the_api_describes_itself_with_our_own_files_alone(desk: Desk) -> None:
    tab = await desk.open("/docs")
    await expect(tab.page.locator(".info .title")).to_contain_text("arflow")
    await expect(tab.page.locator(".opblock-tag").first).to_contain_text("Record money received")
    # Operations are drawn as they come into sight; this one is on the first screen.
    await tab.page.locator(".opblock-summary").filter(has_text="Apply payment").click()
    await expect(tab.page.locator(".opblock.is-open .opblock-body")).to_contain_text("applications")
    await tab.page.locator("button.authorize").first.click()
    await expect(tab.page.locator(".modal-ux input")).to_be_visible()
    assert tab.foreign() == []
    assert tab.said == [], "the policy of the page stops nothing that it needs"


async def test_an_operation_is_found_by_its_path_its_name_or_its_group(desk: Desk) -> None:
    tab = await desk.open("/docs")
    box, groups = tab.page.locator(".operation-filter-input"), tab.page.locator(".opblock-tag")
    for said, group, operations in (
        ("Void", "invoices", 2),
        ("ar-aging", "aging", 2),
        ("reconcil", "reconciliations", 5),
    ):
        await box.fill(said)
        await expect(groups.first).to_contain_text(group)
        await expect(tab.page.locator(".opblock")).to_have_count(operations)
    assert tab.said == []
