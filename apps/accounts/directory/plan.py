"""From what a directory shows, the rules, and what there is, to what has to be changed.

Pure: no row is read or written, and the order in which people and groups come makes no difference. Who is
gone or disabled there is kept out and keeps all that they have: who comes back has it again. What was given
by hand is never touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.accounts.directory.changes import Change, Note, in_order
from apps.accounts.directory.entries import PersonEntry
from apps.accounts.directory.naming import Refused, email_of, full_name_of, username_of
from apps.accounts.directory.plan_groups import Grouping
from apps.accounts.directory.present import HeldMembership, Known, Present, ShownGroup
from apps.accounts.directory.rules import RuleSpec, moment
from apps.accounts.directory.wanted import Target, matches, targets
from apps.core.names import fold


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a directory shows: people with the keys of their groups, and every group by its key."""

    people: tuple[PersonEntry, ...]
    groups: dict[str, ShownGroup]


@dataclass(frozen=True, slots=True)
class Plan:
    changes: tuple[Change, ...]
    notes: tuple[Note, ...]


@dataclass(slots=True)
class _Making:
    present: Present
    rules: tuple[RuleSpec, ...]
    now: datetime
    changes: list[Change] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # user names that are given by this plan
    accounts: dict[tuple[int, str, str], bool] = field(default_factory=dict)  # to be made: whether it can
    account_names: set[tuple[int, str]] = field(default_factory=set)

    def account_of(self, target: Target) -> int | None:
        """The account's key, unless it has still to be made."""
        return target.account or self.present.mapped_accounts.get(target.made)


def plan(snapshot: Snapshot, rules: Sequence[RuleSpec], present: Present, now: datetime) -> Plan:
    """All that brings the portal to what the directory and the rules say."""
    making = _Making(present, tuple(rules), now)
    here: set[str] = set()
    names: dict[str, str] = {}
    for person in sorted(snapshot.people, key=lambda each: each.stable_id):
        if not person.disabled:
            name = _person(making, person)
            if name:
                here.add(person.stable_id)
                names[person.stable_id] = name
    shown = {person.stable_id: person for person in snapshot.people}
    for stable_id, known in sorted(present.people.items()):
        found = shown.get(stable_id)
        if (found is None or found.disabled) and known.active:
            reason = "gone" if found is None else "disabled"
            data = {"user": known.user, "reason": reason}
            making.changes.append(Change("user.keep_out", stable_id, known.username, data=data))
    people = [shown[stable_id] for stable_id in sorted(here)]
    grouping = Grouping(present, making.rules, names)
    making.changes += grouping.changes(people, snapshot.groups)
    making.notes += grouping.notes
    return Plan(in_order(making.changes), tuple(making.notes))


def plan_person(person: PersonEntry, rules: Sequence[RuleSpec], present: Present, now: datetime) -> Plan:
    """What a login changes of one person's memberships. `present` is what there is of this person alone."""
    making = _Making(present, tuple(rules), now)
    known = present.people[person.stable_id]
    making.changes += _memberships(making, person, known.username, known)
    return Plan(in_order(making.changes), tuple(making.notes))


def _person(making: _Making, person: PersonEntry) -> str:
    """Changes for somebody whom the directory shows; their user name, or nothing if they are no user."""
    known = making.present.people.get(person.stable_id)
    if known is not None:
        making.changes += _known(making, person, known)
        making.changes += _memberships(making, person, known.username, known)
        return known.username
    if not any(matches(rule, person) for rule in making.rules):
        return ""  # they become a user when they first log in
    name = _new_name(making, person)
    if name:
        data = {
            "username": name,
            "full_name": full_name_of(person),
            "email": email_of(person),
            "dn": person.dn,
        }
        making.changes.append(Change("user.add", person.stable_id, name, data=data))
        making.changes += _memberships(making, person, name, None)
    return name


def _new_name(making: _Making, person: PersonEntry) -> str:
    try:
        name = username_of(person)
    except Refused as refused:
        making.notes.append(Note(refused.reason, refused.name, about=person.dn))
        return ""
    return name if _takes_name(making, person, name) else ""


def _takes_name(making: _Making, person: PersonEntry, name: str) -> bool:
    """A name is whose it is now, and else whose stable id comes first."""
    if name in making.present.usernames or name in making.names:
        making.notes.append(Note("name_taken", name, about=person.dn))
        return False
    making.names[name] = person.stable_id
    return True


def _known(making: _Making, person: PersonEntry, known: Known) -> Iterator[Change]:
    if known.left:
        data: dict[str, Any] = {"user": known.user}
        yield Change("user.let_in", person.stable_id, known.username, data=data)
    wanted = {"full_name": full_name_of(person), "email": email_of(person), "dn": person.dn}
    data = {name: value for name, value in wanted.items() if getattr(known, name) != value}
    try:
        username = username_of(person)
    except Refused:
        username = known.username
    if username != known.username and _takes_name(making, person, username):
        data["username"] = username
    if data:
        data["user"] = known.user
        yield Change("user.change", person.stable_id, known.username, data=data)


