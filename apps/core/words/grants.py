"""Words for why a role cannot be given, kept or changed."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Reason

GRANT_REASONS: dict[str, Reason] = {
    "role_not_for_scope": Reason(
        _("The role “%(role)s” cannot be held there (%(scope)s)."),
        _("Choose another role, or another scope."),
    ),
    "role_of_another_domain": Reason(
        _("The role “%(role)s” belongs to a domain and is given only in it and below it."),
        _("Choose a role of the whole cloud, or a scope in that domain."),
    ),
    "more_than_you_hold": Reason(
        _("The role gives more there than you hold yourself: %(permissions)s."),
        _("Choose a role that gives less, a smaller scope, or ask somebody who holds all of it."),
    ),
    "one_holder": Reason(_("A role is given to one user or to one group."), _("Name one of the two.")),
    "not_to_yourself": Reason(
        _("Nobody decides on their own rights."), _("Ask somebody else who may grant roles there.")
    ),
    "end_is_past": Reason(_("This end has passed already."), _("Give a day that is still to come.")),
    "granted_already": Reason(
        _("They hold this role there already."), _("Change the end of the grant that there is.")
    ),
    "grant_has_ended": Reason(_("This grant has ended already."), _("Grant the role anew.")),
    "user_is_more_than_you": Reason(
        _("This user may do more than you: %(permissions)s."),
        _("Ask somebody who holds all that they hold."),
    ),
    "gives_more_than_you_hold": Reason(
        _("It gives more than you hold yourself: %(permissions)s."),
        _("Ask somebody who holds all of it."),
    ),
    "member_is_more_than_you": Reason(
        _("This member's role gives more than you hold here."),
        _("Ask somebody who holds all that it gives."),
    ),
    "place_and_scope": Reason(
        _("A scope needs its place, and the whole cloud has none."),
        _("Give the id of the domain, account, region, zone, cluster or host."),
    ),
    "role_is_ready_made": Reason(
        _("Roles that come with the portal stay as they are."), _("Copy it, and change the copy.")
    ),
    "role_is_held": Reason(
        _("The role is still held: %(where)s."), _("Take it away there, or give another one instead.")
    ),
    "only_reading": Reason(
        _("You look at the portal as somebody else: nothing is changed, and secrets are not shown."),
        _("End the view, then do it as yourself."),
    ),
    "view_as_yourself": Reason(_("You see the portal as yourself already."), _("Choose somebody else.")),
    "view_as_operator": Reason(
        _("Nobody sees the portal as somebody who may do everything."), _("Choose somebody else.")
    ),
    "user_is_inactive": Reason(_("This user is not let in."), _("Let them in first.")),
}
