"""Forms of directories: what is usual for the kind stands there already, below what everybody gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.directory.services import FIELDS
from apps.accounts.models import Directory
from apps.portal.service_forms import ServiceForm, line, whole

LISTS = ("servers", "people_bases", "group_bases", "login_attributes", "attributes")
"""Fields whose values stand one to a line."""
ADVANCED = (
    *("people_filter", "group_filter", "login_attributes", "mail_attribute", "full_name_attribute"),
    *("group_name_attribute", "stable_id_attribute", "attributes", "disabled_filter"),
    *("deadline_seconds", "page_size"),
)
"""Fields that are usual for the kind."""


def _lines(label: Any, help_text: Any, *, required: bool = True) -> forms.CharField:
    attrs = {
        "rows": 3,
        "spellcheck": "false",
        "autocapitalize": "none",
        "autocomplete": "off",
        "class": "code",
    }
    widget = forms.Textarea(attrs=attrs)
    return forms.CharField(
        label=label, help_text=help_text, max_length=8000, required=required, widget=widget
    )


class DirectoryForm(ServiceForm):
    secrets = {"bind_password": "CLOUDPORTAL_BIND_PASSWORD"}

    name = line(_("Name"), help_text=_("People see it when the directory does not answer."))
    servers = _lines(
        _("Servers"),
        _("One to a line; the first that answers is used. “ldaps://…”, or “ldap://…” for StartTLS."),
    )
    ca_certificate = _lines(
        _("Certificate of the authority"),
        _("In PEM: it signed the servers' certificates. Empty: an authority that this machine trusts."),
        required=False,
    )
    bind_dn = line(
        _("Bind DN"), help_text=_("The portal reads the directory as it."), code=True, required=False
    )
    bind_password = forms.CharField(
        label=_("Bind password"),
        help_text=_("It is stored encrypted and never shown."),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    people_bases = _lines(_("Where people are"), _("Base DNs, one to a line."))
    group_bases = _lines(_("Where groups are"), _("Base DNs, one to a line."), required=False)
    people_filter = line(_("Filter of people"), code=True, required=False)
    group_filter = line(_("Filter of groups"), code=True, required=False)
    login_attributes = _lines(
        _("Login names"),
        _("Attributes, one to a line. The first one gives the user name."),
        required=False,
    )
    mail_attribute = line(_("Attribute of the e-mail address"), code=True, required=False)
    full_name_attribute = line(_("Attribute of the full name"), code=True, required=False)
    group_name_attribute = line(_("Attribute of a group's name"), code=True, required=False)
    stable_id_attribute = line(
        _("Attribute by which people are known for good"),
        help_text=_("It stays the same when somebody gets another name or place."),
        code=True,
        required=False,
    )
    attributes = _lines(
        _("Further attributes"), _("What rules may ask of a person, one to a line."), required=False
    )
    disabled_filter = line(
        _("Filter of disabled people"),
        help_text=_("Who matches it may not log in."),
        code=True,
        required=False,
    )
    deadline_seconds = whole(_("Deadline of each call in seconds"), low=1, high=30, initial=5)
    page_size = whole(_("Entries to a page"), low=1, high=1000, initial=500)

    @property
    def usual(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in ADVANCED]

    @property
    def advanced(self) -> list[forms.BoundField]:
        return [self[name] for name in ADVANCED]

    @property
    def shows_advanced(self) -> bool:
        """Whether something to correct stands among what is folded."""
        return any(field.errors for field in self.advanced)

    def given(self) -> dict[str, Any]:
        found = dict(self.cleaned_data)
        for name in LISTS:
            found[name] = [text for text in str(found.get(name) or "").split("\n") if text.strip()]
        return found


class NewDirectoryForm(DirectoryForm):
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=Directory.Kind.choices,
        help_text=_("It says what is usual for all that you leave empty below."),
    )
    field_order = ("name", "kind")

    def given(self) -> dict[str, Any]:
        """What was left empty is as usual for the kind."""
        found = super().given()
        usual = {*ADVANCED, "bind_password", "bind_dn", "ca_certificate", "group_bases"}
        return {name: value for name, value in found.items() if value or name not in usual}


class ChangeDirectoryForm(DirectoryForm):
    def given(self) -> dict[str, Any]:
        found = super().given()
        if not found["bind_password"]:
            del found["bind_password"]
        return found


def initial_of(row: Directory) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in FIELDS if name != "bind_password"}
    return {name: _text(value) if name in LISTS else value for name, value in values.items()}


def _text(values: Sequence[str]) -> str:
    return "\n".join(values)
