"""The documentation in a browser: no barrier, nothing that the content policy stops, a search that finds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import Browser, Page, expect

from tests.browser.inspection import LANGUAGES, context_of, inspect
from tests.documentation import build_once

pytestmark = pytest.mark.browser
PAGES = (
    "",
    "user/create-a-machine/",
    "operator/settings/",
    "errors/",
    "errors/invalid_input/",
    "errors/insufficient_capacity/",
    "glossary/",
)
ENGLISH = ("api/", "api/virtual-machines/", "developer/architecture/")
SEARCHES = [
    ("en", "quotas", "user/quotas/"),
    ("en", "quota_exceeded", "errors/quota_exceeded/"),
    ("el", "όρια χρήσης", "user/quotas/"),
    ("el", "ΚΛΕΙΔΙ ssh", "user/ssh-keys/"),
    ("el", "κομβους", "operator/hosts/"),
]


class Threaded(ThreadingMixIn, WSGIServer):
    """A browser opens connections ahead and says nothing on them: the others are served meanwhile."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """Where the portal serves the built pages; neither its database nor its workers are needed."""
    built = build_once(tmp_path_factory, worker_id)
    usual = settings.VAR
    settings.VAR = built.parent.parent
    assert (Path(settings.VAR) / "docs" / "current").resolve() == built
    with make_server("127.0.0.1", 0, get_wsgi_application(), Threaded, Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
    settings.VAR = usual


@pytest.fixture
def heard() -> list[str]:
    """What a browser complained of: scripts that failed, files refused or missing."""
    return []


def page_of(browser: Browser, address: str, language: str, heard: list[str]) -> Page:
    page = context_of(browser, address, language=language).new_page()
    page.on("pageerror", lambda error: heard.append(f"{page.url}: {error}"))
    page.on(
        "console", lambda said: heard.append(f"{page.url}: {said.text}") if said.type == "error" else None
    )
    return page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_are_open_to_everybody(
    browser: Browser, address: str, language: str, heard: list[str]
) -> None:
    page = page_of(browser, address, language, heard)
    faults: list[str] = []
    for name in (*PAGES, *(ENGLISH if language == "en" else ())):
        label = f"docs-{name.strip('/').replace('/', '-') or 'home'}"
        faults += [str(fault) for fault in inspect(page, f"/docs/{language}/{name}", label, language)]
    page.context.close()
    assert faults + heard == []


@pytest.mark.parametrize(("language", "words", "expected"), SEARCHES)
def test_the_search_finds_words_in_any_form_with_accents_or_without(
    browser: Browser, address: str, language: str, words: str, expected: str, heard: list[str]
) -> None:
    page = page_of(browser, address, language, heard)
    page.goto(f"/docs/{language}/")
    page.get_by_role("search").get_by_role("searchbox").fill(words)
    page.keyboard.press("Enter")
    found = page.locator(f"#search-results a[href$='{expected}']")
    expect(found.first).to_be_visible()
    found.first.click()
    page.wait_for_url(f"**/docs/{language}/{expected}*")
    page.context.close()
    assert heard == []


def test_the_search_speaks_greek_and_has_no_barrier(browser: Browser, address: str, heard: list[str]) -> None:
    page = page_of(browser, address, "el", heard)
    faults = inspect(page, "/docs/el/search/?q=κόμβος", "docs-search", "el")
    expect(page.locator("#search-results h2")).to_have_text("Αποτελέσματα Αναζήτησης")
    page.context.close()
    assert [str(fault) for fault in faults] + heard == []


def test_an_address_without_a_language_and_the_switch_keep_the_page(
    browser: Browser, address: str, heard: list[str]
) -> None:
    page = page_of(browser, address, "el", heard)
    page.goto("/docs/errors/pool_full/")
    assert page.url.endswith("/docs/el/errors/pool_full/")
    page.get_by_role("link", name="English", exact=True).click()
    page.wait_for_url("**/docs/en/errors/pool_full/")
    expect(page.get_by_role("heading", level=1)).to_have_text("The storage is full")
    page.context.close()
    assert heard == []


def test_the_look_chosen_in_the_portal_holds_here(browser: Browser, address: str, heard: list[str]) -> None:
    page = page_of(browser, address, "en", heard)
    page.context.add_cookies([{"name": "theme", "value": "dark", "url": address}])
    page.goto("/docs/en/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.context.close()
    assert heard == []
