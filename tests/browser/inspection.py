"""Looking at a page as its readers do: with axe, on a narrow screen, and in a picture."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page

from tests.stack import ROOT

LANGUAGES = ("en", "el")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
PICTURES = ROOT / "var" / "screenshots"
README_PICTURES = ROOT / "docs" / "images"
"""Those that the README shows come anew to PICTURES / "readme", to be looked at and copied here."""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = "node_modules/axe-core/axe.min.js"
COLOURS = ["color-contrast"]
_RUN = """only => axe.run(document, {runOnly: only, resultTypes: ["violations"]}).then(found =>
  found.violations.map(one => ({rule: one.id, nodes: one.nodes.map(node => node.html.slice(0, 200))})))"""
_THEME = "theme => { document.documentElement.dataset.bsTheme = theme }"
_TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(frozen=True)
class Finding:
    """One rule that a page breaks, in words that lead to it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@functools.cache
def _axe() -> str:
    return (ROOT / AXE).read_text()


def context_of(browser: Browser, url: str, *, session: str = "", language: str = "en") -> BrowserContext:
    """A browser of somebody with this session and language, in light colours."""
    context = browser.new_context(base_url=url, locale=language, viewport=WIDE, reduced_motion="reduce")  # type: ignore[arg-type]
    given = {"sessionid": session, "django_language": language, "theme": "light"}
    cookies = [{"name": name, "value": value, "url": url} for name, value in given.items() if value]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    return context


def violations(page: Page, where: str, only: list[str]) -> list[Finding]:
    """What axe finds wrong with the page as it stands, by rules or by tags of rules."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate(_RUN, only)
    return [Finding(where, f"{one['rule']}: {' | '.join(one['nodes'][:3])}") for one in found]


def inspect(page: Page, address: str, name: str, language: str) -> list[Finding]:
    """Open the page and look at it wide and narrow, in both themes; leave a picture of each. What is
    wrong with it. A theme changes colours and nothing else: in dark only they are looked at."""
    where = f"{name} ({language})"
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    try:
        answer = page.goto(address)
    except Error as error:
        return [Finding(where, error.message)]
    if answer is None or (answer.status >= 400 and name != "not-found"):
        return [Finding(where, f"answers {answer.status if answer else 'nothing'}")]
    faults = violations(page, where, TAGS)
    _picture(page, f"{language}-light", name)
    if language == "en" and (README_PICTURES / f"{name}.png").exists():
        page.screenshot(path=PICTURES / "readme" / f"{name}.png")
    page.evaluate(_THEME, "dark")
    faults += violations(page, f"{where}, dark", COLOURS)
    _picture(page, f"{language}-dark", name)
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    _picture(page, f"{language}-dark", f"{name}-phone")
    page.evaluate(_THEME, "light")
    _picture(page, f"{language}-light", f"{name}-phone")
    if (more := page.evaluate(_TOO_WIDE)) > 0:
        faults.append(Finding(where, f"{more} px too wide for a phone"))
    return faults + violations(page, f"{where}, phone", TAGS)


def _picture(page: Page, folder: str, name: str) -> None:
    page.screenshot(path=PICTURES / folder / f"{name}.png", full_page=True)
