"""The main job in a real browser on a real host."""

from __future__ import annotations

import urllib.request

import pytest
from playwright.sync_api import Page, expect

from tests.cloud import LabCloud

pytestmark = [pytest.mark.browser, pytest.mark.lab]
SECONDS = 90_000  # in Playwright's milliseconds: two cores, no hardware virtualisation


def test_a_machine_is_created_and_seen_running_without_a_reload(page: Page, cloud: LabCloud) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    page.get_by_role("link", name="Create VM").first.click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Πρώτη 1")
    page.get_by_role("main").get_by_role("button", name="Create VM").click()
    expect(page.get_by_role("heading", name="Πρώτη 1")).to_be_visible()
    loads = page.evaluate("performance.timeOrigin")
    expect(page.locator("#live .state").first).to_contain_text("Running", timeout=SECONDS)
    expect(page.get_by_text("Latest job: Done")).to_be_visible()
    assert page.evaluate("performance.timeOrigin") == loads
    assert not refused
    uuid = page.url.rstrip("/").rpartition("/")[2]
    vm = cloud.stack.get(f"virtual-machines/{uuid}/")
    assert vm["state"] == "Running"
    address = vm["ip"]

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://{address}/", timeout=2) as answer:
                return b"proti-1" in answer.read()
        except OSError:
            return False

    cloud.stack.wait(answers, f"the guest answers on {address}", seconds=90)


def test_a_machine_moves_to_the_trash_and_back(page: Page, cloud: LabCloud) -> None:
    vm = cloud.deploy("trash")
    page.goto(f"/virtual-machines/{vm['id']}/")
    page.get_by_role("link", name="Move to trash").click()
    page.locator("#dialog").get_by_role("button", name="Move to trash").click()
    expect(page.locator("[data-toast]").get_by_role("button", name="Undo")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_role("button", name="Take out of trash")).to_be_visible(timeout=SECONDS)
    page.get_by_role("button", name="Take out of trash").click()
    expect(page.locator("#live .state").first).to_contain_text("Stopped", timeout=SECONDS)


def test_a_form_with_a_mistake_says_where_and_keeps_what_was_typed(page: Page, cloud: LabCloud) -> None:
    page.goto("/virtual-machines/new/")
    page.get_by_role("textbox", name="Name", exact=True).fill("kept")
    page.locator("#advanced > summary").click()
    page.get_by_label("User data").fill("#cloud-config\n: [")
    page.get_by_role("main").get_by_role("button", name="Create VM").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("kept")


def test_a_page_fits_a_phone(page: Page, cloud: LabCloud) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    for path in ("/", "/virtual-machines/new/"):
        page.goto(path)
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(wide), path
