"""Projects that somebody begins by themselves at the same moment, here and there: never more than the rules
let them."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.accounts import projects
from apps.accounts.actor import Actor
from apps.accounts.models import Domain, Membership, Project, User
from apps.accounts.roles.ready import PROJECT_ADMIN, USER, ready
from apps.core.errors import CloudError
from tests import factories
from tests.race import race, shared_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]
SYSTEM = Actor.system("a test")


def begin(what: tuple[int, int, str]) -> str:
    who, where, name = what
    actor = Actor(User.objects.get(pk=who))
    try:
        projects.create_project(actor, name=name, domain=Domain.objects.get(pk=where))
    except CloudError as error:
        return f"{error.code} {error.params.get('reason', '')}".strip()
    return "begun"


@pytest.mark.parametrize("domains", [1, 3])
def test_projects_begun_at_once_in_several_domains_are_counted_one_by_one(
    tmp_path: Path, domains: int
) -> None:
    school = factories.make_domain()
    below = [factories.make_domain(school) for _ in range(domains)]
    user = factories.make_user(*[factories.make_account(each) for each in below])
    projects.set_rules(SYSTEM, school, self_service=True, per_person=2, limits={})
    for role in (USER, PROJECT_ADMIN):
        ready(role)
    hands = [[(user.pk, below[number % domains].pk, f"project {number}")] for number in range(6)]
    with shared_database(tmp_path):
        answers = race(begin, hands)
        assert sorted(answers) == ["begun"] * 2 + ["state_conflict no_more_projects"] * 4
        assert Project.objects.filter(begun_by=user).count() == 2
        assert Membership.objects.filter(user=user, role=ready(PROJECT_ADMIN)).count() == 2
