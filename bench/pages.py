"""Pages as their readers meet them, in a real browser, on a site of 100,000 machines: how soon they are
there, how soon they answer, what two auditors find, and what nobody translated."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings

from bench import audit, chromium
from bench.list_site import Site
from bench.serving import web
from bench.stack import ROOT

Measured = tuple[dict[str, float], dict[str, Any]]
MACHINES = 100_000
MAIN_AT_LEAST = 10


def run() -> Measured:
    """Figures of the main pages, and of all pages for what axe finds, on the worse of what they show."""
    from tests.browser import site

    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--ignore", "vendor/icons/*"]
    subprocess.run(collect, cwd=ROOT, env=os.environ, check=True, stdout=subprocess.DEVNULL)
    site.furnish()
    crowd = Site()
    crowd.grow(MACHINES)
    crowd.settle()
    there = site.found()
    with web() as port:
        url = f"http://127.0.0.1:{port}"
        figures, samples = _speed(url, there)
        faults = _barriers(url, there)
    figures |= {"axe_violations": float(len(faults)), "untranslated": float(_untranslated())}
    return figures, {"pages": samples, "axe": faults}


def _speed(url: str, there: dict[str, Any]) -> Measured:
    from tests.browser.pages import PAGES

    main = [place for place in PAGES if place.main]
    if len(main) < MAIN_AT_LEAST:
        raise RuntimeError(f"only {len(main)} main pages are named in tests/browser/pages.py")
    samples: dict[str, Any] = {}
    for place in main:
        session, path = there["sessions"][place.user], place.address(there["objects"])
        with chromium.browsing(url, session) as context:
            paints = chromium.paint_ms(context, path)
            answered = chromium.interaction_ms(context, path)
        with tempfile.TemporaryDirectory() as folder:
            points = audit.scores(url + path, session, Path(folder))
        samples[place.name] = {"paint_ms": paints, "interaction_ms": answered, "points": points}
    figures = {
        "page_lcp_ms": max(statistics.median(one["paint_ms"]) for one in samples.values()),
        "page_interaction_ms": max(one["interaction_ms"] for one in samples.values()),
        "lighthouse_min": min(min(one["points"].values()) for one in samples.values()),
    }
    return figures, samples


def _barriers(url: str, there: dict[str, Any]) -> list[str]:
    """What axe finds on any page, in each language and theme, wide and narrow."""
    from tests.browser.inspection import LANGUAGES, context_of, inspect
    from tests.browser.pages import PAGES

    faults: list[str] = []
    with chromium.launched() as browser:
        for language in LANGUAGES:
            for user, session in there["sessions"].items():
                context = context_of(browser, url, session=session, language=language)
                page = context.new_page()
                for place in [place for place in PAGES if place.user == user]:
                    address = place.address(there["objects"])
                    faults += [str(fault) for fault in inspect(page, address, place.name, language)]
                context.close()
    return faults


def _untranslated() -> int:
    """Texts of the code and of templates that lack Greek, or that nobody marked."""
    from apps.core.translations import catalogue
    from apps.core.translations.sources import find_messages

    root = Path(settings.BASE_DIR)
    messages, unmarked = find_messages(root)
    return len(unmarked) + len(catalogue.faults_of(catalogue.path_of(root, "el"), "el", messages))
