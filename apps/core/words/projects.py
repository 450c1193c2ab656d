"""Words for what is refused around projects and invitations."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Reason

PROJECT_REASONS: dict[str, Reason] = {
    "owns_alone": Reason(
        _("Nobody else belongs to: %(names)s."),
        _("Hand over what is there, add another member, or delete the account first."),
    ),
    "no_more_projects": Reason(
        _("You have begun as many projects here as people may by themselves."),
        _("Ask an administrator of the domain to begin another one for you."),
    ),
    "owner_needed": Reason(_("A project needs somebody who runs it."), _("Name a user as its owner.")),
    "project_closing": Reason(
        _("The project has ended and is about to be deleted."),
        _("An administrator of its domain can take that back until its time is over."),
    ),
    "project_is_over": Reason(
        _("The project's last day was %(day)s."),
        _("Ask an administrator of its domain for a later one."),
    ),
    "not_another_member": Reason(
        _("A project is handed over to another member of it who may log in."),
        _("Invite them first, or choose another member."),
    ),
    "last_admin": Reason(
        _("You are the last one who runs this project."), _("Hand it over to another member first.")
    ),
    "name_or_email": Reason(
        _("Somebody is invited by a user name or by an e-mail address."), _("Give one of the two.")
    ),
    "member_already": Reason(
        _("They belong to it already."), _("Change what they may do on its members' list.")
    ),
    "too_many_invitations": Reason(
        _("As many invitations as may be wait for an answer already."),
        _("Withdraw those that nobody will answer."),
    ),
    "mailed_often_enough": Reason(
        _("The invitation was mailed as often as may be."),
        _("Copy its link and hand it over yourself, or withdraw it."),
    ),
    "invitation_settled": Reason(
        _("The invitation was answered or withdrawn, or is too old."), _("Ask to be invited again.")
    ),
    "invitation_void": Reason(
        _("Whoever invited you may no longer offer this."),
        _("Ask somebody who runs it to invite you again."),
    ),
    "invitation_link": Reason(
        _(
            "This link opens no invitation to you: it was used, withdrawn or replaced, is too old, or is for "
            "somebody else."
        ),
        _("Log in as whom it is for, or ask to be invited again."),
    ),
}
