"""Words for reasons about limits and use."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Reason

QUOTA_REASONS: dict[str, Reason] = {
    "not_a_member": Reason(
        _("This user is not a member of the account."), _("Make them a member first, then set their limit.")
    ),
    "unknown_counting": Reason(
        _("This is no way to count vCPUs and memory."), _("Give “allocated”, “running” or nothing.")
    ),
    "not_a_time": Reason(
        _("This must be a time."), _("Write it as ISO 8601 does, such as 2027-01-31T12:00:00Z.")
    ),
    "member_limit": Reason(
        _(
            "Your own limit in %(owner)s for %(resource)s is %(limit)s; %(used)s are used and %(wanted)s "
            "more are needed."
        )
    ),
}
