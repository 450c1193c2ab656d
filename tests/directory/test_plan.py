"""A plan brings what there is to what the directory and the rules say, and touches nothing else."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.directory.changes import counted, digest_of
from apps.accounts.directory.entries import PersonEntry
from apps.accounts.directory.plan import Snapshot
from apps.accounts.directory.present import HeldGrant, HeldMembership, Known, Present
from apps.accounts.directory.rules import RuleSpec
from tests.directory.plans import BASE, NOW, World, person, planned, rule, snapshot

UIDS = ("ada", "bob", "cleo", "dora", "eva")
GROUPS = ("students", "staff", "wheel")


@st.composite
def people(draw: Any) -> tuple[PersonEntry, ...]:
    found = []
    for uid in draw(st.lists(st.sampled_from(UIDS), unique=True)):
        name = draw(st.sampled_from([uid, "ada", "newname", "-bad-", "Ünsafe"]))
        groups = draw(st.frozensets(st.sampled_from(GROUPS)))
        entry = person(uid, groups=tuple(groups), disabled=draw(st.booleans()), usernames=(name,))
        values = tuple(draw(st.lists(st.sampled_from(["Physics", "PHYSICS ", "Arts", "lo\u0441al"]))))
        found.append(
            PersonEntry(**{**{f: getattr(entry, f) for f in entry.__slots__}, "attributes": {"dep": values}})
        )
    return tuple(found)


RULES: Any = st.lists(
    st.one_of(
        st.builds(
            dict,
            match_value=st.sampled_from(GROUPS),
            role=st.integers(1, 2),
            account=st.sampled_from([100, 101]),
            days_after_leaving=st.sampled_from([0, 7]),
            ends_at=st.sampled_from([None, (NOW + timedelta(days=3)).isoformat(), NOW.isoformat()]),
        ),
        st.builds(
            dict,
            match_value=st.sampled_from(GROUPS),
            gives=st.just("template"),
            account=st.none(),
            domain=st.just(7),
            template=st.sampled_from(["{uid}", "{dep}", "{uid}-{dep}", "shared"]),
        ),
        st.builds(
            dict,
            match_value=st.sampled_from(GROUPS),
            gives=st.just("grant"),
            account=st.none(),
            scope=st.just("domain"),
            place=st.integers(1, 2),
        ),
    ),
    max_size=4,
)
SNAPSHOTS = st.builds(
    lambda found, groups: Snapshot(found, snapshot(groups=tuple(groups)).groups),
    people(),
    st.frozensets(st.sampled_from(GROUPS)),
)


def rules_of(drawn: list[dict[str, Any]]) -> tuple[RuleSpec, ...]:
    return tuple(rule(number, **given) for number, given in enumerate(drawn))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(SNAPSHOTS, RULES), min_size=1, max_size=4))
def test_what_was_made_is_not_asked_for_again(history: list[tuple[Snapshot, list[dict[str, Any]]]]) -> None:
    """A user name that one run sets free is somebody's in the next: each round settles at least one name."""
    world = World(Present(usernames=frozenset({"local"}), account_names=frozenset({(7, "arts")})))
    for shown, drawn in history:
        rules = rules_of(drawn)
        for _round in range(len(UIDS) + 1):
            made = planned(shown, rules, world.present)
            world.make(made)
        assert made.changes == ()


@settings(max_examples=200, deadline=None)
@given(SNAPSHOTS, RULES, st.randoms())
def test_the_order_in_which_people_come_makes_no_difference(
    shown: Snapshot, drawn: list[dict[str, Any]], chance: random.Random
) -> None:
    rules = rules_of(drawn)
    other = list(shown.people)
    chance.shuffle(other)
    mixed = Snapshot(tuple(other), dict(reversed(shown.groups.items())))
    one, two = planned(shown, rules, Present()), planned(mixed, rules, Present())
    assert one.changes == two.changes
    assert digest_of([], one.changes) == digest_of([], two.changes)


