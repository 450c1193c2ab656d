"""Who asks by another way than a role of their own: by a group, by a token, as somebody else, by a stream."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.portal.live import topics
from apps.portal.people.looking import is_hidden, view_name
from tests.matrix import tables
from tests.matrix.groups import (
    EVERYBODY,
    INFRA_READ,
    MACHINE_READ,
    MACHINE_WRITE,
    PUBLIC_PARTS,
    ROLES,
    TENANT_READ,
    TENANT_WRITE,
    Group,
)
from tests.matrix.harness import MAY_WRITE, Harness, Leak, never_told_in, recorded, sample
from tests.matrix.line import At, Line
from tests.matrix.tables.settings import DIRECTORY_READ

pytestmark = pytest.mark.django_db

# What each topic of the stream is a row of, and to whom it is told.
FOLLOWED: dict[str, tuple[str, Group]] = {
    "vm": ("vm", MACHINE_READ),
    "job": ("job", MACHINE_READ),
    "template": ("template", TENANT_READ),
    "ssh-key": ("ssh_key", TENANT_READ),
    "offering": ("offering", EVERYBODY),
    "region": ("region", PUBLIC_PARTS),
    "zone": ("zone", PUBLIC_PARTS),
    "pod": ("pod", INFRA_READ),
    "cluster": ("cluster", INFRA_READ),
    "host": ("host", INFRA_READ),
    "pool": ("primary_storage", INFRA_READ),
    "secondary-storage": ("secondary_storage", INFRA_READ),
    "directory": ("directory", DIRECTORY_READ),
}
OWN_ALONE = "++....."
ENDS = ("/people/view-as/end/", "/logout/")


def hold(leaks: list[Leak]) -> None:
    if leaks:
        pytest.fail("\n".join(str(leak) for leak in leaks), pytrace=False)


def test_a_group_of_a_directory_gives_what_a_grant_to_a_person_gives(harness: Harness) -> None:
    cells = [cell for cell in sample(tables.API) if cell[1] == "domain_admin"]
    hold([leak for cell in cells for leak in harness.ask(*cell, asker="group")])


def test_a_token_whose_time_is_over_opens_nothing(harness: Harness) -> None:
    """Not even what is open to who shows none, but for the words of an error."""
    cells = [cell for cell in sample(tables.API) if cell[1] == "anonymous"]
    cells = [cell for cell in cells if not cell[0].path.startswith("problems/")]
    found: list[Leak] = []
    for line, role, place in cells:
        shut = line.expected.but(anonymous="!" * len(line.expected.places))
        found += harness.ask(replace(line, expected=shut), role, place, asker="late")
    hold(found)


def test_a_super_admins_token_for_one_account_reaches_that_account_alone(harness: Harness) -> None:
    """Everything that tenants own answers as it does to who belongs to the account."""
    groups = [id(each) for each in (TENANT_READ, MACHINE_READ, TENANT_WRITE, MACHINE_WRITE)]
    lines = [line for line in tables.API if id(line.expected) in groups]
    assert len(lines) > 30
    found: list[Leak] = []
    for line in lines:
        own = replace(line, expected=line.expected.but(user=OWN_ALONE))
        for place in ("all",) if line.shown else ("own", "other", "near"):
            found += harness.ask(own, "user", place, asker="super_limited")
    hold(found)


def at_of(harness: Harness, line: Line, place: str) -> At:
    places = line.expected.places
    first = places[0] if place == "all" else place
    return At(harness.world, first, harness.world.at(places, first))


def test_a_view_as_another_shows_what_they_see_and_changes_nothing(harness: Harness) -> None:
    """What tells how somebody gets in is hidden, whatever it would have answered."""
    found: list[Leak] = []
    for line, _role, place in (cell for cell in sample(tables.PAGES) if cell[1] == "user"):
        at = at_of(harness, line, place)
        path = harness.path_of(line, at)
        if path in ENDS:
            continue
        if line.method == "POST" or is_hidden(path, view_name(path)):
            with recorded() as written:
                status, body = harness.send(line, "viewer", at)
            told = never_told_in("user", status, body)
            if status != 403 or written - MAY_WRITE or told:
                found.append(Leak(line.name, "viewer", place, "-", f"{status} {written} {told}"))
        else:
            found += harness.ask(line, "user", place, asker="viewer")
    hold(found)


@pytest.mark.parametrize("topic", topics.OBJECTS)
def test_the_stream_tells_of_what_the_tables_show(harness: Harness, topic: str) -> None:
    noun, group = FOLLOWED[topic]
    for role in (role for role in ROLES if isinstance(harness.cast.users.get(role), User)):
        actor = Actor(User.objects.get(pk=harness.cast.users[role].pk))
        named = {
            place: f"{topic}:{harness.world.at(group.places, place)[noun].uuid}" for place in group.places
        }
        seen = topics.visible(actor, frozenset(named.values()))
        told = {place for place, name in named.items() if name in seen}
        letters = zip(group.places, group.answers[role], strict=True)
        assert told == {place for place, letter in letters if letter == "+"}, role
