"""What only a browser shows: the system's dark mode, and a page that keeps its place while it follows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.cloud import LabCloud

pytestmark = [pytest.mark.browser, pytest.mark.lab]
SECONDS = 30_000  # in Playwright's milliseconds: the page follows every five


def test_pages_follow_the_systems_dark_mode(page: Page) -> None:
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-bs-theme", "dark")


def test_a_button_that_cannot_be_pressed_says_why_and_keeps_saying_it(page: Page, cloud: LabCloud) -> None:
    vm = cloud.deploy("reason")
    page.goto(f"/virtual-machines/{vm['id']}/")
    button = page.get_by_role("button", name="Start", exact=True)
    expect(button).to_have_attribute("aria-disabled", "true")
    button.focus()
    page.keyboard.press("Enter")
    reason = page.get_by_text("Its state is Running; this needs: Stopped.")
    expect(reason).to_be_visible()
    page.evaluate("document.getElementById('live').dataset.before = 'yes'")
    expect(page.locator("#live[data-before]")).to_have_count(0, timeout=SECONDS)
    expect(reason).to_be_visible()
    expect(button).to_be_focused()
    assert page.url.endswith(f"/virtual-machines/{vm['id']}/")
