"""The built documentation: whole, plain, the same each time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from handbook.build import CURRENT, BuildFailed, build
from handbook.contents import LANGUAGES
from handbook.pages import pages
from handbook.search import SearchGreek

ORIGIN = "http://portal.test"
ELSEWHERE = {"/", "/api/v1/schema/"}
"""Addresses of the portal itself that pages point to."""


class Reader(HTMLParser):
    """What one page points to, what can be pointed to in it, and what a strict policy would not run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.inline: list[str] = []
        self.titles = 0
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.titles += tag == "h1"
        self._script = tag == "script" and "src" not in given
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.inline += [tag] if tag == "style" else []
        self.targets += [given[name] or "" for name in ("href", "src", "action") if name in given]
        self.anchors |= {value for name, value in attrs if name == "id" and value}

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.inline.append("script")
        self._script = False


def html(folder: Path) -> Iterator[tuple[str, Reader]]:
    """(address, what is in it) of every page."""
    for path in sorted(folder.rglob("*.html")):
        yield (
            f"/docs/{path.relative_to(folder).as_posix().removesuffix('index.html')}",
            Reader(path.read_text()),
        )


def test_every_link_leads_somewhere(built: Path) -> None:
    found = dict(html(built))
    broken = []
    for address, page in found.items():
        for target in page.targets:
            there = urlsplit(urljoin(ORIGIN + address, target))
            if f"{there.scheme}://{there.netloc}" != ORIGIN:
                broken.append(f"{address}: {target} is another site's")
            elif not reachable(built, there.path, unquote(there.fragment), found):
                broken.append(f"{address}: {target}")
    assert broken == []


def reachable(built: Path, path: str, fragment: str, found: dict[str, Reader]) -> bool:
    if path.startswith("/static/"):
        return finders.find(path.removeprefix("/static/")) is not None
    if path in found:
        return not fragment or fragment in found[path].anchors
    return path in ELSEWHERE or (
        path.startswith("/docs/") and (built / path.removeprefix("/docs/")).is_file()
    )


def test_nothing_in_a_page_needs_more_than_the_strict_policy(built: Path) -> None:
    assert {address: page.inline for address, page in html(built) if page.inline} == {}
    texts = {path.name: path.read_text() for path in built.rglob("*.js")}
    assert {"doctools.js", "searchtools.js", "searchindex.js"} <= set(texts)
    assert [name for name, text in texts.items() if re.search(r"\beval\(|\bFunction\(", text)] == []


def test_every_page_has_one_heading_of_the_first_level(built: Path) -> None:
    assert {address: page.titles for address, page in html(built) if page.titles != 1} == {}


def test_the_index_names_every_page_with_its_title(built: Path) -> None:
    entries = json.loads((built / "index.json").read_text())
    searches = {f"/docs/{language}/search/" for language in LANGUAGES}
    assert {entry["address"] for entry in entries} == {address for address, _page in html(built)} - searches
    assert {
        "title": "The quota is used up",
        "address": "/docs/en/errors/quota_exceeded/",
        "language": "en",
    } in entries


def test_nothing_of_the_site_or_of_this_machine_is_in_the_pages(built: Path) -> None:
    secret = settings.SECRET_KEY
    for path in built.rglob("*"):
        if path.suffix in {".html", ".js", ".json", ".css"}:
            text = path.read_text()
            assert secret not in text, path
            assert str(settings.BASE_DIR) not in text, path
            assert str(built.parent) not in text, path


def test_greek_words_are_found_in_other_forms_and_without_accents() -> None:
    stem = SearchGreek({}).stem
    assert stem("εργασίες") == stem("εργασια") == stem("ΕΡΓΑΣΙΑ")
    assert stem("κόμβοι") == stem("κομβος")


@pytest.mark.servers
def test_the_same_checkout_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    again = build(settings.BASE_DIR, tmp_path)
    names = {path.relative_to(built) for path in built.rglob("*") if path.is_file()}
    assert names == {path.relative_to(again) for path in again.rglob("*") if path.is_file()}
    assert [
        name for name in sorted(names) if (built / name).read_bytes() != (again / name).read_bytes()
    ] == []


@pytest.mark.servers
def test_a_page_with_a_fault_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = [page for page in pages(settings.BASE_DIR, "en") if page.name in {"index", "glossary"}]
    before = tmp_path / "docs" / "build-before"
    before.mkdir(parents=True)
    (tmp_path / "docs" / CURRENT).symlink_to(before.name)
    broken = [type(small[0])("user/accessibility", "# A page\n\n[nowhere](nothing.md)\n"), *small]
    monkeypatch.setattr("handbook.build.pages", lambda *_args: broken)
    with pytest.raises(BuildFailed, match=r"user/accessibility\.md.*nothing\.md"):
        build(settings.BASE_DIR, tmp_path / "docs")
    assert (tmp_path / "docs" / CURRENT).resolve() == before
    assert [path.name for path in (tmp_path / "docs").glob("build-*")] == ["build-before"]
