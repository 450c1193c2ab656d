"""Chromium, a whole portal and real test hosts, once for all browser tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.site import Site
from tests.cloud import LabCloud
from tests.lab import Lab
from tests.stack import Stack

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="package")
def cloud(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCloud]:
    folder: Path = tmp_path_factory.mktemp("browser")
    with Stack(folder) as stack:
        cloud = LabCloud(stack, lab, hosts=1)
        yield cloud
        cloud.remove_machines()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A campus on simulated hosts: pages without real machines behind them."""
    with Stack(tmp_path_factory.mktemp("site"), short_workers=2) as stack:
        yield Site(stack)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert program, "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, cloud: LabCloud) -> Iterator[Page]:
    """A page of somebody who has just logged in by a link."""
    context = browser.new_context(base_url=cloud.stack.url, locale="en-GB")
    page = context.new_page()
    link = cloud.stack.manage("login_link", "--user", "admin").strip().splitlines()[-1]
    page.goto(link)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login/" not in url)
    yield page
    context.close()