@settings(max_examples=200, deadline=None)
@given(SNAPSHOTS, RULES, RULES)
def test_what_was_given_by_hand_stays(
    shown: Snapshot, drawn: list[dict[str, Any]], later: list[dict[str, Any]]
) -> None:
    by_hand = {
        100: HeldMembership(1, 100, role=9, mapped=False),
        555: HeldMembership(2, 555, role=9, mapped=False),
    }
    known = {f"id-{uid}": Known(number, f"id-{uid}", uid, "", "", "") for number, uid in enumerate(UIDS, 1)}
    present = Present(people=known, memberships={1: dict(by_hand)})
    present.groups = {"staff": snapshot(groups=("staff",)).groups["staff"]}
    present.grants = (HeldGrant(5, "staff", 1, "domain", 1, mapped=False),)
    world = World(present)
    for each in (drawn, later):
        world.make(planned(shown, rules_of(each), world.present))
    assert by_hand.items() <= world.present.memberships[1].items()
    assert HeldGrant(5, "staff", 1, "domain", 1, mapped=False) in world.present.grants


@settings(max_examples=200, deadline=None)
@given(SNAPSHOTS, RULES)
def test_who_leaves_keeps_what_they_had_and_has_it_again_when_they_come_back(
    shown: Snapshot, drawn: list[dict[str, Any]]
) -> None:
    world = World(Present())
    rules = rules_of(drawn)
    world.make(planned(shown, rules, world.present))
    world.make(planned(shown, rules, world.present))
    before = dict(world.present.people), {k: dict(v) for k, v in world.present.memberships.items()}
    groups = {key: users for key, users in world.present.group_people.items() if users}
    world.make(planned(Snapshot((), shown.groups), rules, world.present))
    assert not any(known.active for known in world.present.people.values())
    world.make(planned(shown, rules, world.present))
    assert (world.present.people, world.present.memberships) == before
    assert {k: v for k, v in world.present.group_people.items() if v} == {
        k: v for k, v in groups.items() if v
    }


def known(uid: str, number: int, **given: Any) -> Known:
    plain = {"username": uid, "full_name": uid.title(), "email": f"{uid}@campus.example"}
    return Known(number, f"id-{uid}", **(plain | {"dn": f"uid={uid},ou=physics,{BASE}"} | given))


def kinds(found: Any) -> list[str]:
    return [change.kind for change in found.changes]


def test_of_two_rules_for_one_account_the_higher_decides_and_the_other_is_told() -> None:
    shown = snapshot(person("ada", groups=("students", "staff")), groups=("students", "staff"))
    found = planned(shown, [rule(1, match_value="staff", role=2), rule(2, role=1)], Present())
    (added,) = [change for change in found.changes if change.kind == "membership.add"]
    assert (added.rule, added.data["role"]) == ("rule-1", 2)
    assert [(note.reason, note.rule, note.about) for note in found.notes] == [
        ("lower_rule", "rule-2", "Rule 1")
    ]


def test_a_person_who_matches_two_rules_has_both_memberships() -> None:
    shown = snapshot(person("ada", groups=("students",)))
    below = rule(2, match="ou", match_value=f"OU=Physics, {BASE}", account=101)
    found = planned(shown, [rule(1), below], Present())
    assert [c.data["account"] for c in found.changes if c.kind == "membership.add"] == [100, 101]


def test_an_ou_is_not_matched_by_a_name_that_ends_alike() -> None:
    entry = person("ada", dn=f"uid=ada,ou=astrophysics,{BASE}")
    below = rule(1, match="ou", match_value=f"ou=physics,{BASE}")
    assert planned(snapshot(entry, groups=()), [below], Present()).changes == ()


def test_a_value_is_compared_as_text_never_as_a_filter() -> None:
    star = rule(1, match="attribute", match_name="dep", match_value="*")
    for value, matched in (("Arts", False), ("*", True), ("*)(uid=*", False)):
        entry = person("ada", attributes={"dep": (value,)})
        found = planned(snapshot(entry, groups=()), [star], Present())
        assert ("membership.add" in kinds(found)) is matched


def test_who_matches_nothing_is_no_user_before_they_log_in() -> None:
    assert planned(snapshot(person("ada"), groups=()), [rule(1)], Present()).changes == ()


def test_a_renamed_person_keeps_account_and_memberships() -> None:
    mine = {1: {50: HeldMembership(9, 50, 1, rule="rule-1")}}
    present = Present(people={"id-ada": known("ada", 1)}, memberships=mine, usernames=frozenset({"ada"}))
    present.mapped_accounts = {(7, "{uid}", "person=id-ada"): 50}
    personal = rule(1, gives="template", account=None, domain=7, template="{uid}")
    entry = person("ada", groups=("students",), usernames=("ada.new",))
    found = planned(snapshot(entry), [personal], present)
    assert [c.data["username"] for c in found.changes if c.kind == "user.change"] == ["ada.new"]
    assert not [kind for kind in kinds(found) if kind.startswith(("membership", "account"))]


