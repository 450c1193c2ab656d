"""The part of a plan that is about groups: which there are, who is in them, and what rules grant them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from apps.accounts.directory.changes import Change, Note
from apps.accounts.directory.entries import PersonEntry
from apps.accounts.directory.present import Present, ShownGroup
from apps.accounts.directory.rules import RuleSpec, moment
from apps.core.errors import InvalidInput
from apps.core.names import clean_name

AT_ONCE = 200
"""How many people one change puts into a group or takes out of it."""


class Grouping:
    """`names`: the user names of those who are, or become, users."""

    def __init__(self, present: Present, rules: Sequence[RuleSpec], names: Mapping[str, str]) -> None:
        self.present, self.rules, self.names = present, rules, names
        self.notes: list[Note] = []

    def changes(self, people: Sequence[PersonEntry], groups: Mapping[str, ShownGroup]) -> list[Change]:
        found = [*self._groups(groups), *self._grants(groups)]
        return found + self.people_changes(people, groups)

    def _groups(self, groups: Mapping[str, ShownGroup]) -> Iterator[Change]:
        held = {grant.group for grant in self.present.grants if not grant.mapped}
        for key, shown in sorted(groups.items()):
            wanted = ShownGroup(_group_name(key, shown.name), shown.dn[:1000])
            data = {"name": wanted.name, "dn": wanted.dn}
            if key not in self.present.groups:
                yield Change("group.add", key, wanted.name, data=data, size=0)
            elif self.present.groups[key] != wanted:
                yield Change("group.change", key, wanted.name, data=data, size=0)
        for key, gone in sorted(self.present.groups.items()):
            if key not in groups and key not in held:  # what was granted to it by hand stays granted to it
                yield Change("group.remove", key, gone.name, size=0)

    def people_changes(self, people: Sequence[PersonEntry], groups: Mapping[str, ShownGroup]) -> list[Change]:
        """Who comes into groups and who goes out of them. Who left the directory stays in theirs."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for person in people:
            for key in person.group_keys & groups.keys():
                wanted[key].add(person.stable_id)
        user_of = {stable_id: self.present.people[stable_id].user for stable_id in self._known(people)}
        found: list[Change] = []
        for key in sorted({*self.present.groups, *groups}):
            shown = groups.get(key) or self.present.groups[key]
            name = _group_name(key, shown.name)
            there = self.present.group_people.get(key, frozenset())
            come = sorted(s for s in wanted[key] if user_of.get(s) not in there)
            go = sorted(s for s, user in user_of.items() if user in there and s not in wanted[key])
            found += _portions("group.add_people", key, name, come, self.names)
            found += _portions("group.remove_people", key, name, go, self.names)
        return found

    def _known(self, people: Sequence[PersonEntry]) -> Iterator[str]:
        return (person.stable_id for person in people if person.stable_id in self.present.people)

    def _grants(self, groups: Mapping[str, ShownGroup]) -> Iterator[Change]:
        held = {grant.what: grant for grant in self.present.grants}
        wanted = set()
        for rule in self.rules:
            what = (rule.match_value, rule.role, rule.scope, rule.place)
            if rule.gives != "grant" or what in wanted:
                continue
            if rule.match_value not in groups:
                self.notes.append(Note("group_missing", rule.match_name, rule.rule))
                continue
            wanted.add(what)
            mine = held.get(what)
            if mine is None or (mine.mapped and mine.ends_at != moment(rule.ends_at)):
                yield self._grant(rule, groups[rule.match_value].name)
        for what, grant in held.items():
            if grant.mapped and what not in wanted:
                key = "/".join(str(part) for part in what)
                name = self.present.groups[grant.group].name
                people = len(self.present.group_people.get(grant.group, ()))
                data = {"grant": grant.pk}
                yield Change("grant.remove", key, name, grant.rule, data, size=max(1, people))

    def _grant(self, rule: RuleSpec, name: str) -> Change:
        what = [rule.match_value, rule.role, rule.scope, rule.place]
        data = {"what": what, "ends_at": rule.ends_at}
        key = "/".join(str(part) for part in what)
        return Change("grant.add", key, _group_name(rule.match_value, name), rule.rule, data)


def _group_name(key: str, name: str) -> str:
    """As the directory writes it; where that could deceive a reader, its stable id."""
    try:
        return clean_name(name)
    except InvalidInput:
        return key[:100]


def _portions(
    kind: str, key: str, name: str, people: Sequence[str], names: Mapping[str, str]
) -> Iterator[Change]:
    for start in range(0, len(people), AT_ONCE):
        part = list(people[start : start + AT_ONCE])
        data = {"group": key, "people": part, "names": [names.get(one, one) for one in part]}
        yield Change(kind, f"{key} {start}", name, data=data, size=len(part))
