"""Build the pages of every language with Sphinx, and let the new ones take the old ones' place at once."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from django.utils import translation

from handbook.contents import LANGUAGES, address
from handbook.pages import Page, navigation, pages
from handbook.run import PORTAL, Order, run_sphinx
from handbook.words import say

INDEX = "index.json"
CURRENT = "current"
IMAGES = "images"
"""Pictures of the portal, for the pages and the README alike."""


class BuildFailed(Exception):
    """Sphinx found fault with a page; its words are the message."""


def build(root: Path, folder: Path) -> Path:
    """Build everything from the checkout at `root` into a new folder below `folder`, and point
    `current` there. What was there stays as it is until then, and for good if a page has a fault."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="build-", dir=folder))
    made.chmod(0o755)
    try:
        with tempfile.TemporaryDirectory(prefix="source-", dir=folder) as sources:
            _build(root, Path(sources), made)
        _point(folder / CURRENT, made)
    except BaseException:
        shutil.rmtree(made)
        raise
    for old in folder.glob("build-*"):
        if old != made:
            shutil.rmtree(old, ignore_errors=True)
    return made


def _build(root: Path, sources: Path, made: Path) -> None:
    found = {language: pages(root, language) for language in LANGUAGES}
    if (images := root / "docs" / IMAGES).is_dir():
        shutil.copytree(images, sources / IMAGES)
    orders = [_order(language, found, sources, made) for language in LANGUAGES]
    with ProcessPoolExecutor(len(orders), mp_context=get_context("spawn")) as processes:
        faults = [fault for fault in processes.map(run_sphinx, orders) if fault]
    if faults:
        raise BuildFailed("\n".join(faults))
    (made / INDEX).write_text(json.dumps(index(found), ensure_ascii=False, indent=0) + "\n")


def _order(language: str, found: Mapping[str, list[Page]], sources: Path, made: Path) -> Order:
    for page in found[language]:
        path = sources / language / f"{page.name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.text.replace("](/", f"]({PORTAL}:/"))
    return Order(language, sources / language, made / language, _context(language, found))


def _context(language: str, found: Mapping[str, list[Page]]) -> dict[str, Any]:
    """What the theme's templates know besides Sphinx's own."""
    sections = navigation(found[language], language, found["en"])
    with translation.override(language):
        words = {name: str(text) for name, text in say().items()}
    return {
        "say": words,
        "sections": [asdict(section) for section in sections],
        "others": [
            {
                "code": code,
                "name": translation.get_language_info(code)["name_local"],
                "pages": [page.name for page in found[code]],
            }
            for code in LANGUAGES
            if code != language
        ],
    }


def index(found: Mapping[str, list[Page]]) -> list[dict[str, str]]:
    """Every page with its title, address and language, for whoever finds pages by title."""
    return [
        {"title": page.title, "address": f"/docs/{address(language, page.name)}", "language": language}
        for language, ones in found.items()
        for page in ones
    ]


def _point(link: Path, made: Path) -> None:
    """A link takes another's place at once, so that a reader sees the old pages or the new ones."""
    beside = link.with_name(f"{link.name}.{os.getpid()}")
    beside.symlink_to(made.name)
    beside.replace(link)
