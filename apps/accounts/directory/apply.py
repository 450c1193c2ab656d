"""Making the changes of a plan, in portions, each in one transaction.

A plan is older than the rows that it meets. Whoever logged in after the directory was read was brought up
to date then: nothing is changed of them. Every change is made on a condition, so that made twice it is made
once, and what somebody gave by hand meanwhile stays, as long as they hold it themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from apps.accounts import audit
from apps.accounts.actor import Actor
from apps.accounts.directory import apply_groups, apply_people
from apps.accounts.directory.apply_limits import set_limits
from apps.accounts.directory.changes import LESSENING, ORDER, Change
from apps.accounts.directory.rules import moment
from apps.accounts.locks import lock_tree
from apps.accounts.models import (
    Account,
    Directory,
    DirectoryPerson,
    Domain,
    MappedAccount,
    MappingRule,
    Membership,
    Quota,
    Role,
    User,
)
from apps.accounts.recheck import recheck

ACTOR = Actor.system("directory")


class Apply:
    """One portion. `observed_at`: before the directory was read; of a login, None: nothing overtakes it."""

    def __init__(self, directory: Directory, changes: Sequence[Change], observed_at: datetime | None) -> None:
        self.directory, self.observed_at = directory, observed_at
        self.changes: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            self.changes[change.kind].append(change)
        self.told: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self.links: dict[str, DirectoryPerson] = {}
        self.lost: set[int] = set()
        """Users who hold less now: what they gave is looked at again."""
        self.limited: list[tuple[Membership, dict[str, list[Any]]]] = []

    def make(self) -> None:
        """Call it in a transaction."""
        if not LESSENING.isdisjoint(self.changes):
            lock_tree()
        self._load_links()
        for kind in ORDER:
            if self.changes[kind]:
                _MAKERS[kind](self, self.changes[kind])
        self._tell()
        if self.lost:
            recheck(self.lost)

    def _load_links(self) -> None:
        people = {
            person for kind in self.changes for each in self.changes[kind] for person in people_of(each)
        }
        rows = DirectoryPerson.objects.select_related("user").filter(
            directory=self.directory, stable_id__in=people
        )
        if self.observed_at is not None:
            rows = rows.filter(Q(last_seen_at=None) | Q(last_seen_at__lte=self.observed_at))
        self.links = {row.stable_id: row for row in rows}

    def of_known(self, changes: Iterable[Change]) -> list[tuple[Change, DirectoryPerson]]:
        """The changes of people who are users and did not log in meanwhile."""
        found = [(change, self.links.get(next(iter(people_of(change)), ""))) for change in changes]
        return [(change, link) for change, link in found if link is not None]

    def tell(self, user: User, act: str, account: str) -> None:
        self.told[user.pk][act].append(account)

    def _tell(self) -> None:
        """One event for each person whose memberships changed."""
        if not self.told:
            return
        users = User.objects.in_bulk(self.told)
        names = {account for acts in self.told.values() for of in acts.values() for account in of}
        accounts = Account.objects.in_bulk({int(name) for name in names})
        called = {pk: account.name for pk, account in accounts.items()}
        told = [
            (users[pk], {act: sorted(called.get(int(one), one) for one in of) for act, of in acts.items()})
            for pk, acts in self.told.items()
            if pk in users
        ]
        audit.record_each(ACTOR, "directory.change_memberships", told)
        name = self.directory.name
        limited = [
            (accounts[row.account_id], {"user": row.user, "directory": name, "changes": changes})
            for row, changes in self.limited
            if row.account_id in accounts
        ]
        audit.record_each(ACTOR, "quota.limit_member", limited)


def people_of(change: Change) -> list[str]:
    """Stable ids of those whom a change is about."""
    if change.kind.startswith("user."):
        return [change.key]
    if change.kind in {"group.add_people", "group.remove_people"}:
        return list(change.data["people"])
    return [change.data["person"]] if "person" in change.data else []


def _add_accounts(apply: Apply, changes: list[Change]) -> None:
    """Each with its quota row, and the row that says whose it is: who finds that one there, made no
    account."""
    domains = Domain.objects.in_bulk({change.data["made"][0] for change in changes})
    wanted = [change for change in changes if change.data["made"][0] in domains]
    rows = []
    for change in wanted:
        row = Account(domain_id=change.data["made"][0])
        row.set_name(change.data["name"])
        rows.append(row)
    Account.objects.bulk_create(rows, ignore_conflicts=True)
    made = {row.uuid: row for row in Account.objects.filter(uuid__in=[row.uuid for row in rows])}
    links = []
    for change, row in zip(wanted, rows, strict=True):
        domain, template, key = change.data["made"]
        if row.uuid in made:
            account = made[row.uuid]
            links.append(
                MappedAccount(
                    directory=apply.directory,
                    domain_id=domain,
                    template=template,
                    key=key,
                    account=account,
                )
            )
    MappedAccount.objects.bulk_create(links, ignore_conflicts=True)
    kept = MappedAccount.objects.filter(account__in=list(made.values())).values_list("account", flat=True)
    mine = [row for row in made.values() if row.pk in set(kept)]
    Account.objects.filter(pk__in={row.pk for row in made.values()} - {row.pk for row in mine}).delete()
    Quota.objects.bulk_create([Quota(account=row) for row in mine])
    audit.record_each(ACTOR, "account.create", [(row, {"directory": apply.directory.name}) for row in mine])


def _add_memberships(apply: Apply, changes: list[Change]) -> None:
    found = apply.of_known(changes)
    accounts = _accounts(apply.directory, [change for change, _link in found])
    roles, rules = _there(changes), _rules(changes)
    rows, given = [], []
    for number, (change, link) in enumerate(found):
        account = accounts.get(number)
        if account is None or change.data["role"] not in roles:
            continue
        rows.append(
            Membership(
                user=link.user,
                account_id=account,
                role_id=change.data["role"],
                ends_at=moment(change.data["ends_at"]),
                directory=apply.directory,
                rule_id=rules.get(change.rule),
            )
        )
        given.append(change.data.get("limits") or {})
    mine = {(row.user_id, row.account_id) for row in rows}
    before = Membership.objects.filter(user__in={user for user, _account in mine})
    there = set(before.values_list("user", "account"))
    fresh = [row for row in rows if (row.user_id, row.account_id) not in there]
    Membership.objects.bulk_create(fresh, ignore_conflicts=True)
    for row in fresh:
        apply.tell(row.user, "added", str(row.account_id))
    new = {(row.user_id, row.account_id) for row in fresh}
    wanted = [(row, limits) for row, limits in zip(rows, given, strict=True) if _place(row) in new]
    _limit(apply, wanted)


def _place(row: Membership) -> tuple[int, int]:
    return (row.user_id, row.account_id)


def _limit(apply: Apply, wanted: Sequence[tuple[Membership, dict[str, int]]]) -> None:
    for row, changes in set_limits(wanted):
        apply.tell(row.user, "limited", str(row.account_id))
        apply.limited.append((row, changes))


def _accounts(directory: Directory, changes: Sequence[Change]) -> dict[int, int]:
    """The account of each change by its number; none of those that are gone, or could not be made."""
    given = {change.data["account"] for change in changes if "account" in change.data}
    there = set(Account.objects.filter(pk__in=given).values_list("pk", flat=True)) if given else set()
    made = [change.data["made"] for change in changes if "made" in change.data]
    rows = MappedAccount.objects.filter(
        directory=directory, domain__in={domain for domain, _template, _key in made}
    ).filter(key__in={key for _domain, _template, key in made})
    columns = rows.values_list("domain", "template", "key", "account") if made else []
    mapped = {(domain, template, key): account for domain, template, key, account in columns}
    found = {}
    for number, change in enumerate(changes):
        account = change.data.get("account")
        if account is None:
            account = mapped.get(tuple(change.data["made"]))
        elif account not in there:
            account = None
        if account is not None:
            found[number] = account
    return found


def _there(changes: Iterable[Change]) -> set[int]:
    roles = {change.data["role"] for change in changes}
    return set(Role.objects.filter(pk__in=roles).values_list("pk", flat=True))


def _rules(changes: Iterable[Change]) -> dict[str, int]:
    wanted = {change.rule for change in changes if change.rule}
    return {
        str(uuid): pk for uuid, pk in MappingRule.objects.filter(uuid__in=wanted).values_list("uuid", "pk")
    }


def _held(apply: Apply, changes: list[Change]) -> list[tuple[Change, Membership]]:
    """The memberships of these changes that are still the directory's to change."""
    found = apply.of_known(changes)
    keys = [change.data["membership"] for change, _link in found]
    rows = Membership.objects.select_related("user").filter(pk__in=keys, directory=apply.directory)
    there = rows.in_bulk()
    return [(c, there[c.data["membership"]]) for c, _link in found if c.data["membership"] in there]


