"""Launching a zone in a browser, from nothing to simulated hosts that are connected; with scripts and
without."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import OPERATOR
from tests.browser.site import Site

pytestmark = pytest.mark.browser
SECONDS = 60_000


def go_on(page: Page, heading: str) -> None:
    page.get_by_role("button", name="Keep and go on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def fill_in(page: Page, zone: str, folder: Path, *, scripts: bool) -> None:
    """The wizard with simulated hosts; what is wrong is told as it is typed, or once it is sent."""
    page.goto("/launch/steps/zone/")
    page.get_by_label("Zone", exact=True).fill(zone)
    go_on(page, "Pod")
    page.get_by_label("Gateway").fill("10.77.0.1")
    first = page.get_by_label("First address for machines")
    first.fill("10.78.0.10")
    if not scripts:
        go_on(page, "Pod")
    expect(page.locator("#id_guest_start_error")).to_contain_text("not a usable address of 10.77.0.0/24")
    expect(first).to_have_attribute("aria-invalid", "true")
    first.fill("10.77.0.10")
    if scripts:
        expect(page.locator("#id_guest_start_error")).to_be_empty()
    page.get_by_label("Last address for machines").fill("10.77.0.99")
    go_on(page, "Cluster")
    page.get_by_label("What runs the machines").select_option("simulator")
    go_on(page, "Hosts")
    expect(page.get_by_label("SSH port")).to_be_hidden()
    page.get_by_label("How many simulated hosts").fill("2")
    go_on(page, "Primary storage")
    expect(page.get_by_label("Server")).to_be_hidden()
    go_on(page, "Secondary storage")
    page.get_by_label("Path").fill(str(folder))
    go_on(page, "Review")


def _are_up(site: Site, zone: str) -> bool:
    (found,) = site.stack.get(f"zones/?{urlencode({'q': zone})}")["results"]
    hosts = site.stack.get(f"hosts/?zone={found['id']}")["results"]
    return [host["state"] for host in hosts] == ["Up", "Up"]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_zone_is_launched_from_nothing(site: Site, tmp_path: Path, browser: Browser, scripts: bool) -> None:
    zone = f"Ζώνη {scripts}"
    context = browser.new_context(base_url=site.stack.url, locale="en", java_script_enabled=scripts)
    cookie = {"name": "sessionid", "value": site.sessions[OPERATOR], "url": site.stack.url}
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.goto("/launch/discard/")
    page.get_by_role("main").get_by_role("button", name="Throw it away").click()
    fill_in(page, zone, tmp_path / "secondary", scripts=scripts)
    page.get_by_role("button", name=f"Launch {zone}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Launching {zone}")
    site.stack.wait(lambda: _are_up(site, zone), "both hosts are up")
    if not scripts:
        page.reload()
    expect(page.get_by_text("2 of 2")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("Ready: the portal can write there.")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("Ready: it holds")).to_be_visible(timeout=SECONDS)
    context.close()
