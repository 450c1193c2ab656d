"""Who gets which role where: what can be chosen is what the actor may give, and no more is offered."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Model
from django.http import QueryDict
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.giving import Place, actor_lacks, misfit
from apps.accounts.models import Grant, Group, Role, User
from apps.accounts.roles.rules import Rules
from apps.accounts.scopes import place_models, scope_of
from apps.core.errors import CloudError, InvalidInput
from apps.portal.service_forms import ServiceForm, line

OFFERED = 200
EVERYWHERE = "global"


class DayField(forms.DateField):
    def __init__(self) -> None:
        super().__init__(
            label=_("Until the end of"),
            help_text=_("Empty: for good. The day ends at midnight UTC."),
            required=False,
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        )


def end_of(day: Any) -> datetime | None:
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC) if day else None


class GrantForm(ServiceForm):
    username = line(_("User name"), required=False, code=True, help_text=_("Or choose a group instead."))
    group = forms.ModelChoiceField(
        Group.objects.none(),
        label=_("Group"),
        required=False,
        to_field_name="uuid",
        empty_label=_("No group"),
    )
    role = forms.ModelChoiceField(Role.objects.none(), label=_("Role"), to_field_name="uuid")
    place = forms.ChoiceField(label=_("Where"))
    ends_on = DayField()

    def __init__(self, actor: Actor, data: QueryDict | None = None, **options: Any) -> None:
        self.actor = actor
        super().__init__(data, **options)
        fields: dict[str, Any] = self.fields
        fields["group"].queryset = policy.visible(actor, Group.objects.order_by("name_sort", "pk"))
        roles = policy.visible(actor, Role.objects.select_related("domain").order_by("name_sort", "pk"))
        fields["role"].queryset = roles
        fields["role"].label_from_instance = lambda role: role.shown_name
        fields["place"].choices = places_for(actor)

    def given(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        name = given.pop("username")
        return {
            "user": find_user(self.actor, name) if name else None,
            "group": given["group"] or None,
            "role": given["role"],
            "place": find_place(self.actor, given["place"]),
            "ends_at": end_of(given["ends_on"]),
        }

    def body(self) -> dict[str, Any]:
        scope, _colon, uuid = str(self["place"].value() or "").partition(":")
        return {
            "user": self["username"].value() or None,
            "group": self["group"].value() or None,
            "role": self["role"].value(),
            "scope": scope,
            "place": uuid or None,
        }

    def weighed(self) -> tuple[Rules, list[str], str] | None:
        """The role's rules, what of it the actor may not give there, and why it cannot be given at all."""
        try:
            role = policy.find(self.actor, Role.objects.select_related("domain"), self["role"].value())
            place = Place.of(find_place(self.actor, str(self["place"].value() or "")))
        except CloudError:  # nothing is chosen yet
            return None
        wrong = misfit(role, place)
        return role.allowed, actor_lacks(self.actor, role.allowed, place), wrong


def find_user(actor: Actor, name: str) -> User:
    """By name, among those whom the actor sees: of others nothing is told."""
    found = policy.visible(actor, User.objects.filter(username__iexact=name.strip())).first()
    if found is None:
        raise InvalidInput("no_such_user", place="username")
    return found


def find_place(actor: Actor, text: str) -> Model | None:
    """The row that a choice of `places_for` names."""
    scope, _colon, uuid = text.partition(":")
    if scope == EVERYWHERE:
        return None
    model = place_models().get(scope)
    if model is None:
        raise InvalidInput("not_a_choice", place="place", known=", ".join(place_models()))
    rows: Any = model._default_manager.all()
    row: Model = policy.find(actor, rows, uuid, place="place")
    return row


def places_for(actor: Actor) -> list[Any]:
    """Where the actor may grant roles, by kind; some hundred of each at most."""
    reach = actor.reach("grant.create")
    found: list[Any] = [(EVERYWHERE, say("The whole cloud"))] if reach.everything else []
    for scope in ("domain", "account", "region", "zone", "cluster", "host"):
        model = place_models()[scope]
        rows: Any = model._default_manager.filter(scope_of(model).where(reach)).order_by("name_sort", "pk")
        choices = [(f"{scope}:{row.uuid}", row.name) for row in rows[:OFFERED]]
        if choices:
            found.append((str(Grant.Scope(scope).label), choices))
    return found


class ExtendForm(ServiceForm):
    ends_on = DayField()

    def given(self) -> dict[str, Any]:
        return {"ends_at": end_of(self.cleaned_data["ends_on"])}

    def body(self) -> dict[str, Any]:
        return {"ends_at": None}
