"""A real Chromium on the pages of a real API; nothing but our own server is ever asked."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from stack.browser import find_browser
from tests.stack_fixtures.app import AppStack

LONG = 90_000
"""Milliseconds: the machine may be busy with other tests."""
expect.set_options(timeout=LONG)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    found = find_browser()
    if found is None:
        pytest.skip("no Chromium here: `python -m stack.prepare` installs one, ARFLOW_TEST_BROWSER names one")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=found,
            timeout=2 * LONG,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
        )
        yield started
        await started.close()


@dataclass
class Tab:
    """A page, and what went on in it."""

    page: Page
    base_url: str
    asked: list[str] = field(default_factory=list)
    """Every address that the page loaded or called."""
    said: list[str] = field(default_factory=list)
    """Errors of the console (a broken policy is one), uncaught errors, dialogs."""
    visits: int = 0
    """Documents loaded into the tab."""

    def panel(self, name: str) -> Any:
        return self.page.locator(f'[data-panel="{name}"]')

    def foreign(self) -> list[str]:
        """Addresses outside our server."""
        return [url for url in self.asked if not url.startswith((self.base_url, "data:", "blob:"))]


class Desk:
    """Opens tabs, each with the token of one person."""

    def __init__(self, browser: Browser, stack: AppStack) -> None:
        self._browser, self._stack = browser, stack
        self._contexts: list[BrowserContext] = []

    async def open(self, path: str, token: str | None = None, **options: Any) -> Tab:
        """A new tab on `path`. `options` are those of a browser context: viewport, color_scheme, …"""
        context = await self._browser.new_context(
            **{"viewport": {"width": 1440, "height": 1000}, "locale": "en-GB", "timezone_id": "UTC", **options}
        )
        self._contexts.append(context)
        context.set_default_timeout(LONG)
        page = await context.new_page()
        tab = Tab(page, self._stack.base_url)
        page.on("request", lambda request: tab.asked.append(request.url))
        page.on("console", lambda message: tab.said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: tab.said.append(str(error)))
        page.on("framenavigated", lambda _frame: setattr(tab, "visits", tab.visits + 1))

        async def dismiss(dialog: Any) -> None:
            tab.said.append(f"dialog: {dialog.message}")
            await dialog.dismiss()

        page.on("dialog", dismiss)
        await page.goto(self._stack.base_url + path + (f"#token={token}" if token else ""))
        return tab

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()


@pytest.fixture
async def desk(browser: Browser, app_stack: AppStack) -> AsyncIterator[Desk]:
    made = Desk(browser, app_stack)
    yield made
    await made.close()