def _memberships(making: _Making, person: PersonEntry, name: str, known: Known | None) -> Iterator[Change]:
    held = dict(making.present.memberships.get(known.user, {})) if known else {}
    for target, rule in _wanted(making, person, name):
        account = making.account_of(target)
        mine = held.pop(account, None) if account else None
        if mine is None:
            yield from _add(making, person, name, target, rule)
        elif mine.mapped:
            yield from _change(making, person, name, mine, rule)
    by_id = {rule.rule: rule for rule in making.rules}
    for mine in sorted(held.values(), key=lambda each: each.pk):
        if mine.mapped:
            yield from _end(making, person, name, mine, by_id.get(mine.rule))


def _wanted(making: _Making, person: PersonEntry, name: str) -> list[tuple[Target, RuleSpec]]:
    """Each account once: the first rule that gives it decides, and another that would give it otherwise is
    told of."""
    found: dict[object, tuple[Target, RuleSpec]] = {}
    for rule in making.rules:
        if rule.gives == "grant" or not matches(rule, person) or _is_over(rule, making.now):
            continue
        given, notes = targets(rule, person, name)
        making.notes += notes
        for target in given:
            place = making.account_of(target) or target.made
            first = found.setdefault(place, (target, rule))[1]
            if first is not rule and _given(first) != _given(rule):
                making.notes.append(Note("lower_rule", name, rule.rule, first.name))
    return list(found.values())


def _is_over(rule: RuleSpec, now: datetime) -> bool:
    ends = moment(rule.ends_at)
    return ends is not None and ends <= now


def _add(making: _Making, person: PersonEntry, name: str, target: Target, rule: RuleSpec) -> Iterator[Change]:
    data = {"person": person.stable_id, **_given(rule)}
    account = making.account_of(target)
    if account:
        data["account"] = account
        place = str(account)
    else:
        if target.made not in making.accounts:
            making.accounts[target.made] = _may_make(making, target, name, rule)
            if making.accounts[target.made]:
                yield _account(target, rule)
        if not making.accounts[target.made]:
            return
        data["made"] = list(target.made)
        place = "/".join(str(part) for part in target.made)
    yield Change("membership.add", f"{person.stable_id} {place}", name, rule.rule, data)


def _given(rule: RuleSpec) -> dict[str, Any]:
    return {"role": rule.role, "ends_at": rule.ends_at, "limits": rule.limits}


def _held(mine: HeldMembership) -> dict[str, Any]:
    ends = mine.ends_at.isoformat() if mine.ends_at else None
    return {"role": mine.role, "ends_at": ends, "limits": mine.limits}


def _may_make(making: _Making, target: Target, name: str, rule: RuleSpec) -> bool:
    """No pattern takes over an account that is there already."""
    place = (target.domain or 0, fold(target.name))
    if place in making.present.account_names or place in making.account_names:
        making.notes.append(Note("account_taken", name, rule.rule, target.name))
        return False
    making.account_names.add(place)
    return True


def _account(target: Target, rule: RuleSpec) -> Change:
    data = {"made": list(target.made), "name": target.name}
    key = "/".join(str(part) for part in target.made)
    return Change("account.add", key, target.name, rule.rule, data, size=0)


def _change(
    making: _Making, person: PersonEntry, name: str, mine: HeldMembership, rule: RuleSpec
) -> Iterator[Change]:
    source = rule.rule if rule.rule in making.present.rules else ""
    limited = rule.limits and mine.limits != rule.limits
    if limited or (mine.role, mine.ends_at, mine.rule) != (rule.role, moment(rule.ends_at), source):
        data = {"person": person.stable_id, "membership": mine.pk, **_given(rule), "before": _held(mine)}
        key = f"{person.stable_id} {mine.account}"
        yield Change("membership.change", key, name, rule.rule, data)


def _end(
    making: _Making, person: PersonEntry, name: str, mine: HeldMembership, rule: RuleSpec | None
) -> Iterator[Change]:
    """What no rule gives any more goes, at once or so many days after; it is not put off a second time."""
    key = f"{person.stable_id} {mine.account}"
    data: dict[str, Any] = {"person": person.stable_id, "membership": mine.pk}
    days = rule.days_after_leaving if rule else 0
    if mine.ends_at is not None and mine.ends_at <= making.now:
        yield Change("membership.forget", key, name, mine.rule, data)
    elif not days:
        yield Change("membership.remove", key, name, mine.rule, data)
    elif mine.ends_at is None or mine.ends_at > making.now + timedelta(days=days):
        yield Change("membership.end", key, name, mine.rule, {**data, "days": days})