def test_a_name_that_a_local_user_has_is_not_taken_in_any_case() -> None:
    present = Present(usernames=frozenset({"root"}))
    found = planned(snapshot(person("root", groups=("students",), usernames=("ROOT",))), [rule(1)], present)
    assert "user.add" not in kinds(found)
    assert [note.reason for note in found.notes] == ["name_taken"]


def test_a_look_alike_user_name_is_nobody() -> None:
    found = planned(
        snapshot(person("x", groups=("students",), usernames=("\u0430dmin",))), [rule(1)], Present()
    )
    assert "user.add" not in kinds(found)
    assert [note.reason for note in found.notes] == ["not_a_username"]


def test_two_people_of_one_name_are_one_user_and_a_note() -> None:
    one = person("ada", groups=("students",))
    two = person("ada", groups=("students",), stable_id="id-zzz", mail=one.mail)
    found = planned(snapshot(two, one), [rule(1)], Present())
    assert [change.key for change in found.changes if change.kind == "user.add"] == ["id-ada"]
    assert [note.reason for note in found.notes] == ["name_taken"]


def test_a_pattern_takes_no_account_that_is_there_already() -> None:
    personal = rule(1, gives="template", account=None, domain=7, template="{uid}")
    present = Present(account_names=frozenset({(7, "ada")}))
    found = planned(snapshot(person("ada", groups=("students",))), [personal], present)
    assert not {"account.add", "membership.add"} & set(kinds(found))
    assert [(note.reason, note.about) for note in found.notes] == [("account_taken", "ada")]


def test_a_value_with_letters_of_two_alphabets_names_no_account() -> None:
    shared = rule(1, gives="template", account=None, domain=7, template="{dep}")
    greek = "\u03a6\u03c5\u03c3\u03b9\u03ba\u03ae ECE"
    entry = person("ada", groups=("students",), attributes={"dep": ("phys\u0456cs", greek)})
    found = planned(snapshot(entry), [shared], Present())
    names = [change.name for change in found.changes if change.kind == "account.add"]
    assert names == [greek]
    assert [note.reason for note in found.notes] == ["mixed_scripts"]


def test_a_value_is_never_read_as_a_pattern() -> None:
    shared = rule(1, gives="template", account=None, domain=7, template="{dep}")
    entry = person("ada", groups=("students",), attributes={"dep": ("{uid}",)})
    found = planned(snapshot(entry), [shared], Present())
    assert [change.name for change in found.changes if change.kind == "account.add"] == ["{uid}"]


def test_a_membership_ends_so_many_days_after_the_rule_is_left_and_is_not_put_off() -> None:
    slow = rule(1, days_after_leaving=7)
    world = World(Present())
    world.make(planned(snapshot(person("ada", groups=("students",))), [slow], world.present))
    out = snapshot(person("ada"))
    first = planned(out, [slow], world.present)
    assert [(c.kind, c.data["days"]) for c in first.changes if "membership" in c.kind] == [
        ("membership.end", 7)
    ]
    world.make(first)
    for days, expected in ((1, []), (6, []), (8, ["membership.forget"])):
        now = NOW + timedelta(days=days)
        assert kinds(planned(out, [slow], world.present, now)) == expected
    back = planned(snapshot(person("ada", groups=("students",))), [slow], world.present)
    assert [(c.kind, c.data["ends_at"]) for c in back.changes if "membership" in c.kind] == [
        ("membership.change", None)
    ]


def test_who_was_kept_out_by_hand_is_not_let_in() -> None:
    present = Present(people={"id-ada": known("ada", 1, active=False)})
    assert planned(snapshot(person("ada"), groups=()), [], present).changes == ()


def test_a_group_of_ten_thousand_comes_in_portions() -> None:
    everybody = [person(f"u{number}", groups=("students",)) for number in range(10_000)]
    found = planned(snapshot(*everybody), [rule(1)], Present())
    portions = [c for c in found.changes if c.kind == "group.add_people"]
    assert len(portions) == 50
    assert counted(found.changes)["group.add_people"] == 10_000
    assert counted(found.changes)["membership.add"] == 10_000
