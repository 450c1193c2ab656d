"""Each page in either language and both themes, wide and on a phone: no barrier that axe finds, nothing
that scrolls two ways, and a picture of each in var/screenshots/."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import pytest
from django.urls import URLPattern, URLResolver
from playwright.sync_api import Browser

from apps.portal import urls
from tests.browser.inspection import LANGUAGES, context_of, inspect
from tests.browser.pages import MEMBER, NOBODY, OPERATOR, PAGES, Place, is_page
from tests.browser.site import Site

SHARE = 20


def _names(patterns: Iterable[object]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found |= _names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.add(pattern.name)
    return found


def test_no_page_is_forgotten() -> None:
    looked_at = {place.view for place in PAGES if place.view}
    assert {name for name in _names(urls.urlpatterns) if is_page(name)} == looked_at


def _shares() -> list[object]:
    """Each reader's pages, in lists so short that one is looked at within the time that a test has. Every
    page is looked at in one language, the next one in the other; the long tests look at the rest."""
    shares: list[object] = []
    for user, (turn, language), late in product((NOBODY, MEMBER, OPERATOR), enumerate(LANGUAGES), (0, 1)):
        places = [place for place in PAGES if place.user == user][(turn + late) % 2 :: 2]
        for start in range(0, len(places), SHARE):
            name = f"{language}-{user or 'nobody'}-{'late-' * late}{start // SHARE + 1}"
            marks = [pytest.mark.long] if late else []
            shares.append(pytest.param(language, places[start : start + SHARE], id=name, marks=marks))
    return shares


@pytest.mark.browser
@pytest.mark.parametrize(("language", "places"), _shares())
def test_every_page_is_open_to_everybody(
    browser: Browser, site: Site, language: str, places: list[Place]
) -> None:
    user, faults = places[0].user, list[str]()
    context = context_of(browser, site.stack.url, session=site.sessions[user], language=language)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(f"{page.url}: a script failed: {error}"))
    for place in places:
        found = inspect(page, place.address(site.objects), place.name, language)
        faults += [str(fault) for fault in found]
    context.close()
    assert not faults, "\n".join(faults)
