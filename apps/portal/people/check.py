"""May this person do that to this object? Yes or no, and the way that leads there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.roles_api import checked_object, kinds_of_objects, require_sees_rights
from apps.accounts.why import Why, why
from apps.core.errors import InvalidInput
from apps.core.words.permissions import GROUPS, PERMISSIONS
from apps.portal.grants.forms import find_user
from apps.portal.pages import page
from apps.portal.service_forms import ServiceForm, asked, line


class CheckForm(ServiceForm):
    username = line(_("User name"), code=True)
    permission = forms.ChoiceField(label=_("May they"))
    kind = forms.ChoiceField(label=_("Kind of object"), required=False)
    uuid = line(
        _("Id of the object"), required=False, code=True, help_text=_("Without one, in the whole cloud.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["permission"].choices = [
            (str(title), [(name, f"{words} ({name})") for name, words in sorted(group.items())])
            for title, group in GROUPS.items()
        ]
        fields["kind"].choices = [("", _("The whole cloud")), *((kind, kind) for kind in kinds_of_objects())]

    def body(self) -> dict[str, Any]:
        said = {name: self[name].value() or "" for name in self.fields}
        return {
            "user": None,
            "permission": said["permission"],
            "kind": said["kind"],
            "id": said["uuid"] or None,
        }


@page
def rights(request: HttpRequest, actor: Actor) -> HttpResponse:
    policy.require_somewhere(actor, "grant.read")
    data = request.GET if "permission" in request.GET else None
    form = CheckForm(data, initial={"username": request.GET.get("username", "")})

    def act(username: str, permission: str, kind: str, uuid: str) -> Why:
        if permission not in PERMISSIONS:
            raise InvalidInput("pattern_matches_nothing", place="permission", pattern=permission)
        user = find_user(actor, username)
        require_sees_rights(actor, user)
        return why(Actor(user), permission, checked_object(actor, kind, uuid) if kind else None)

    found = form.tried(act) if data is not None else None
    context = {"form": form, "found": found, **asked(request, "POST", "access-check/", form)}
    return render(request, "portal/people/rights.html", context, status=422 if form.errors else 200)
