"""What there is of a directory's people, as a plan compares it: loaded in a few queries, whatever their
number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models.functions import Lower

from apps.accounts.models import (
    Account,
    Directory,
    DirectoryGroup,
    DirectoryPerson,
    Grant,
    GroupMember,
    MappedAccount,
    MappingRule,
    Membership,
    Quota,
    User,
)


@dataclass(frozen=True, slots=True)
class Known:
    """A user who is a person of the directory. `left`: it was the sync that keeps them out."""

    user: int
    stable_id: str
    username: str
    full_name: str
    email: str
    dn: str
    active: bool = True
    left: bool = False


@dataclass(frozen=True, slots=True)
class HeldMembership:
    """`mapped`: by this directory's rules; `rule` is the public id of the one, if it is still there."""

    pk: int
    account: int
    role: int
    ends_at: datetime | None = None
    mapped: bool = True
    rule: str = ""
    limits: dict[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class HeldGrant:
    pk: int
    group: str
    role: int
    scope: str
    place: int | None
    ends_at: datetime | None = None
    mapped: bool = True
    rule: str = ""

    @property
    def what(self) -> tuple[str, int, str, int | None]:
        return (self.group, self.role, self.scope, self.place)


@dataclass(frozen=True, slots=True)
class ShownGroup:
    name: str
    dn: str = ""


@dataclass(slots=True)
class Present:
    """By stable id, by user and account, by (domain, pattern, key), by a group's key."""

    people: dict[str, Known] = field(default_factory=dict)
    usernames: frozenset[str] = frozenset()  # of all users, small letters
    memberships: dict[int, dict[int, HeldMembership]] = field(default_factory=dict)
    mapped_accounts: dict[tuple[int, str, str], int] = field(default_factory=dict)
    account_names: frozenset[tuple[int, str]] = frozenset()
    groups: dict[str, ShownGroup] = field(default_factory=dict)
    group_people: dict[str, frozenset[int]] = field(default_factory=dict)
    grants: tuple[HeldGrant, ...] = ()
    rules: frozenset[str] = frozenset()


def present_of(directory: Directory, domains: Iterable[int] = ()) -> Present:
    """All of it; `domains` are those that patterns make accounts in."""
    links = DirectoryPerson.objects.filter(directory=directory)
    found = _of_people(directory, links)
    found.usernames = frozenset(User.objects.values_list(Lower("username"), flat=True))
    found.account_names = _account_names(domains)
    rows = DirectoryGroup.objects.filter(directory=directory).values_list("key", "group__name", "dn")
    found.groups = {key: ShownGroup(name, dn) for key, name, dn in rows}
    found.group_people = _group_people(directory)
    found.grants = tuple(_grants(directory))
    return found


def present_of_person(link: DirectoryPerson, domains: Iterable[int] = ()) -> Present:
    """What there is of one person, without groups."""
    directory = link.directory
    found = _of_people(directory, DirectoryPerson.objects.filter(pk=link.pk))
    found.account_names = _account_names(domains)
    return found


def _of_people(directory: Directory, links: Any) -> Present:
    found = Present()
    columns = ("user", "stable_id", "user__username", "user__full_name", "user__email", "dn")
    for row in links.values_list(*columns, "user__is_active", "left_at"):
        *told, left_at = row
        known = Known(*told)
        found.people[known.stable_id] = replace(known, left=left_at is not None)
    found.memberships = _memberships(directory, links)
    made = MappedAccount.objects.filter(directory=directory)
    found.mapped_accounts = {
        (domain, template, key): account
        for domain, template, key, account in made.values_list("domain", "template", "key", "account")
    }
    ids = MappingRule.objects.filter(directory=directory).values_list("uuid", flat=True)
    found.rules = frozenset(str(uuid) for uuid in ids)
    return found


def _limits(links: Any) -> dict[tuple[int, int], dict[str, int]]:
    """Of members within accounts: those that there are, by resource."""
    rows = Quota.objects.filter(user__in=links.values("user"))
    columns = [f"max_{name}" for name in Quota.RESOURCES]
    return {
        (user, account): {
            name: limit for name, limit in zip(Quota.RESOURCES, found, strict=True) if limit is not None
        }
        for user, account, *found in rows.values_list("user", "within", *columns)
    }


def _memberships(directory: Directory, links: Any) -> dict[int, dict[int, HeldMembership]]:
    rows = Membership.objects.filter(user__in=links.values("user"))
    found: dict[int, dict[int, HeldMembership]] = defaultdict(dict)
    limits = _limits(links)
    columns = ("pk", "user", "account", "role", "ends_at", "directory", "rule__uuid")
    for pk, user, account, role, ends_at, source, rule in rows.values_list(*columns):
        mapped = source == directory.pk
        shown = str(rule) if rule else ""
        own = limits.get((user, account), {})
        found[user][account] = HeldMembership(pk, account, role, ends_at, mapped, shown, own)
    return dict(found)


def _account_names(domains: Iterable[int]) -> frozenset[tuple[int, str]]:
    keys = set(domains)
    if not keys:
        return frozenset()
    return frozenset(Account.objects.filter(domain__in=keys).values_list("domain", "name_key"))


def _group_people(directory: Directory) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    rows = GroupMember.objects.filter(group__directory_group__directory=directory)
    for key, user in rows.values_list("group__directory_group__key", "user"):
        found[key].add(user)
    return {key: frozenset(users) for key, users in found.items()}


def _grants(directory: Directory) -> Iterable[HeldGrant]:
    rows = Grant.objects.filter(group__directory_group__directory=directory)
    rows = rows.select_related("group__directory_group", "rule")
    for row in rows.order_by("pk"):
        mapped = row.directory_id == directory.pk
        rule = str(row.rule.uuid) if row.rule else ""
        key = row.group.directory_group.key if row.group else ""
        yield HeldGrant(row.pk, key, row.role_id, row.scope, row.place_id, row.ends_at, mapped, rule)
