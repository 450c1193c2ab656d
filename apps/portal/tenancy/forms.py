"""Forms of domains and accounts. Another domain or account is named, or told by its id: there may be
thousands, too many to choose from a list."""

from __future__ import annotations

from typing import Any, TypeVar

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain, Role
from apps.portal.picker import picked, row_of
from apps.portal.service_forms import ServiceForm, line

Row = TypeVar("Row", Account, Domain)


def named(actor: Actor, rows: QuerySet[Row], text: str, place: str) -> Row:
    """The one row of this name or id that the actor may know of."""
    found: Row = row_of(policy.visible(actor, rows), text, place)
    return found


class NameForm(ServiceForm):
    name = line(_("Name"))


class MoveDomainForm(ServiceForm):
    parent = picked(_("New parent domain"), "domain")


class MoveAccountForm(ServiceForm):
    domain = picked(_("New domain"), "domain")


class CloseForm(ServiceForm):
    heir = picked(
        _("Account that takes over the images that others use"),
        "account",
        required=False,
        help_text=_(
            "Its name or its id. Needed only if machines of other accounts are made from its images."
        ),
    )

    def given(self) -> dict[str, Any]:
        return {"heir": self.cleaned_data["heir"] or None}


class AccountForm(ServiceForm):
    account = picked(_("Account"), "account")


class MemberForm(ServiceForm):
    username = line(_("User name"), code=True)


class RoleForm(ServiceForm):
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, roles: list[Role], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["role"]
        field.choices = [(str(role.uuid), role.shown_name) for role in roles]
