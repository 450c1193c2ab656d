"""Forms of rules, of how a directory is followed, and of what is handed over."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.directory.answering import place_row
from apps.accounts.models import Account, Directory, DirectoryGroup, Domain, Grant, MappingRule, Role, User
from apps.core.errors import CloudError, InvalidInput
from apps.portal.limit_fields import add_limits, taken
from apps.portal.picker import offer
from apps.portal.service_forms import ServiceForm, line, whole

MAX_GROUPS = 1000


SHOWN_FOR = {
    "group": "match:group",
    "base": "match:ou",
    "attribute": "match:attribute",
    "value": "match:attribute",
    "account": "gives:account",
    "domain": "gives:template gives:grant",
    "template": "gives:template",
}
"""Fields that belong to some kinds of rule alone; static/portal/shown-for.js hides them for the others.
Without the script all of them are there, and what does not belong to the kind is not looked at."""


class _RoleChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.shown_name)


class RuleForm(ServiceForm):
    name = line(_("Name"))
    match = forms.ChoiceField(label=_("A person matches who"), choices=MappingRule.Match.choices)
    group = forms.ChoiceField(
        label=_("Group"),
        help_text=_("Groups that a run or a login has shown; groups in groups count too."),
        required=False,
    )
    base = line(_("Base DN"), help_text=_("Everybody below it."), code=True, required=False)
    attribute = forms.ChoiceField(label=_("Attribute"), required=False)
    value = line(_("Value of the attribute"), help_text=_("Capitals make no difference."), required=False)
    gives = forms.ChoiceField(label=_("It gives"), choices=MappingRule.Gives.choices)
    account = forms.ModelChoiceField(
        Account.objects.none(), label=_("Account"), required=False, to_field_name="uuid"
    )
    domain = forms.ModelChoiceField(
        Domain.objects.none(),
        label=_("Domain"),
        help_text=_("Where accounts are made by the pattern, or where the group gets the role."),
        empty_label=_("The whole cloud"),
        required=False,
        to_field_name="uuid",
    )
    template = line(
        _("Pattern of the account's name"),
        help_text=_("“{uid}” is the user name; “{ou}” would be that attribute of the person."),
        code=True,
        required=False,
    )
    role = _RoleChoice(Role.objects.none(), label=_("Role"), to_field_name="uuid")
    ends_at = forms.DateTimeField(
        label=_("Ends at"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    days_after_leaving = whole(
        _("Days that it stays after somebody matches no more"), low=0, high=3650, initial=0
    )
    enabled = forms.BooleanField(label=_("Enabled"), required=False, initial=True)

    def __init__(self, actor: Actor, directory: Directory, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        groups = DirectoryGroup.objects.filter(directory=directory).order_by("group__name_sort", "pk")
        known = list(groups.values_list("key", "group__name")[:MAX_GROUPS])
        initial = kwargs.get("initial") or {}
        if initial.get("group") and initial["group"] not in dict(known):
            known.append((initial["group"], initial.get("group_name", initial["group"])))
        self._groups = dict(known)
        fields["group"].choices = [("", "—"), *known]
        fields["attribute"].choices = [("", "—"), *((name, name) for name in directory.attributes)]
        offer(self, "account", policy.visible(actor, Account.objects.order_by("name_sort", "pk")), "account")
        offer(self, "domain", policy.visible(actor, Domain.objects.order_by("path")), "domain")
        for name, kinds in SHOWN_FOR.items():
            fields[name].widget.attrs["data-shown-for"] = kinds
        self.folded = add_limits(self, initial.get("limits"))
        self.folded_shown_for = "gives:account gives:template"
        self.folded_title = _("Limits of each member")
        self.folded_help = _("Of those who get the membership. Empty: the rule says nothing about limits.")
        fields["role"].queryset = policy.visible(actor, Role.objects.order_by("pk"))

    def given(self) -> dict[str, Any]:
        found = dict(self.cleaned_data)
        found["limits"] = taken(found)
        group, base, attribute, value = (found.pop(key) for key in ("group", "base", "attribute", "value"))
        if found["match"] == MappingRule.Match.GROUP:
            found |= {"match_value": group, "match_name": self._groups.get(group, "")}
        elif found["match"] == MappingRule.Match.OU:
            found |= {"match_value": base, "match_name": ""}
        else:
            found |= {"match_value": value, "match_name": attribute}
        if found["gives"] == MappingRule.Gives.GRANT:
            found["place"] = found["domain"] or None
        return found

    def blame(self, error: CloudError) -> None:
        """What the service calls by its own names stands beside the field that was filled in."""
        match = self.cleaned_data.get("match")
        own = {"group": "group", "ou": "base", "attribute": "value"}.get(str(match), "group")
        names = {"match_value": own, "match_name": "attribute", "place": "domain"}
        error.place = names.get(error.place, error.place)
        super().blame(error)


def initial_of(rule: MappingRule) -> dict[str, Any]:
    own: Model | None = rule.domain
    if rule.gives == MappingRule.Gives.GRANT and rule.scope == Grant.Scope.DOMAIN:
        own = place_row(rule)
    found: dict[str, Any] = {
        name: getattr(rule, name)
        for name in ("name", "match", "gives", "template", "ends_at", "days_after_leaving", "enabled")
    }
    found["limits"] = rule.limits
    found |= {"role": rule.role.uuid, "account": rule.account.uuid if rule.account else None}
    found["domain"] = own.uuid if isinstance(own, Domain) else None
    if rule.match == MappingRule.Match.GROUP:
        return found | {"group": rule.match_value, "group_name": rule.match_name}
    if rule.match == MappingRule.Match.OU:
        return found | {"base": rule.match_value}
    return found | {"attribute": rule.match_name, "value": rule.match_value}


class SyncForm(ServiceForm):
    period_minutes = whole(
        _("Minutes between two runs"), low=0, high=10080, help_text=_("0: only when somebody asks for it.")
    )
    brake_percent = whole(
        _("The brake holds above so many percent"),
        low=1,
        high=100,
        help_text=_("Of the people kept out, of the memberships, of the people in groups."),
    )
    brake_least = whole(_("So many at once are never too many"), low=1, high=10_000)
    leaver_grace_days = whole(_("Days before leavers' machines are stopped"), low=0, high=365)


class HandOverForm(ServiceForm):
    username = line(_("User name"), help_text=_("Who has the account from now on."), code=True)

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._actor = actor

    def given(self) -> dict[str, Any]:
        rows = policy.visible(self._actor, User.objects.filter(is_active=True))
        user = rows.filter(username__iexact=self.cleaned_data.get("username", "")).first()
        if user is None:
            raise InvalidInput("no_such_user", place="username")
        return {"user": user}
