"""What is typed to get in. Passwords are never told again."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.errors import InvalidInput
from apps.portal.service_forms import ServiceForm, line


def password(label: Any, *, new: bool = False, help_text: Any = "", **options: Any) -> forms.CharField:
    """A password's field: password managers and pasting are welcome, blanks at its ends count."""
    attrs = {"autocomplete": "new-password" if new else "current-password"}
    widget = forms.PasswordInput(attrs=attrs)
    return forms.CharField(
        label=label, strip=False, max_length=1000, widget=widget, help_text=help_text, **options
    )


class LoginForm(ServiceForm):
    username = line(_("User name"), attrs={"autocomplete": "username", "autocapitalize": "none"})
    password = password(_("Password"))


class ForgottenForm(ServiceForm):
    email = line(_("E-mail address"), attrs={"autocomplete": "email", "autocapitalize": "none"})


class NewPasswordForm(ServiceForm):
    """A new password, twice."""

    secrets: ClassVar = {"new_password": "CLOUDPORTAL_NEW_PASSWORD"}
    new_password = password(
        _("New password"),
        new=True,
        help_text=_("At least 10 characters, not a common one, nothing like your name. A few words do well."),
    )
    again = password(_("New password once more"), new=True)

    def given(self) -> dict[str, Any]:
        found = dict(self.cleaned_data)
        found.pop("again")
        return found

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if "again" in found and found.get("new_password") != found["again"]:
            self.blame(InvalidInput("passwords_differ", place="again"))
        return found


class LinkPasswordForm(NewPasswordForm):
    token = line(_("The code of your link: the part after #"), attrs={"autocomplete": "one-time-code"})
    field_order = ("token", "new_password", "again")
