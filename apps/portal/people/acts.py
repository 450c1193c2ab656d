"""What is done to a person as such: kept out, deleted after a time of grace, kept after all, their names
erased from the record. Each shows first what it touches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps.accounts import closing, policy
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.accounts.ownership import touched_of_user
from apps.accounts.removal import owned_alone
from apps.accounts.services import set_active
from apps.core.errors import CloudError, NotFound
from apps.core.words.counts import counted
from apps.jobs import people
from apps.portal.pages import complain, page
from apps.portal.service_forms import ServiceForm, asked, line

ALONE_SHOWN = 10


def found(actor: Actor, uuid: UUID) -> User:
    return policy.find(actor, User.objects.filter(kind=User.Kind.PERSON), uuid)


class EraseForm(ServiceForm):
    """It cannot be taken back: the name is typed, and is the reader's proof that they mean this person."""

    username = line(_("Type the user name to confirm"), code=True)

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        self.user = user

    def clean_username(self) -> str:
        typed = str(self.cleaned_data["username"]).strip()
        if typed != self.user.username:
            self.add_error("username", say("This is another name: type %s.") % self.user.username)
        return typed


@page
def keep_out(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    user = found(actor, uuid)
    policy.require(actor, "user.set_active", user)
    context = {"what": "keep_out", **asked(request, "PATCH", f"users/{uuid}/", is_active=False)}
    return _ask(request, user, lambda: set_active(actor, user, active=False), context)


@page
def close(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    user = found(actor, uuid)
    policy.require(actor, "user.close", user)
    alone = owned_alone(user)
    context = {
        "what": "close",
        "closes_at": closing.grace_ends(),
        "alone": alone[:ALONE_SHOWN],
        "alone_count": alone.count(),
        **asked(request, "POST", f"users/{uuid}/close/"),
    }
    return _ask(request, user, lambda: closing.close_user(actor, user), context)


@page
def erase(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    user = found(actor, uuid)
    policy.require(actor, "user.erase", user)
    form = EraseForm(user, request.POST if request.method == "POST" else None)
    number = form.tried(lambda username: people.erase_names(actor, user)) if form.is_bound else None
    if number is not None:
        text = ngettext("%(n)s text was erased.", "%(n)s texts were erased.", number)
        messages.success(request, text % {"n": number})
        return redirect("portal:person", uuid)
    context = {"row": user, "form": form, **asked(request, "POST", "events/erase-names/", user=str(uuid))}
    return render(request, "portal/people/erase.html", context, status=422 if form.errors else 200)


def _ask(
    request: HttpRequest, user: User, act: Callable[[], object], context: dict[str, Any]
) -> HttpResponse:
    form = ServiceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.done(act):
        messages.success(request, say("The change is made."))
        return redirect("portal:person", user.uuid)
    touched = [
        {"text": counted(each.kind, each.count), "names": each.names, "more": each.count - len(each.names)}
        for each in touched_of_user(user)
    ]
    context |= {"row": user, "form": form, "touched": touched}
    return render(request, "portal/people/ask.html", context, status=422 if form.errors else 200)


_AT_ONCE: dict[str, Callable[[Actor, User], object]] = {
    "enable": lambda actor, user: set_active(actor, user, active=True),
    "disable": lambda actor, user: set_active(actor, user, active=False),
    "reopen": closing.reopen_user,
}


@require_POST
@page
def switch(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """Let somebody in, keep them out, or keep them after all."""
    user = found(actor, uuid)
    act = _AT_ONCE.get(request.POST.get("act", ""))
    if act is None:
        raise NotFound
    try:
        act(actor, user)
    except NotFound:
        raise
    except CloudError as error:
        complain(request, error)
        return redirect("portal:person", uuid)
    messages.success(request, say("The change is made."))
    return redirect("portal:person", uuid)
