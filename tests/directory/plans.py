"""Directories and rules in memory, and what making a plan's changes comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from apps.accounts.directory.entries import PersonEntry
from apps.accounts.directory.plan import Plan, Snapshot, plan
from apps.accounts.directory.present import HeldGrant, HeldMembership, Known, Present, ShownGroup
from apps.accounts.directory.rules import RuleSpec, moment
from apps.core.names import fold

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
BASE = "ou=people,dc=campus"


def person(uid: str, *, groups: tuple[str, ...] = (), unit: str = "physics", **given: Any) -> PersonEntry:
    plain: dict[str, Any] = {
        "stable_id": f"id-{uid}",
        "dn": f"uid={uid},ou={unit},{BASE}",
        "usernames": (uid,),
        "mail": f"{uid}@campus.example",
        "full_name": uid.title(),
        "disabled": False,
        "group_keys": frozenset(groups),
    }
    return PersonEntry(**(plain | given))


def rule(number: int, **given: Any) -> RuleSpec:
    plain: dict[str, Any] = {
        "rule": f"rule-{number}",
        "name": f"Rule {number}",
        "match": "group",
        "match_name": "students",
        "match_value": "students",
        "gives": "account",
        "role": 1,
        "account": 100,
    }
    return RuleSpec(**(plain | given))


def snapshot(*people: PersonEntry, groups: tuple[str, ...] = ("students",)) -> Snapshot:
    return Snapshot(people, {key: ShownGroup(key, f"cn={key}") for key in groups})


def planned(shown: Snapshot, rules: Any, present: Present, now: datetime = NOW) -> Plan:
    present.rules = frozenset(each.rule for each in rules)
    return plan(shown, rules, present, now)


class World:
    """The rows of `Present`, changed as the sync would change them."""

    def __init__(self, present: Present) -> None:
        self.present = present
        self.numbers = count(1000)
        self.account_names: dict[int, str] = {}

    def make(self, made: Plan, now: datetime = NOW) -> None:
        for change in made.changes:
            getattr(self, "_" + change.kind.replace(".", "_"))(change, now)
        self.present.usernames = frozenset(each.username for each in self.present.people.values()) | {
            name for name in self.present.usernames if name.startswith("local")
        }

    def _set(self, change: Any, **given: Any) -> None:
        self.present.people[change.key] = replace(self.present.people[change.key], **given)

    def _user_add(self, change: Any, now: datetime) -> None:
        self.present.people[change.key] = Known(next(self.numbers), change.key, **change.data)

    def _user_change(self, change: Any, now: datetime) -> None:
        self._set(change, **{name: value for name, value in change.data.items() if name != "user"})

    def _user_let_in(self, change: Any, now: datetime) -> None:
        self._set(change, active=True, left=False)

    def _user_keep_out(self, change: Any, now: datetime) -> None:
        self._set(change, active=False, left=True)

    def _group_add(self, change: Any, now: datetime) -> None:
        self.present.groups[change.key] = ShownGroup(change.data["name"], change.data["dn"])

    _group_change = _group_add

    def _group_remove(self, change: Any, now: datetime) -> None:
        del self.present.groups[change.key]
        self.present.group_people.pop(change.key, None)

    def _group_add_people(self, change: Any, now: datetime) -> None:
        users = {self.present.people[stable_id].user for stable_id in change.data["people"]}
        there = self.present.group_people.get(change.data["group"], frozenset())
        assert not there & users
        self.present.group_people[change.data["group"]] = there | users

    def _group_remove_people(self, change: Any, now: datetime) -> None:
        users = {self.present.people[stable_id].user for stable_id in change.data["people"]}
        assert users <= self.present.group_people[change.data["group"]]
        self.present.group_people[change.data["group"]] -= users

    def _grant_add(self, change: Any, now: datetime) -> None:
        group, role, scope, place = change.data["what"]
        ends = moment(change.data["ends_at"])
        rest = tuple(each for each in self.present.grants if each.what != (group, role, scope, place))
        new = HeldGrant(next(self.numbers), group, role, scope, place, ends, True, change.rule)
        self.present.grants = (*rest, new)

    def _grant_remove(self, change: Any, now: datetime) -> None:
        self.present.grants = tuple(
            each for each in self.present.grants if each.pk != change.data["grant"] or not each.mapped
        )

    def _account_add(self, change: Any, now: datetime) -> None:
        domain, template, key = change.data["made"]
        account = next(self.numbers)
        name = (domain, fold(change.data["name"]))
        assert name not in self.present.account_names
        self.present.account_names |= {name}
        self.present.mapped_accounts[domain, template, key] = account
        self.account_names[account] = change.data["name"]

    def _membership_add(self, change: Any, now: datetime) -> None:
        user = self.present.people[change.key.split(" ")[0]].user
        data = change.data
        account = data.get("account") or self.present.mapped_accounts[tuple(data["made"])]
        held = self.present.memberships.setdefault(user, {})
        assert account not in held
        ends = moment(data["ends_at"])
        held[account] = HeldMembership(
            next(self.numbers), account, data["role"], ends, mapped=True, rule=change.rule
        )

    def _find(self, change: Any) -> tuple[dict[int, HeldMembership], HeldMembership]:
        for held in self.present.memberships.values():
            for mine in held.values():
                if mine.pk == change.data["membership"]:
                    assert mine.mapped
                    return held, mine
        raise AssertionError(change)

    def _membership_change(self, change: Any, now: datetime) -> None:
        held, mine = self._find(change)
        ends = moment(change.data["ends_at"])
        held[mine.account] = replace(mine, role=change.data["role"], ends_at=ends, rule=change.rule)

    def _membership_end(self, change: Any, now: datetime) -> None:
        held, mine = self._find(change)
        held[mine.account] = replace(mine, ends_at=now + timedelta(days=change.data["days"]))

    def _membership_remove(self, change: Any, now: datetime) -> None:
        held, mine = self._find(change)
        del held[mine.account]

    _membership_forget = _membership_remove
