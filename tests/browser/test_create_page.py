"""The page that creates machines, the palette and the shortcuts, in a real browser on simulated hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect

from tests.browser.inspection import context_of, violations
from tests.browser.pages import MEMBER
from tests.browser.site import Site

pytestmark = [pytest.mark.browser]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NEW = "/virtual-machines/new/"
MACHINE = re.compile(r"/virtual-machines/[0-9a-f-]{36}/$")


def _is_fault(message: ConsoleMessage) -> bool:
    """Requests that a page gave up as it was left are none, nor is a session that was lost on purpose."""
    usual = message.text.startswith("htmx:") or "status of 401" in message.text
    return message.type == "error" and not usual


@pytest.fixture
def member(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of a member of an account; no script may fail on it."""
    faults: list[str] = []
    context = context_of(browser, site.stack.url, session=site.sessions[MEMBER])
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if _is_fault(message) else None)
    yield page
    context.close()
    assert faults == []


def test_three_presses_lead_from_home_to_a_machine(member: Page) -> None:
    member.goto("/")
    member.get_by_role("link", name="Create VM").first.click()
    expect(member.locator("#verdict")).to_contain_text("Fits:")
    member.locator("#create").click()
    member.wait_for_url(MACHINE)


def test_by_keyboard_alone_and_the_dry_run_follows(member: Page) -> None:
    member.goto("/")
    member.keyboard.press("c")
    member.wait_for_url(f"**{NEW}")
    sizes = member.get_by_role("radio").and_(member.locator("[name=offering]"))
    sizes.first.focus()
    before = member.locator("#summary dd").nth(2).inner_text()
    member.keyboard.press("ArrowDown")
    expect(sizes.nth(1)).to_be_checked()
    expect(member.locator("#summary dd").nth(2)).not_to_have_text(before)
    name = member.get_by_label("Name", exact=True)
    name.focus()
    member.keyboard.press("Control+A")
    member.keyboard.type("by keyboard")
    expect(member.locator("#summary")).to_contain_text("by keyboard")
    expect(name).to_be_focused()
    member.keyboard.press("Enter")
    member.wait_for_url(MACHINE)
    expect(member.get_by_role("heading", level=1)).to_have_text("by keyboard")


def test_what_cannot_fit_is_mended_in_place(member: Page) -> None:
    member.goto(NEW)
    member.get_by_label("Name", exact=True).fill("kept")
    member.locator("#advanced > summary").click()
    member.locator("#id_account").select_option(label="Εργαστήριο Βιολογίας")
    member.get_by_label("How many").fill("100")
    member.get_by_role("radio").and_(member.locator("[name=offering]")).last.check()
    use = member.locator("#verdict [data-use]").first
    use.click()
    expect(member.locator("#verdict [data-use]")).to_have_count(0)
    expect(member.locator("#verdict")).to_contain_text("Fits:")
    expect(member.get_by_label("Name", exact=True)).to_have_value("kept")


def test_drafts_survive_another_language_and_a_lost_session(member: Page, site: Site) -> None:
    member.goto(NEW)
    member.get_by_label("Name", exact=True).fill("draft")
    member.locator("#advanced > summary").click()
    member.get_by_label("User data").fill("#!/bin/sh\necho 1\n")
    member.get_by_role("button", name="Ελληνικά").click()
    expect(member.locator("html")).to_have_attribute("lang", "el")
    expect(member.locator("#id_name")).to_have_value("draft")
    expect(member.locator("#id_user_data")).to_have_value("#!/bin/sh\necho 1\n")
    session = member.context.cookies()
    member.context.clear_cookies(name="sessionid")
    with suppress(Error):  # the page may notice by itself, and be gone before the click
        member.locator("#create").click(timeout=5_000)
    member.wait_for_url("**/login/**")
    member.context.add_cookies([cookie for cookie in session if cookie["name"] == "sessionid"])  # type: ignore[misc]
    member.goto(NEW)
    expect(member.locator("#id_name")).to_have_value("draft")
    expect(member.locator("[data-keep-note]")).to_be_visible()
    member.locator("#create").click()
    member.wait_for_url(MACHINE)
    member.goto(NEW)
    expect(member.locator("#id_name")).not_to_have_value("draft")


def test_a_key_is_made_downloaded_and_ticked_without_leaving_the_page(member: Page) -> None:
    member.goto(NEW)
    member.get_by_label("Name", exact=True).fill("with a key")
    if not member.locator("#new-key").evaluate("box => box.open"):
        member.locator("#new-key > summary").click()
    member.get_by_label("Name of the new key").fill("made here")
    with member.expect_download() as download:
        member.get_by_role("button", name="Make a key").click()
    assert download.value.path().read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    expect(member.get_by_role("checkbox", name="made here")).to_be_checked()
    expect(member.get_by_label("Name", exact=True)).to_have_value("with a key")
    member.locator("#create").click()
    member.wait_for_url(MACHINE)


