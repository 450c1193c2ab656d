"""The part of making a plan's changes that is about groups and what they are granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts import audit
from apps.accounts.actor import Actor
from apps.accounts.directory.changes import Change
from apps.accounts.directory.entries import GroupEntry
from apps.accounts.directory.groups import keep_groups
from apps.accounts.directory.rules import moment
from apps.accounts.models import (
    Account,
    DirectoryGroup,
    Domain,
    Grant,
    Group,
    GroupMember,
    MappingRule,
    Role,
)
from apps.accounts.recheck import givers_among_holders

if TYPE_CHECKING:
    from apps.accounts.directory.apply import Apply

ACTOR = Actor.system("directory")


def keep(apply: Apply, changes: list[Change]) -> None:
    shown = [GroupEntry(each.key, each.data["dn"], each.data["name"]) for each in changes]
    keep_groups(apply.directory, shown)


def add_people(apply: Apply, changes: list[Change]) -> None:
    groups = _groups(apply, changes)
    rows = [
        GroupMember(group_id=groups[each.data["group"]], user_id=apply.links[person].user_id)
        for each in changes
        for person in each.data["people"]
        if person in apply.links and each.data["group"] in groups
    ]
    GroupMember.objects.bulk_create(rows, ignore_conflicts=True)


def remove_people(apply: Apply, changes: list[Change]) -> None:
    groups = _groups(apply, changes)
    pairs = {
        (groups[each.data["group"]], apply.links[person].user_id)
        for each in changes
        for person in each.data["people"]
        if person in apply.links and each.data["group"] in groups
    }
    users = {user for _group, user in pairs}
    rows = GroupMember.objects.filter(group__in=groups.values(), user__in=users)
    keys = [pk for pk, group, user in rows.values_list("pk", "group", "user") if (group, user) in pairs]
    GroupMember.objects.filter(pk__in=keys).delete()
    apply.lost |= users


def _groups(apply: Apply, changes: list[Change]) -> dict[str, int]:
    rows = DirectoryGroup.objects.filter(
        directory=apply.directory, key__in={each.data["group"] for each in changes}
    )
    return dict(rows.values_list("key", "group_id"))


def remove(apply: Apply, changes: list[Change]) -> None:
    """What was granted to a group by hand keeps the group."""
    rows = Group.objects.filter(directory_group__directory=apply.directory)
    gone = rows.filter(directory_group__key__in=[each.key for each in changes])
    held = Grant.objects.filter(group__in=gone).values_list("group", flat=True)
    gone.exclude(pk__in=set(held)).delete()


def grant(apply: Apply, changes: list[Change]) -> None:
    for each in changes:
        key, role, scope, place = each.data["what"]
        row = (
            DirectoryGroup.objects.filter(directory=apply.directory, key=key).select_related("group").first()
        )
        if row is None or not _is_there(role, scope, place):
            continue
        rule = MappingRule.objects.filter(uuid=each.rule).first()
        wanted = Grant(
            group=row.group,
            role_id=role,
            scope=scope,
            domain_id=place if scope == Grant.Scope.DOMAIN else None,
            account_id=place if scope == Grant.Scope.ACCOUNT else None,
            place=place if scope not in {"global", "domain", "account"} else None,
            ends_at=moment(each.data["ends_at"]),
            directory=apply.directory,
            rule=rule,
        )
        wanted.once = wanted.identity
        if Grant.objects.bulk_create([wanted], ignore_conflicts=True):
            mine = Grant.objects.filter(once=wanted.once, directory=apply.directory)
            mine.update(ends_at=wanted.ends_at, rule=rule)
        audit.record(ACTOR, "directory.grant_role", apply.directory, group=row.group.name, scope=scope)


def _is_there(role: int, scope: str, place: int | None) -> bool:
    """What a grant refers to may be gone since the plan was made."""
    if not Role.objects.filter(pk=role).exists():
        return False
    if scope == Grant.Scope.DOMAIN:
        return Domain.objects.filter(pk__in=[place]).exists()
    return scope != Grant.Scope.ACCOUNT or Account.objects.filter(pk__in=[place]).exists()


def revoke(apply: Apply, changes: list[Change]) -> None:
    keys = [each.data["grant"] for each in changes]
    rows = Grant.objects.filter(pk__in=keys, directory=apply.directory)
    for row in rows.select_related("group"):
        apply.lost |= givers_among_holders(row)
        name = row.group.name if row.group else ""
        audit.record(ACTOR, "directory.revoke_role", apply.directory, group=name, scope=row.scope)
    rows.delete()