def _change_memberships(apply: Apply, changes: list[Change]) -> None:
    roles, rules = _there(changes), _rules(changes)
    rows, given = [], []
    for change, row in _held(apply, changes):
        if change.data["role"] in roles:
            row.role_id, row.rule_id = change.data["role"], rules.get(change.rule)
            row.ends_at = moment(change.data["ends_at"])
            rows.append(row)
            given.append(change.data.get("limits") or {})
            apply.lost.add(row.user_id)
            apply.tell(row.user, "changed", str(row.account_id))
    Membership.objects.bulk_update(rows, ["role", "rule", "ends_at"])
    _limit(apply, list(zip(rows, given, strict=True)))


def _end_memberships(apply: Apply, changes: list[Change]) -> None:
    rows = []
    now = apply.observed_at
    for change, row in _held(apply, changes):
        row.ends_at = (now or apply_people.now()) + timedelta(days=change.data["days"])
        rows.append(row)
        apply.lost.add(row.user_id)
        apply.tell(row.user, "ends", str(row.account_id))
    Membership.objects.bulk_update(rows, ["ends_at"])


def _remove_memberships(apply: Apply, changes: list[Change]) -> None:
    rows = [row for _change, row in _held(apply, changes)]
    Membership.objects.filter(pk__in=[row.pk for row in rows], directory=apply.directory).delete()
    for row in rows:
        apply.lost.add(row.user_id)
        apply.tell(row.user, "removed", str(row.account_id))


_MAKERS: dict[str, Callable[[Apply, list[Change]], None]] = {
    "user.add": apply_people.add,
    "user.change": apply_people.change,
    "user.let_in": apply_people.let_in,
    "user.keep_out": apply_people.keep_out,
    "group.add": apply_groups.keep,
    "group.change": apply_groups.keep,
    "group.add_people": apply_groups.add_people,
    "group.remove_people": apply_groups.remove_people,
    "group.remove": apply_groups.remove,
    "grant.add": apply_groups.grant,
    "grant.remove": apply_groups.revoke,
    "account.add": _add_accounts,
    "membership.add": _add_memberships,
    "membership.change": _change_memberships,
    "membership.end": _end_memberships,
    "membership.remove": _remove_memberships,
    "membership.forget": _remove_memberships,
}


def change_of(stored: Any) -> Change:
    """From a run's row."""
    return Change(stored.kind, stored.key, stored.name, stored.rule, stored.data)
