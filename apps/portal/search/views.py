"""Search over everything that the reader may see; the command palette's answers; the sheet of shortcuts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.core.errors import CloudError
from apps.portal.pages import page, told
from apps.portal.search.documents import find_documents
from apps.portal.search.finders import Asked, Group, Hit, find_all
from apps.portal.search.palette import sections_of

FOUND = 10


@page
def search(request: HttpRequest, actor: Actor) -> HttpResponse:
    text = request.GET.get("q", "")
    try:
        asked = Asked.of(text)
    except CloudError as error:
        context = {"text": "", "fault": told(error).detail}
        return render(request, "portal/search/page.html", context, status=422)
    groups = [*find_all(actor, asked, FOUND), *_documents(asked)]
    return render(request, "portal/search/page.html", {"text": asked.text, "groups": groups})


def _documents(asked: Asked) -> list[Group]:
    found = find_documents(asked, FOUND)
    hits = [Hit(document.title, document.code, document.address, "book") for document in found]
    return [Group(_("Documentation"), hits)] if hits else []


@page
def palette(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The palette's list for what was typed (`q`) on the page `on`. What cannot be read finds nothing."""
    try:
        asked = Asked.of(request.GET.get("q", ""))
        sections = sections_of(request, actor, asked, request.GET.get("on", ""))
    except CloudError:
        sections = []
    total = sum(len(section.choices) for section in sections)
    return render(request, "portal/search/palette_list.html", {"sections": sections, "total": total})


@page
def shortcuts(request: HttpRequest, actor: Actor) -> HttpResponse:
    return render(request, "portal/search/shortcuts.html")
