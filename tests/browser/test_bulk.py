"""Acting on many machines at once, in a browser on simulated hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.inspection import NARROW, TAGS, context_of, violations
from tests.browser.pages import OPERATOR
from tests.browser.site import Site

pytestmark = pytest.mark.browser
SECONDS = 60_000


@pytest.fixture
def operator(browser: Browser, site: Site) -> Iterator[Page]:
    context = context_of(browser, site.stack.url, session=site.sessions[OPERATOR])
    yield context.new_page()
    context.close()


def test_twenty_are_stopped_and_the_one_that_is_refused_says_why(operator: Page, site: Site) -> None:
    first_page = site.stack.get("virtual-machines/?order=-created_at&limit=30")["results"]
    running = [vm["id"] for vm in first_page if vm["state"] == "Running"][:19]
    assert len(running) == 19
    chosen = [*running, next(vm["id"] for vm in first_page if vm["state"] == "Stopped")]
    operator.goto("/virtual-machines/")
    for uuid in chosen:
        operator.locator(f'input[name=id][value="{uuid}"]').check()
    expect(operator.get_by_text("20 selected")).to_be_visible()
    operator.get_by_role("button", name="Stop", exact=True).click()
    results = operator.locator("#bulk-results")
    expect(results.get_by_role("status")).to_contain_text("19 machines were taken on. 1 was refused.")
    expect(results.get_by_text("Its state is Stopped")).to_be_visible()
    expect(results.get_by_text("Done", exact=True)).to_have_count(19, timeout=SECONDS)
    assert violations(operator, "bulk results", TAGS) == []
    operator.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert violations(operator, "bulk results, phone", TAGS) == []
    states = {site.stack.get(f"virtual-machines/{uuid}/")["state"] for uuid in chosen}
    assert states == {"Stopped"}
