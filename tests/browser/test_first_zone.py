"""The whole way in a browser, on a real test host: a login link, a zone from nothing, an image, a machine
that answers; then stop, trash, undo. Once at a desk in English, once on a phone in Greek."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import gettext
from playwright.sync_api import Browser, Page, expect

from apps.zones.keys import fingerprint
from tests.browser.inspection import NARROW, WIDE
from tests.cloud import tiny_image
from tests.lab import Lab
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.lab]
SECONDS = 90_000  # in Playwright's milliseconds: two cores, no hardware virtualisation
MACHINE = re.compile(r"/virtual-machines/[0-9a-f-]{36}/$")


class Reader:
    """Somebody at a page in their language; what they press is given in English and
    looked for as it is shown."""

    def __init__(self, page: Page, language: str) -> None:
        self.page, self.language = page, language

    def says(self, text: str, **params: object) -> str:
        with translation.override(self.language):
            return gettext(text) % params if params else gettext(text)

    def fill(self, field: str, text: str) -> None:
        self.page.locator(f"main [name={field}]").fill(text)

    def choose(self, field: str, value: str) -> None:
        self.page.locator(f"main [name={field}]").select_option(value)

    def press(self, label: str, **params: object) -> None:
        name = self.says(label, **params)
        self.page.get_by_role("main").get_by_role("button", name=name, exact=True).first.click()

    def confirm(self, label: str) -> None:
        dialog = self.page.locator("dialog[open]")
        dialog.get_by_role("button", name=self.says(label)).click()

    def sees(self, text: str, **params: object) -> None:
        expect(self.page.get_by_text(self.says(text, **params)).first).to_be_visible(timeout=SECONDS)


@pytest.fixture(params=[("en", WIDE), ("el", NARROW)], ids=["English, wide", "Greek, phone"])
def reader(request: pytest.FixtureRequest, browser: Browser, empty: Stack) -> Iterator[Reader]:
    """The operator of an empty cloud, who has just logged in by a link."""
    language, size = request.param
    context = browser.new_context(base_url=empty.url, locale=language, viewport=size)
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    reader = Reader(page, language)
    page.goto(empty.manage("login_link", "--user", "admin").strip().splitlines()[-1])
    reader.press("Log in")
    page.wait_for_url(f"{empty.url}/")
    yield reader
    context.close()


@pytest.fixture
def empty(lab: Lab, tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path) as stack:
        yield stack


def _launch(reader: Reader, stack: Stack, lab: Lab, folder: Path) -> None:
    """Through the wizard, with a wrong port at first, which is corrected where it is told."""
    host = lab.address(0)
    reader.page.goto("/launch/steps/zone/")
    reader.fill("name", "Αθήνα 1")
    reader.press("Keep and go on")
    reader.fill("gateway", lab.guest_gateway)
    reader.fill("netmask", str(lab.guest_network.netmask))
    reader.fill("guest_start", str(lab.guest_network[20]))
    reader.fill("guest_end", str(lab.guest_network[60]))
    reader.fill("bridge", lab.guest_bridge)
    reader.press("Keep and go on")
    reader.choose("hypervisor", "kvm")
    reader.press("Keep and go on")
    reader.choose("where", "network")
    reader.fill("hosts", f"{host.name} {host.address}")
    reader.fill("port", "9")
    reader.choose("key", "own")
    reader.fill("private_key", lab.private_key.read_text())
    reader.press("Keep and go on")
    reader.fill("path", str(folder / "primary"))
    reader.press("Keep and go on")
    reader.fill("path", str(folder / "secondary"))
    reader.press("Keep and go on")
    reader.press("Launch %(name)s", name="Αθήνα 1")
    reader.page.get_by_role("link", name=reader.says("Correct and go on")).click()
    reader.fill("port", str(host.port))
    reader.press("Connect again")
    expect(reader.page.get_by_text(fingerprint(host.host_key))).to_be_visible(timeout=SECONDS)
    stack.python(
        "from apps.zones.models import Host\n"
        f"Host.objects.update(extra={{'work_dir': {host.work_dir!r}}})"  # hosts of the lab share a root
    )
    reader.press("Trust the key of %(name)s", name=host.name)
    reader.sees("Ready: the portal can write there.")
    expect(reader.page.get_by_text(reader.says("Up"), exact=True).first).to_be_visible(timeout=SECONDS)


def _add_image(reader: Reader) -> None:
    reader.page.get_by_role("main").get_by_role("link", name=reader.says("Add an image")).click()
    reader.fill("name", "tiny")
    reader.page.locator("main input[type=file]").set_input_files(tiny_image())
    reader.press("Add the image")
    expect(reader.page.get_by_text(reader.says("Ready"), exact=True).first).to_be_visible(timeout=SECONDS)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=2) as answer:
            return bool(answer.read())
    except OSError:
        return False


def test_from_nothing_to_a_machine_and_back(reader: Reader, empty: Stack, lab: Lab, tmp_path: Path) -> None:
    folder = lab.shared / tmp_path.name
    for name in ("primary", "secondary"):
        (folder / name).mkdir(parents=True)
    page = reader.page
    _launch(reader, empty, lab, folder)
    _add_image(reader)
    page.goto("/")
    page.get_by_role("link", name=reader.says("Create VM")).first.click()
    page.locator("#create").click()
    page.wait_for_url(MACHINE)
    state = page.locator("#live .state").first
    expect(state).to_contain_text(reader.says("Running"), timeout=SECONDS)
    (vm,) = empty.get("virtual-machines/")["results"]
    empty.wait(lambda: _answers(vm["ip"]), "the machine answers", seconds=90)
    reader.press("Stop")
    expect(state).to_contain_text(reader.says("Stopped"), timeout=SECONDS)
    page.get_by_role("main").get_by_role("link", name=reader.says("Move to trash")).click()
    reader.confirm("Move to trash")
    reader.sees("Destroyed")
    page.goto("/trash/")
    page.locator("main button[name=one]").first.click()
    there = f"virtual-machines/{vm['id']}/"
    empty.wait(lambda: empty.get(there)["state"] == "Stopped", "the machine is out of the trash")
    for verb in ("destroy", "expunge"):
        assert empty.job(empty.post(f"{there}{verb}/"))["state"] == "done"
