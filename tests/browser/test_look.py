"""What only a browser shows: the system's dark mode, and a page that keeps its place while it follows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.lab]
SECONDS = 30_000  # in Playwright's milliseconds: the page follows every five


def test_pages_follow_the_systems_dark_mode(page: Page) -> None:
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-bs-theme", "dark")
