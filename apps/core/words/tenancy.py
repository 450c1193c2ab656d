"""Words for the reasons why domains, accounts and what they own stay as they are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Reason

TENANCY_REASONS: dict[str, Reason] = {
    "account_disabled/account_disabled": Reason(
        _("The account “%(name)s” is disabled: nothing can be started or made for it."),
        _("An administrator of the domain “%(domain)s” can enable it."),
    ),
    "account_disabled/account_closing": Reason(
        _("The account “%(name)s” is to be deleted: nothing can be started or made for it."),
        _("An administrator of the domain “%(domain)s” can take that back until its time is over."),
    ),
    "account_disabled/domain_disabled": Reason(
        _("“%(name)s” belongs to a domain that is disabled: nothing can be started or made there."),
        _(
            "An administrator of a domain above that one can enable it: ask whoever looks after the domain "
            "“%(domain)s”."
        ),
    ),
    "account_disabled/domain_closing": Reason(
        _("“%(name)s” belongs to a domain that is to be deleted: nothing can be started or made there."),
        _(
            "An administrator of a domain above it can take that back until its time is over: ask whoever "
            "looks after the domain “%(domain)s”."
        ),
    ),
    "heir_needed": Reason(
        _("Machines of other accounts are made from its images, so these cannot go with it."),
        _("Choose an account that takes them over."),
    ),
    "heir_goes_too": Reason(_("This account is deleted with it."), _("Choose an account that stays.")),
    "grace_is_over": Reason(
        _("Its time of grace is over: it is being deleted."), _("Nothing brings it back.")
    ),
    "user_is_closing": Reason(
        _("This user is about to be deleted, and kept out until then."), _("Keep them after all.")
    ),
    "not_closing": Reason(
        _("Nobody asked for its deletion, or its time of grace is not over."), _("Nothing is deleted.")
    ),
    "template_goes": Reason(
        _("The image belongs to an account that is to be deleted."), _("Choose another image.")
    ),
    "same_account": Reason(_("It belongs to this account already."), _("Choose another account.")),
    "role_for_other_places": Reason(
        _("This role is not one for members of this account."), _("Choose another role.")
    ),
    "several_of_this_name": Reason(_("Several have this name."), _("Give its id instead.")),
    "root_stays": Reason(_("The topmost domain stays as it is."), _("Choose a domain below it.")),
    "inside_itself": Reason(
        _("A domain cannot be moved into itself or into one below it."),
        _("Choose a domain outside of what is moved."),
    ),
    "too_deep_a_tree": Reason(
        _("Domains would lie too deep inside each other."), _("Choose a place nearer to the top.")
    ),
    "moved_meanwhile": Reason(
        _("Somebody else moved it meanwhile."), _("Load the page again and see where it is now.")
    ),
}
