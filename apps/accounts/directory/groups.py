"""Groups of a directory as groups of ours, which grants and rules can name."""

from __future__ import annotations

from collections.abc import Iterable

from apps.accounts.directory.entries import GroupEntry
from apps.accounts.models import Directory, DirectoryGroup, Group, GroupMember, User
from apps.core.errors import InvalidInput
from apps.core.names import MAX_NAME, clean_name


def keep_groups(directory: Directory, entries: Iterable[GroupEntry]) -> dict[str, int]:
    """Key of each group's row by the directory's key, the rows made or renamed. Call it in a transaction."""
    wanted = {entry.key: entry for entry in entries}
    rows = DirectoryGroup.objects.select_related("group").filter(directory=directory, key__in=wanted)
    known = {row.key: row for row in rows}
    for key, row in known.items():
        _follow(row, wanted[key])
    fresh = [_new(directory, entry) for key, entry in wanted.items() if key not in known]
    DirectoryGroup.objects.bulk_create(fresh, ignore_conflicts=True)  # another login may be as quick
    if fresh:
        lost = [row.group_id for row in fresh]
        kept = DirectoryGroup.objects.filter(directory=directory, key__in=wanted)
        known = {row.key: row for row in kept}
        Group.objects.filter(pk__in=set(lost) - {row.group_id for row in kept}).delete()
    return {key: row.group_id for key, row in known.items()}


def _new(directory: Directory, entry: GroupEntry) -> DirectoryGroup:
    group = Group(name=_name(entry))
    group.save()
    return DirectoryGroup(group=group, directory=directory, key=entry.key, dn=entry.dn[:1000])


def _follow(row: DirectoryGroup, entry: GroupEntry) -> None:
    if row.dn != entry.dn:
        row.dn = entry.dn
        row.save(update_fields=["dn"])
    if row.group.name != _name(entry):
        row.group.set_name(_name(entry))
        row.group.save()


def _name(entry: GroupEntry) -> str:
    """As the directory writes it; its key where that could deceive a reader."""
    try:
        return clean_name(entry.name[:MAX_NAME])
    except InvalidInput:
        return entry.key[:MAX_NAME]


def put_in_groups(user: User, groups: dict[str, int]) -> None:
    before = set(GroupMember.objects.filter(user=user).values_list("group", flat=True))
    joined = [GroupMember(user=user, group_id=group) for group in sorted(set(groups.values()) - before)]
    GroupMember.objects.bulk_create(joined, ignore_conflicts=True)


def groups_left(directory: Directory, user: User, groups: dict[str, int]) -> list[int]:
    """Keys of the rows that say that the user is in a group of the directory which they are in no more."""
    rows = GroupMember.objects.filter(user=user, group__directory_group__directory=directory)
    return list(rows.exclude(group__in=groups.values()).values_list("pk", flat=True))