def test_without_a_script_everything_works(browser: Browser, site: Site) -> None:
    context = browser.new_context(base_url=site.stack.url, java_script_enabled=False, locale="en-GB")
    context.add_cookies([{"name": "sessionid", "value": site.sessions[MEMBER], "url": site.stack.url}])
    page = context.new_page()
    page.goto(NEW)
    page.get_by_label("Name", exact=True).fill("no script")
    page.get_by_role("radio").and_(page.locator("[name=offering]")).nth(1).check()
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#summary")).to_contain_text("no script")
    expect(page.get_by_label("Name", exact=True)).to_have_value("no script")
    page.locator("#create").click()
    page.wait_for_url(MACHINE)
    page.goto("/search/")
    page.get_by_role("searchbox").fill("no script")
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.get_by_role("link", name="no script").first.click()
    page.wait_for_url(MACHINE)
    context.close()


def test_the_palette_finds_and_goes_by_keyboard(member: Page, site: Site) -> None:
    member.goto("/ssh-keys/")
    member.keyboard.press("Control+k")
    box = member.get_by_role("combobox", name="Find or do")
    expect(box).to_be_focused()
    expect(member.locator("#palette [role=option]").first).to_have_attribute("aria-selected", "true")
    assert violations(member, "palette", TAGS) == []
    member.keyboard.type("trash")
    expect(member.locator("#palette [role=option]")).to_have_count(1)
    active = box.get_attribute("aria-activedescendant")
    assert active
    expect(member.locator(f"#{active}")).to_have_text("Trash")
    member.keyboard.press("Enter")
    member.wait_for_url("**/trash/")
    member.keyboard.press("Control+k")
    member.keyboard.press("Escape")
    expect(member.locator("#palette")).not_to_be_visible()


def test_the_palette_shows_that_nothing_is_found(member: Page, site: Site) -> None:
    member.goto("/ssh-keys/")
    member.keyboard.press("Control+k")
    said = member.locator("#palette [data-said]")
    expect(said).to_contain_text("found")
    expect(said).to_have_class(re.compile("visually-hidden"))
    member.keyboard.type("there is no such thing")
    expect(said).to_have_text("Nothing found")
    expect(said).not_to_have_class(re.compile("visually-hidden"))


def test_enter_before_the_palette_has_answered_does_nothing_but_search(member: Page, site: Site) -> None:
    member.goto(f"/virtual-machines/{site.objects['stopped']}/")
    member.keyboard.press("Control+k")
    expect(member.get_by_role("group", name="On this page").get_by_role("option").first).to_be_visible()
    member.route("**/search/palette/**", lambda _route: None)  # never answered
    member.keyboard.type("web")
    member.keyboard.press("Enter")
    member.wait_for_url("**/search/?*q=web*")


def test_shortcuts_work_on_a_keyboard_that_is_set_to_greek(member: Page) -> None:
    member.goto("/ssh-keys/")
    press = """([key, code, ctrlKey]) => document.body.dispatchEvent(
      new KeyboardEvent("keydown", { key, code, ctrlKey, bubbles: true, cancelable: true }))"""
    member.evaluate(press, ["κ", "KeyK", True])
    expect(member.locator("#palette")).to_be_visible()
    member.keyboard.press("Escape")
    member.evaluate(press, ["γ", "KeyG", False])
    member.evaluate(press, ["τ", "KeyT", False])
    member.wait_for_url("**/trash/")


def test_the_palette_remembers_pages_and_acts_on_the_one_that_is_open(member: Page, site: Site) -> None:
    path = f"/virtual-machines/{site.objects['stopped']}/"
    member.goto(path)
    name = member.get_by_role("heading", level=1).inner_text()
    member.goto("/ssh-keys/")
    member.keyboard.press("Control+k")
    expect(member.get_by_role("group", name="Lately").get_by_role("option", name=name)).to_be_visible()
    member.keyboard.press("Escape")
    member.goto(path)
    member.keyboard.press("Control+k")
    expect(member.get_by_role("group", name="On this page")).to_be_visible()
    member.keyboard.type("start")
    expect(member.get_by_role("group", name="On this page").get_by_role("option")).to_have_count(1)
    member.keyboard.press("Enter")
    member.wait_for_url(f"**{path}")
    expect(member.get_by_role("main")).to_contain_text(re.compile("Starting|Running"), timeout=30_000)


def test_single_keys_act_but_never_while_typing_and_can_be_switched_off(member: Page) -> None:
    member.goto("/virtual-machines/")
    member.keyboard.press("j")
    member.keyboard.press("j")
    expect(member.locator("table.list tbody th a").nth(1)).to_be_focused()
    member.keyboard.press("k")
    expect(member.locator("table.list tbody th a").first).to_be_focused()
    member.keyboard.press("/")
    member.keyboard.type("c?g")
    expect(member.locator("#list-filters input[type=search]")).to_have_value("c?g")
    member.goto("/ssh-keys/")
    member.keyboard.press("g")
    member.keyboard.press("t")
    member.wait_for_url("**/trash/")
    member.keyboard.press("?")
    member.get_by_role("dialog").get_by_role("button", name="Switch single keys off").click()
    member.wait_for_url("**/trash/")
    expect(member.locator("html")).to_have_attribute("data-keys", "off")
    member.keyboard.press("c")
    member.keyboard.press("Control+k")
    expect(member.locator("#palette")).to_be_visible()
    assert member.url.endswith("/trash/")
