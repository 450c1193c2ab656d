"""The roles that are ready in every cloud. Their rules are code: an update of the portal updates them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.roles.rules import Rules

if TYPE_CHECKING:
    from apps.accounts.models import Role

SUPER_ADMIN = "super-admin"
SIMPLE_ADMIN = "simple-admin"
DOMAIN_ADMIN = "domain-admin"
PROJECT_ADMIN = "project-admin"
USER = "user"
AUDITOR = "auditor"


@dataclass(frozen=True)
class ReadyRole:
    name: str | Promise
    about: str | Promise
    rules: Rules
    scopes: tuple[str, ...]  # where it makes sense to grant it


def _rules(deny: str = "", allow: str = "") -> Rules:
    return Rules.of([("deny", each) for each in deny.split()] + [("allow", each) for each in allow.split()])


INFRASTRUCTURE = ("global", "region", "zone", "cluster", "host")
TENANCY = ("domain", "account")
_OPERATORS_ONLY = "vm.pin vm.start_paused vm.record_power"
_OWN_WORK = (
    "account.read vm.* volume.* snapshot.* ssh_key.* template.read"
    " job.read job.cancel event.read quota.read usage.read"
)
_MEMBERS = (
    "account.add_member account.remove_member account.change_member user.read project.* invitation.* leaver.*"
    " account.rename grant.read service_account.* quota.limit_member role.read"
)

READY: dict[str, ReadyRole] = {
    SUPER_ADMIN: ReadyRole(_("Super admin"), _("Everything, everywhere."), _rules(allow="*"), ("global",)),
    SIMPLE_ADMIN: ReadyRole(
        _("Simple admin"),
        _(
            "The infrastructure of the given zones, clusters or hosts. Sees the machines there, but not"
            " their user data, console or keys. No rights over tenants or roles."
        ),
        _rules(
            deny="zone.apply zone.plan zone.create zone.remove",
            allow="region.read zone.* pod.* cluster.* host.* primary_storage.* secondary_storage.*"
            " network.read capacity.* placement.* vm.read job.* event.read",
        ),
        INFRASTRUCTURE,
    ),
    DOMAIN_ADMIN: ReadyRole(
        _("Domain admin"),
        _("The tenants of a domain and of all below it: their accounts, people, limits and machines."),
        _rules(
            deny=f"{_OPERATORS_ONLY} user.erase",
            allow=f"domain.* account.* user.* role.* grant.* quota.* usage.* session.* token.* {_OWN_WORK}"
            f" {_MEMBERS} login_link.create login.unlock password.reset",
        ),
        ("domain",),
    ),
    PROJECT_ADMIN: ReadyRole(
        _("Project admin"),
        _("All of one account or project, and who belongs to it."),
        _rules(deny=f"{_OPERATORS_ONLY} project.extend", allow=f"{_OWN_WORK} {_MEMBERS}"),
        TENANCY,
    ),
    USER: ReadyRole(
        _("User"),
        _("Makes and uses machines, volumes and keys of an account."),
        _rules(deny=_OPERATORS_ONLY, allow=_OWN_WORK),
        TENANCY,
    ),
    AUDITOR: ReadyRole(
        _("Auditor"),
        _("Sees everything that a list shows, and changes nothing. No user data, console or keys."),
        _rules(allow="*.read audit.verify"),
        ("global", *INFRASTRUCTURE[1:], *TENANCY),
    ),
}


def ready(key: str) -> Role:
    """The row of a ready role, made when it is first asked for."""
    from apps.accounts.models import Role  # noqa: PLC0415 - the models know this module

    row: Role = Role.objects.get_or_create(
        key=key, defaults={"name": key, "name_key": key, "name_sort": key}
    )[0]
    return row


def user_role_id() -> int:
    """What a member is who is given no other role."""
    return ready(USER).pk
