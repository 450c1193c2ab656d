"""The labels of narrow pages: no word of one is broken, whatever the language."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.inspection import LANGUAGES, context_of
from tests.browser.pages import OPERATOR
from tests.browser.site import Site

pytestmark = [pytest.mark.browser]
PHONE = {"width": 360, "height": 740}
LISTS = ("/virtual-machines/", "/jobs/", "/templates/", "/trash/", "/ssh-keys/")

_BROKEN_CELLS = """() => {
  const pen = document.createElement("canvas").getContext("2d");
  return [...document.querySelectorAll("table.list tbody [data-label]")].filter((cell) => {
    const label = getComputedStyle(cell, "::before");
    pen.font = label.font;
    const longest = Math.max(...cell.dataset.label.split(/\\s+/).map((word) => pen.measureText(word).width));
    return longest > parseFloat(label.width) + 0.5;
  }).map((cell) => cell.dataset.label);
}"""
_BROKEN_TERMS = """() => [...document.querySelectorAll("dl.facts dt")].filter((term) => {
  const range = document.createRange();
  range.selectNodeContents(term);
  const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
  return lines > term.textContent.trim().split(/\\s+/).length;
}).map((term) => term.textContent)"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_of_a_label_is_broken_on_a_phone(browser: Browser, site: Site, language: str) -> None:
    context = context_of(browser, site.stack.url, session=site.sessions[OPERATOR], language=language)
    page = context.new_page()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    machine = f"/virtual-machines/{site.objects['running']}/"
    seen, broken = 0, {}
    mapping = f"/directories/{site.objects['directory']}/mapping/"
    for path in (*LISTS, machine, mapping, f"{mapping.removesuffix('mapping/')}runs/"):
        page.goto(path)
        seen += page.locator("table.list tbody [data-label], dl.facts dt").count()
        if words := page.evaluate(_BROKEN_CELLS) + page.evaluate(_BROKEN_TERMS):
            broken[path] = sorted(set(words))
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    context.close()
    assert seen
    assert broken == {}


def test_the_form_of_a_rule_shows_what_belongs_to_the_chosen_kind(browser: Browser, site: Site) -> None:
    path = f"/directories/{site.objects['directory']}/mapping/new/"
    fields = ("group", "base", "attribute", "value", "account", "domain", "template")
    shown = {
        ("group", "account"): {"group", "account"},
        ("attribute", "grant"): {"attribute", "value", "domain"},
        ("ou", "template"): {"base", "domain", "template"},
    }
    context = context_of(browser, site.stack.url, session=site.sessions[OPERATOR])
    page = context.new_page()
    page.goto(path)
    for (match, gives), wanted in shown.items():
        page.locator("#id_match").select_option(match)
        page.locator("#id_gives").select_option(gives)
        assert {name for name in fields if page.locator(f"#id_{name}").is_visible()} == wanted
        limits = page.get_by_text("Limits of each member")
        assert limits.is_visible() == (gives != "grant")
    context.close()
    plain = browser.new_context(base_url=site.stack.url, java_script_enabled=False)
    plain.add_cookies([{"name": "sessionid", "value": site.sessions[OPERATOR], "url": site.stack.url}])
    bare = plain.new_page()
    bare.goto(path)
    assert all(bare.locator(f"#id_{name}").is_visible() for name in fields)
    plain.close()
