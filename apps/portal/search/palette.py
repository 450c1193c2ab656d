"""What the command palette offers beside what the search finds: acts on what the page is about, places,
documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import VirtualMachine
from apps.core.names import fold
from apps.portal.machines.buttons import buttons_of
from apps.portal.search.documents import find_documents
from apps.portal.search.finders import HOLDS, Asked, Text, find_all, rank
from apps.portal.shell import frame

OBJECTS = 4
DOCUMENTS = 5


@dataclass(frozen=True)
class Choice:
    """A line of the palette: it leads to `href`, or sends `verb` there."""

    label: Text
    detail: Text
    icon: str
    href: str
    verb: str = ""


@dataclass(frozen=True)
class Section:
    label: Text
    choices: list[Choice]
    rank: int


def sections_of(request: HttpRequest, actor: Actor, asked: Asked, here: str) -> list[Section]:
    """`here` is the address of the page that the palette was opened on. What is called exactly what was
    typed comes first, then what begins with it; documents are last."""
    sections = [
        _section(_("On this page"), _fitting(_acts(actor, here), asked), asked),
        *(
            Section(
                group.label,
                [Choice(hit.name, hit.detail, hit.icon, hit.href) for hit in group.hits if hit.href],
                group.rank,
            )
            for group in find_all(actor, asked, OBJECTS)
        ),
        _section(_("Go to"), _fitting(_places(request), asked), asked),
        Section(_("Documentation"), _documents(asked), HOLDS),
    ]
    return sorted((section for section in sections if section.choices), key=lambda section: section.rank)


def _documents(asked: Asked) -> list[Choice]:
    return [
        Choice(document.title, document.code, "book", document.address)
        for document in find_documents(asked, DOCUMENTS)
    ]


def _fitting(offered: Iterable[Choice], asked: Asked) -> list[Choice]:
    """Those that hold what was typed, the best first."""
    fits = [choice for choice in offered if asked.key in fold(str(choice.label))]
    return sorted(fits, key=lambda choice: rank(asked, choice.label))


def _section(label: str, choices: list[Choice], asked: Asked) -> Section:
    return Section(label, choices, rank(asked, choices[0].label) if choices else HOLDS)


def _places(request: HttpRequest) -> Iterator[Choice]:
    yield Choice(_("Create VM"), "", "plus-lg", reverse("portal:machine-create"))
    links: dict[str, Any] = frame(request)
    for link in [*links["own_links"](), *links["hidden_links"](), *links["operator_links"]()]:
        yield Choice(link.label, "", link.icon, link.href)


def _acts(actor: Actor, here: str) -> Iterator[Choice]:
    """What can be done now to the machine whose page this is, on any of its tabs. What destroys is led
    to by a page that asks first."""
    try:
        match = resolve(here)
    except Resolver404:
        return
    if not match.view_name.startswith("portal:machine") or "uuid" not in match.kwargs:
        return
    vm = policy.visible(actor, VirtualMachine.objects.filter(uuid=match.kwargs["uuid"])).first()
    if vm is None:
        return
    act = reverse("portal:machine-act", args=[vm.uuid])
    for button in buttons_of(actor, vm):
        if button.why_not:
            continue
        if button.href:
            yield Choice(button.label, vm.name, button.icon, button.href)
        else:
            yield Choice(button.label, vm.name, button.icon, act, button.value)
