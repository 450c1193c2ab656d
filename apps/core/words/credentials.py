"""Words for why a password, a link or a token was refused."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Reason

CREDENTIAL_REASONS: dict[str, Reason] = {
    "weak_password": Reason(_("This password is too easy to guess."), _("Choose a longer one.")),
    "wrong_password": Reason(
        _("This is not your present password."),
        _("Type it again; mind capitals and the keyboard's language."),
    ),
    "passwords_differ": Reason(_("The two passwords are not the same."), _("Type both again.")),
    "password_elsewhere": Reason(
        _("This password is kept by the campus directory, not here."),
        _("Change it where the campus lets you change it."),
    ),
    "service_has_no_password": Reason(
        _("A service account never logs in: only tokens stand for it."), _("Make a token for it.")
    ),
    "not_patterns": Reason(
        _("This must be a list of 1 to %(limit)s verbs."), _("Send verbs such as vm.start, vm.* or *.")
    ),
    "outlives_token": Reason(
        _("Your token ends at %(until)s: what it makes cannot last longer."),
        _("Choose fewer days."),
    ),
    "too_many_tokens": Reason(_("There are %(limit)s tokens already."), _("Revoke those that are not used.")),
    "password_link": Reason(
        _("This link was used already or is too old."), _("Ask for another one on the login page.")
    ),
    "log_in_by_link_first": Reason(
        _("A first password can be chosen within 15 minutes of logging in by a link."),
        _("Log in by a fresh link, then choose the password."),
    ),
    "limited_token": Reason(
        _("Your token is kept to some verbs or accounts: such a one never makes or changes credentials."),
        _("Use the portal's pages, or a token without such limits."),
    ),
    "token_of_another": Reason(
        _("Nobody makes a token for another person."),
        _("Let them make it themselves, or use a service account."),
    ),
}
