"""Forms of projects, and of what a domain's people begin by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy, projects
from apps.accounts.actor import Actor
from apps.accounts.models import Domain, Project, ProjectRules, User
from apps.core.errors import InvalidInput
from apps.portal.limit_fields import add_limits, taken
from apps.portal.picker import offer
from apps.portal.service_forms import ServiceForm, line, whole


class DayField(forms.DateField):
    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        super().__init__(input_formats=["%Y-%m-%d"], **options)


def _last_day() -> DayField:
    return DayField(
        label=_("Last day"),
        required=False,
        help_text=_("After it everything is stopped, and some time later deleted. Without one it goes on."),
    )


class NewForm(ServiceForm):
    """`owner` and the limits are asked of who may say them; others begin what the domain's rules allow."""

    name = line(_("Name"))
    domain = forms.ModelChoiceField(
        Domain.objects.none(), label=_("Domain"), empty_label=None, to_field_name="uuid"
    )
    description = line(_("What it is for"), required=False)
    ends_on = _last_day()
    owner = line(
        _("Who runs it"),
        required=False,
        code=True,
        help_text=_("Their user name. You do, if nobody is named."),
    )
    folded: tuple[str, ...] = ()

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor
        fields: dict[str, Any] = self.fields
        offer(self, "domain", projects.domains_for(actor), "project-domain")
        if not policy.reached(actor, "project.create", Domain.objects.all()).exists():
            del fields["owner"]
        if policy.reached(actor, "quota.set", Domain.objects.all()).exists():
            self.folded = add_limits(self)
        self.folded_title = _("Limits")
        self.folded_help = _("Empty: what the rules of the domain say. Once one is set, the others are none.")

    def _owner(self, name: str) -> User:
        found = policy.visible(self.actor, User.objects.filter(username__iexact=name.strip())).first()
        if found is None:
            raise InvalidInput("no_such_user", place="owner")
        return found

    def given(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        limits = taken(given)
        name = given.pop("owner", "")
        return given | {"owner": self._owner(name) if name else None, "limits": limits}

    def body(self) -> dict[str, Any]:
        said = {name: self[name].value() or "" for name in ("name", "description")}
        said |= {name: self[name].value() or None for name in ("domain", "ends_on")}
        limits = taken({name: self[name].value() for name in self.folded})
        return said | ({"limits": limits} if limits else {})


class ChangeForm(ServiceForm):
    name = line(_("Name"))
    description = line(_("What it is for"), required=False)


class EndForm(ServiceForm):
    ends_on = _last_day()


class HandOverForm(ServiceForm):
    to = forms.ModelChoiceField(
        User.objects.none(),
        label=_("To whom"),
        to_field_name="uuid",
        empty_label=None,
        help_text=_("Another member, who runs the project from then on."),
    )
    leave = forms.BooleanField(label=_("I leave the project"), required=False)

    def __init__(self, actor: Actor, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        others = project.account.users.filter(is_active=True).exclude(pk=actor.user.pk if actor.user else 0)
        field.queryset = others.order_by("username")


class RulesForm(ServiceForm):
    self_service = forms.BooleanField(label=_("People begin projects by themselves"), required=False)
    per_person = whole(_("So many each"), low=1, high=projects.MAX_PER_PERSON)

    def __init__(self, rules: ProjectRules, data: Mapping[str, Any] | None = None) -> None:
        initial = {"self_service": rules.self_service, "per_person": rules.per_person}
        super().__init__(data, initial=initial)
        self.folded = add_limits(self, rules.limits)
        self.folded_title = _("Limits of each such project")
        self.folded_help = _("Empty: no limit but those of the domain.")

    def given(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        limits = taken(given)
        return given | {"limits": limits}
