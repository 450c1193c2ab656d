"""What readers feel, in a real browser whose processor is slowed down four times: when the main thing of
a page is there (largest contentful paint), and how soon the page answers to a hand (event timing)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

SLOWER = 4
RUNS = 3
WIDE = {"width": 1280, "height": 900}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
_LARGEST = """() => new Promise(done => {
  let last = 0;
  new PerformanceObserver(list => { for (const entry of list.getEntries()) last = entry.startTime; })
    .observe({type: "largest-contentful-paint", buffered: true});
  setTimeout(() => done(last), 300);
})"""
_LISTEN = """() => {
  window.slowest = 0;
  new PerformanceObserver(list => {
    const waits = list.getEntries().filter(entry => entry.interactionId).map(entry => entry.duration);
    window.slowest = Math.max(window.slowest, ...waits);
  }).observe({type: "event", durationThreshold: 16, buffered: true});
}"""


def program() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        raise RuntimeError("Chromium is missing: apt-get install chromium")
    return found


@contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program(), args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def browsing(url: str, session: str) -> Iterator[BrowserContext]:
    """A browser of somebody who is logged in."""
    with launched() as chromium:
        context = chromium.new_context(base_url=url, viewport=WIDE)  # type: ignore[arg-type]
        context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
        yield context


def _slowed(context: BrowserContext) -> Page:
    page = context.new_page()
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return page


def paint_ms(context: BrowserContext, path: str) -> list[float]:
    """Milliseconds from the start of navigation to the largest paint, of RUNS first visits."""
    found = []
    for _ in range(RUNS):
        page = _slowed(context)
        page.goto(path, wait_until="load")
        found.append(float(page.evaluate(_LARGEST)))
        page.close()
    return found


def interaction_ms(context: BrowserContext, path: str) -> float:
    """The longest wait for the next frame after a click or a key, of what every page has and of what
    this one offers: its menus, its first boxes, fields and choices, and the palette."""
    page = _slowed(context)
    page.goto(path, wait_until="load")
    page.evaluate(_LISTEN)
    page.locator("[popovertarget=look]").click()
    page.keyboard.press("Escape")
    main = page.locator("#main")
    for kind in ("input[type=checkbox]", "input[type=radio]", "summary"):
        if (first := main.locator(f"{kind}:visible").first).count():
            first.click()
    field = main.locator("input[type=search]:visible, input[type=text]:visible").first
    if field.count():
        field.press_sequentially("web", delay=60)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("web", delay=60)
    page.wait_for_timeout(800)
    slowest = float(page.evaluate("window.slowest"))
    page.close()
    return slowest
