"""What no API request does again, and why: see `apps.portal.past_requests`."""

from __future__ import annotations

from apps.portal import past_projects

NO_REQUEST = {
    **dict.fromkeys(
        (
            *("directory.change_memberships", "directory.grant_role", "directory.revoke_role"),
            *("directory.keep_out_user", "directory.let_in_user", "mapping.hold"),
        ),
        "the directory is followed",
    ),
    **dict.fromkeys(("directory.sync", "directory.preview", "account.rest"), "time brings it, or a run"),
    **dict.fromkeys(
        ("mapping.add_rule", "mapping.change_rule", "mapping.remove_rule", "mapping.order"),
        "a mapping is written rule by rule on its own page",
    ),
    "mapping.change_sync": "the event names what changed, not what it is now",
    **dict.fromkeys(("mapping.release", "mapping.reject"), "what was decided is decided"),
    **dict.fromkeys(("leaver.hand_over", "leaver.keep"), "what was left behind has its people again"),
    **past_projects.NO_REQUEST,
    "directory.add_user": "a person logs in",
    "directory.refuse_login": "a person logs in",
    "directory.change_user": "a person logs in",
    "audit.prune": "a command on the portal's machine",
    "user.erase": "what is erased is not erased again",
    "host.disconnect": "the portal sees it",
    "host.reconnect": "the portal sees it",
    "host.stray_machine": "the portal sees it",
    "vm.record_power": "the portal follows what a host reports",
    "vm.read_console": "looking is no change",
    "template.copy": "the first machine on a storage begins it",
    "account.add_member": "no request of its own",
    "account.change_member": "the member's own address in the account, which an event does not hold",
    **dict.fromkeys(("role.create", "role.change", "role.remove"), "a role is made by its own page"),
    "grant.create": "rights are granted by whoever holds them now, not again by what was done once",
    "grant.end": "time ends it, or the loss of whoever gave it",
    "grant.extend": "a day of then may have passed",
    "grant.revoke": "what is taken away is there no more",
    "account.remove_member": "the member's own address in the account, which an event does not hold",
    "vm.receive": "the other side of a transfer",
    **dict.fromkeys(("account.halt", "domain.halt"), "part of a disabling or a deletion"),
    **dict.fromkeys(("account.remove", "domain.remove"), "the time of grace is over"),
    "template.hand_over": "the account that it belonged to was deleted",
    **dict.fromkeys(("quota.near", "quota.pass", "quota.drift"), "the portal tells of it by itself"),
    "quota.limit_member": "the member's own address below the quota, which an event does not hold",
    "quota.count": "looking is no change, and what was found then is not there now",
    "quota.recount": "part of a change of how vCPUs and memory count",
    "token.issue": "its text was shown once",
    "token.revoke": "what it ended is gone",
    "login_link.create": "a command on the portal's machine",
    "login_link.redeem": "a person logs in",
    "login.lock": "the portal sees it",
    "password.set": "a command on the portal's machine",
    "session.begin": "a person logs in",
    "login.unlock": "what it lifted is gone",
    "password.change": "only its owner knows it",
    "password.reset": "a link is made and handed over",
    "session.revoke": "what it ended is gone",
    "service_account.remove": "what it removed is gone",
}
"""The kinds without one, and why."""
