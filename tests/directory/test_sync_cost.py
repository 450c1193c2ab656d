"""What following a large directory costs, without the directory."""

from __future__ import annotations

import pytest

from apps.accounts.models import DirectoryGroup, DirectoryPerson, Membership, User
from bench.directory import Crowd, a_directory, counted, follow, queries_per_change

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def test_a_run_costs_few_queries_for_each_person_it_changes() -> None:
    figures, samples = queries_per_change(300, 20, percent=10)
    assert figures["ldap_sync_queries_per_change"] <= 5, samples
    assert samples["queries_of_no_change"] < 75


def test_what_a_run_costs_does_not_grow_with_how_many_it_changes() -> None:
    directory, crowd = a_directory(), Crowd.of(300, 20)
    follow(directory, crowd)
    few = counted(lambda: follow(directory, crowd.changed(10, 1)))
    many = counted(lambda: follow(directory, crowd.changed(30, 1)))
    assert len(many) <= len(few) + 10, sorted(many)


def test_the_crowd_changes_as_it_says() -> None:
    """Else the figure would say nothing."""
    directory, crowd = a_directory(), Crowd.of(200, 20)
    follow(directory, crowd)
    assert DirectoryPerson.objects.filter(directory=directory).count() == 200
    assert Membership.objects.filter(directory=directory).count() == 400
    run = follow(directory, crowd.changed(20, 3))
    people = {kind: count for kind, count in run.counts.items() if kind.startswith("user.")}
    assert people == {"user.add": 2, "user.change": 10, "user.keep_out": 4}
    assert DirectoryGroup.objects.filter(group__name__endswith=" anew").count() == 3
    assert run.counts["membership.remove"] == 8
    assert User.objects.filter(directory_person__left_at__isnull=False).count() == 4
