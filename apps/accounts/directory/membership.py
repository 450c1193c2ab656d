"""Who is in which group, through other groups too. Groups may nest and loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from apps.accounts.directory.entries import GroupEntry, PersonEntry, dn_key


class Membership:
    """The groups of a directory as a graph from members to groups."""

    def __init__(self, groups: Iterable[GroupEntry]) -> None:
        self._by_dn: dict[str, set[str]] = defaultdict(set)
        self._by_uid: dict[str, set[str]] = defaultdict(set)
        self._by_sid: dict[bytes, str] = {}
        self._dn_of: dict[str, str] = {}
        self._above: dict[str, frozenset[str]] = {}
        for group in groups:
            self._dn_of[group.key] = dn_key(group.dn)
            if group.sid:
                self._by_sid[group.sid] = group.key
            for member in group.member_dns:
                self._by_dn[member].add(group.key)
            for uid in group.member_uids:
                self._by_uid[uid].add(group.key)

    def keys_of(self, person: PersonEntry) -> frozenset[str]:
        direct = set(self._by_dn.get(dn_key(person.dn), ()))
        for name in person.usernames[:1]:  # of others, such as a mail address, a person may be the writer
            direct |= self._by_uid.get(name, set())
        if person.primary_group_sid in self._by_sid:
            direct.add(self._by_sid[person.primary_group_sid])
        return frozenset(direct).union(*(self.above(key) for key in direct))

    def above(self, key: str) -> frozenset[str]:
        """The groups that this group is in, itself only if it is in a loop."""
        if key not in self._above:
            found: set[str] = set()
            waiting = [key]
            while waiting:
                fresh = self._by_dn.get(self._dn_of[waiting.pop()], set()) - found
                found |= fresh
                waiting.extend(fresh)
            self._above[key] = frozenset(found)
        return self._above[key]
