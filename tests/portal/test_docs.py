"""The documentation as the portal serves it: to everybody, under the portal's own content policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client

from apps.core.messages import explain
from apps.core.middleware import ContentSecurityPolicy


@pytest.fixture
def site(tmp_path: Path, settings: object) -> Path:
    """A small build where the portal looks for it."""
    pages = tmp_path / "docs" / "build-1"
    for language in ("en", "el"):
        (pages / language / "errors" / "pool_full").mkdir(parents=True)
        (pages / language / "index.html").write_text(f"home {language}")
        (pages / language / "errors" / "pool_full" / "index.html").write_text(f"pool_full {language}")
        (pages / language / "searchindex.js").write_text("Search.setIndex({})")
    (pages / "index.json").write_text("[]")
    (pages / "en" / "notes.txt").write_text("not a kind of file that is served")
    (tmp_path / "secret.html").write_text("what the site keeps")
    (tmp_path / "docs" / "built").write_text("a record")
    (tmp_path / "docs" / "current").symlink_to("build-1")
    settings.VAR = tmp_path  # type: ignore[attr-defined]
    return pages


def get(address: str, language: str = "en", **headers: str) -> HttpResponse:
    answer: HttpResponse = Client(headers={"accept-language": language, **headers}).get(address)  # type: ignore[assignment]
    return answer


@pytest.mark.parametrize("language", ["en", "el"])
def test_an_address_without_a_language_leads_to_the_readers(site: Path, language: str) -> None:
    assert get("/docs/", language)["Location"] == f"/docs/{language}/"
    assert (
        get("/docs/errors/pool_full/?a=1", language)["Location"] == f"/docs/{language}/errors/pool_full/?a=1"
    )


def test_nobody_has_to_be_logged_in(site: Path) -> None:
    answer = get("/docs/el/errors/pool_full/", "en")
    assert answer.status_code == 200
    assert answer.content == b"pool_full el"
    assert answer["Content-Language"] == "el"
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert "Cookie" not in answer.get("Vary", "")


def test_the_portals_content_policy_holds(site: Path) -> None:
    for address in ("/docs/en/", "/docs/en/searchindex.js", "/docs/index.json"):
        assert get(address)["Content-Security-Policy"] == ContentSecurityPolicy.POLICY
    assert "unsafe" not in ContentSecurityPolicy.POLICY


def test_a_browser_that_has_a_page_gets_it_once(site: Path) -> None:
    first = get("/docs/en/")
    assert first["Cache-Control"] == "no-cache"
    again = get("/docs/en/", **{"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_folder_without_its_slash_leads_to_the_page(site: Path) -> None:
    assert get("/docs/en/errors/pool_full")["Location"] == "/docs/en/errors/pool_full/"


@pytest.mark.parametrize(
    "address",
    [
        "/docs/en/nothing/",
        "/docs/en/errors/",
        "/docs/en/notes.txt",
        "/docs/en/../../secret.html",
        "/docs/en/../../../secret.html",
        "/docs/en/%2e%2e/%2e%2e/%2e%2e/secret.html",
        "/docs/en/..%2f..%2f..%2fbuilt",
        "/docs/en//etc/passwd",
        "/docs/en/index.html%00.js",
    ],
)
def test_nothing_else_is_served(site: Path, address: str) -> None:
    answer = get(address)
    assert answer.status_code == 404
    assert b"what the site keeps" not in answer.content
    assert b"a record" not in answer.content


def test_only_reading_is_allowed(site: Path) -> None:
    assert Client().post("/docs/en/").status_code == 405


def test_a_site_without_the_pages_says_how_they_are_built(tmp_path: Path, settings: object) -> None:
    settings.VAR = tmp_path  # type: ignore[attr-defined]
    answer = get("/docs/el/", "el")
    assert answer.status_code == 404
    assert b"make up" in answer.content


def test_help_stands_in_the_same_place_of_every_page() -> None:
    for address in ("/login/", "/nothing-is-here/"):
        bar = get(address).content.decode().partition("</header>")[0]
        assert bar.count('href="/docs/"') == 1
        assert bar.index('href="/docs/"') < bar.index('action="/i18n/setlang/"')


def test_what_cannot_be_answered_leads_to_the_page_of_its_code() -> None:
    assert 'href="/docs/errors/not_found/"' in get("/nothing-is-here/").content.decode()
    problem = explain("quota_exceeded", {})
    assert problem.documentation == "/docs/errors/quota_exceeded/"
    told = render_to_string("components/problem.html", {"problem": problem})
    assert 'href="/docs/errors/quota_exceeded/"' in told
    assert "/docs/errors/internal/" in render_to_string("500.html", {})


def test_the_type_of_a_problem_of_the_api_is_the_page_of_its_code() -> None:
    assert get("/api/v1/nothing/").json()["type"] == "/docs/errors/not_found/"  # type: ignore[attr-defined]
    told = get("/api/v1/problems/pool_full/").json()  # type: ignore[attr-defined]
    assert told["documentation"] == "/docs/errors/pool_full/"
