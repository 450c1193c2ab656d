"""Lists in a browser: what changes without a new page, and what Back brings back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Response, Route, expect

from tests.browser.inspection import context_of
from tests.browser.pages import OPERATOR
from tests.browser.site import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = context_of(browser, site.stack.url, session=site.sessions[OPERATOR])
    page = context.new_page()
    page.goto("/virtual-machines/")
    yield page
    context.close()


def test_sorting_and_searching_change_the_table_alone_and_back_brings_the_list_back(page: Page) -> None:
    first = page.locator("#list-table tbody th").first
    newest = first.inner_text()
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Name", exact=True).click()
    page.wait_for_url(re.compile("order=name"))
    expect(page.locator("#list-table th[aria-sort=ascending]")).to_have_text("Name")
    page.get_by_role("searchbox", name="Name").fill("quux-of-nobody")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    assert page.evaluate("window.same")
    page.go_back()
    expect(first).to_be_visible()
    page.go_back()
    page.wait_for_url(re.compile("/virtual-machines/$"))
    expect(first).to_have_text(newest)


def test_what_lies_behind_a_dialog_changes_when_it_is_closed(page: Page) -> None:
    first = page.locator("#list-table tbody th").first
    newest = first.inner_text()
    with page.expect_response(lambda response: "quux-of-nobody" in response.url):
        page.get_by_role("searchbox", name="Name").fill("quux-of-nobody")
        page.keyboard.press("Control+k")
    page.wait_for_timeout(500)
    expect(first).to_have_text(newest)
    page.keyboard.press("Escape")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


@pytest.mark.parametrize("late", ["what the reader asks for", "what keeps the list fresh"])
def test_what_a_reader_asks_for_is_shown_whatever_keeps_the_list_fresh_meanwhile(
    page: Page, late: str
) -> None:
    def answer(route: Route) -> None:
        fresh = "x-live" in route.request.headers
        if fresh == (late == "what keeps the list fresh"):
            page.wait_for_timeout(500)
        route.continue_()

    page.route(re.compile(r"/virtual-machines/(\?|$)"), answer)
    follow = "htmx.trigger('#list-table', 'cp:changed')"
    sort = "document.querySelector('#list-table a.list-sort').click()"
    page.evaluate(f"{sort}; {follow}" if late == "what the reader asks for" else f"{follow}; {sort}")
    expect(page.locator("#list-table th[aria-sort=ascending]")).to_have_text("Name")
    page.wait_for_timeout(1000)
    expect(page.locator("#list-table th[aria-sort=ascending]")).to_have_text("Name")


def test_what_is_selected_while_the_list_is_fetched_stays_selected(page: Page) -> None:
    row = page.locator("#list-table tbody tr").first
    row.evaluate("row => row.dataset.before = ''")
    fetch = "htmx.trigger('#list-table', 'cp:changed')"
    select = "document.querySelector('#list-table tbody input').click()"

    def asked(response: Response) -> bool:
        return "x-live" in response.request.headers

    with page.expect_response(asked):
        page.evaluate(f"{fetch}; {select}")
    page.wait_for_timeout(500)
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(page.locator("#list-table [data-before]")).to_have_count(1)
    with page.expect_response(asked):
        row.get_by_role("checkbox").uncheck()
