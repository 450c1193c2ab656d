"""From nothing to a machine that runs, in a browser, on a real test host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from apps.zones.keys import fingerprint
from bootstrap.api import Api
from tests.browser.test_launch import go_on
from tests.cloud import tiny_image
from tests.lab import Lab
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.lab]
SECONDS = 120_000  # in Playwright's milliseconds: two cores, no hardware virtualisation


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path) as stack:
        yield stack
        for vm in stack.get("virtual-machines/")["results"]:
            for verb in ("destroy", "expunge"):
                stack.job(stack.post(f"virtual-machines/{vm['id']}/{verb}/"), seconds=90)


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.url, locale="en-GB")
    page = context.new_page()
    page.goto(stack.manage("login_link", "--user", "admin").strip().splitlines()[-1])
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{stack.url}/")
    yield page
    context.close()


def fill_in(page: Page, lab: Lab, storage: Path) -> None:
    """The wizard for the lab's first host, with a wrong port at first."""
    host, network = lab.address(0), lab.guest_network
    page.goto("/launch/")
    page.get_by_role("link", name="Begin").click()
    go_on(page, "Pod")
    page.get_by_label("Gateway").fill(lab.guest_gateway)
    page.get_by_label("Netmask").fill(str(network.netmask))
    page.get_by_label("First address for machines").fill(str(network[20]))
    page.get_by_label("Last address for machines").fill(str(network[200]))
    page.get_by_label("Bridge on the hosts").fill(lab.guest_bridge)
    go_on(page, "Cluster")
    go_on(page, "Hosts")
    page.get_by_label("Hosts", exact=True).fill(f"node1 {host.address}")
    page.get_by_label("SSH port").fill("9")
    page.get_by_label("The key that logs in").select_option("own")
    page.get_by_label("Private key").fill(lab.private_key.read_text())
    go_on(page, "Primary storage")
    page.get_by_label("Path").fill(str(storage / "primary"))
    go_on(page, "Secondary storage")
    page.get_by_label("Path").fill(str(storage / "secondary"))
    go_on(page, "Review")


def test_a_zone_is_launched_by_wizard_and_runs_a_machine(page: Page, stack: Stack, lab: Lab) -> None:
    host, storage = lab.address(0), lab.shared / stack.folder.name
    (storage / "primary").mkdir(parents=True)
    fill_in(page, lab, storage)
    page.get_by_role("button", name="Launch Zone1").click()
    page.get_by_role("link", name="Correct and go on").click(timeout=SECONDS)
    page.get_by_label("SSH port").fill(str(host.port))
    page.get_by_role("button", name="Connect again").click()
    trust = page.get_by_role("button", name="Trust the key of node1")
    expect(trust).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text(fingerprint(host.host_key))).to_be_visible()
    stack.python(
        "from apps.zones.models import Host\n"
        f"Host.objects.update(extra={{'work_dir': {host.work_dir!r}}})"  # hosts of the lab share a root
    )
    trust.click()
    expect(page.get_by_text("Ready: it holds")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("The zone has no image yet")).to_be_visible()
    (zone,) = stack.get("zones/")["results"]
    fields = {"name": "tiny", "zone": zone["id"], "is_public": "true"}
    stack.job(Api(stack.url, stack.token).upload("templates/", fields, tiny_image()))
    expect(page.get_by_text("Zone1 is ready: create the first VM.")).to_be_visible(timeout=SECONDS)
    page.get_by_role("main").get_by_role("link", name="Create VM").click()
    page.get_by_label("Name", exact=True).fill("First")
    page.get_by_role("main").get_by_role("button", name="Create VM").click()
    expect(page.get_by_role("heading", name="First")).to_be_visible()
    (vm,) = stack.get("virtual-machines/")["results"]
    stack.wait(
        lambda: stack.get(f"virtual-machines/{vm['id']}/")["state"] == "Running", "it runs", seconds=120
    )
