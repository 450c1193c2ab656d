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
from apps.accounts.rest import parse_uuid
from apps.core.errors import InvalidInput
from apps.core.names import fold
from apps.portal.service_forms import ServiceForm, line

Row = TypeVar("Row", Account, Domain)


def named(actor: Actor, rows: QuerySet[Row], text: str, place: str) -> Row:
    """The one row of this name or id that the actor may know of."""
    uuid, found = parse_uuid(text.strip()), policy.visible(actor, rows)
    matching = list((found.filter(uuid=uuid) if uuid else found.filter(name_key=fold(text.strip())))[:2])
    if len(matching) != 1:
        raise InvalidInput("several_of_this_name" if matching else "no_such_owner", place=place)
    return matching[0]


class NameForm(ServiceForm):
    name = line(_("Name"))


class MoveDomainForm(ServiceForm):
    parent = line(_("New parent domain"), help_text=_("Its name, or its id if several have that name."))


class MoveAccountForm(ServiceForm):
    domain = line(_("New domain"), help_text=_("Its name, or its id if several have that name."))


class CloseForm(ServiceForm):
    heir = line(
        _("Account that takes over the images that others use"),
        required=False,
        help_text=_(
            "Its name or its id. Needed only if machines of other accounts are made from its images."
        ),
    )

    def given(self) -> dict[str, Any]:
        return {"heir": self.cleaned_data["heir"] or None}


class AccountForm(ServiceForm):
    account = line(_("Account"), help_text=_("Its name, or its id if several have that name."))


class MemberForm(ServiceForm):
    username = line(_("User name"), code=True)


class RoleForm(ServiceForm):
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, roles: list[Role], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["role"]
        field.choices = [(str(role.uuid), role.shown_name) for role in roles]
