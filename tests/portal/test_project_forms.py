"""Projects begun with an owner and limits, and the rules by which people begin their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts import projects
from apps.accounts.models import Account, Grant, Membership, ProjectRules, Quota
from apps.accounts.roles.ready import DOMAIN_ADMIN, PROJECT_ADMIN, ready
from tests import factories
from tests.accounts.rights import SYSTEM
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


def admin_of(domain: Any) -> Any:
    user = factories.make_user()
    Grant.objects.create(user=user, role=ready(DOMAIN_ADMIN), scope="domain", domain=domain)
    return user


def test_a_project_begins_with_its_owner_limits_and_last_day() -> None:
    domain = factories.make_domain()
    owner = factories.make_user(factories.make_account(domain))
    browser, last = client_of(admin_of(domain)), timezone.now().date() + timedelta(days=30)
    page = browser.get("/projects/new/").text
    assert all(f'name="{name}"' in page for name in ("owner", "ends_on", "machines", "vcpus"))
    given = {"name": "Wind", "domain": str(domain.uuid), "ends_on": last.isoformat()}
    lost = browser.post("/projects/new/", {**given, "owner": "nobody-here"})
    assert (lost.status_code, 'id="id_owner_error"' in lost.text) == (422, True)
    made = browser.post("/projects/new/", {**given, "owner": owner.username, "machines": "3", "vcpus": ""})
    assert made.status_code == 302
    account = Account.objects.get(name="Wind")
    assert made["Location"] == f"/projects/{account.uuid}/"
    member = Membership.objects.get(account=account)
    assert (member.user, member.role) == (owner, ready(PROJECT_ADMIN))
    row = Quota.objects.get(account=account)
    assert (row.max_machines, row.max_vcpus) == (3, None)
    assert account.project.ends_on == last
    page = browser.get(f"/projects/{account.uuid}/").text
    assert f"/quotas/{account.uuid}/change/" in page
    assert f"/accounts/{account.uuid}/members/{owner.uuid}/" in page


def test_who_begins_one_by_the_rules_is_asked_neither_owner_nor_limits() -> None:
    domain = factories.make_domain()
    person = factories.make_user(factories.make_account(domain))
    projects.set_rules(SYSTEM, domain, self_service=True, per_person=2, limits={"machines": 1})
    browser = client_of(person)
    page = browser.get("/projects/new/").text
    assert 'name="owner"' not in page
    assert 'name="machines"' not in page
    sent = {"name": "Mine", "domain": str(domain.uuid), "owner": "admin", "machines": "99"}
    assert browser.post("/projects/new/", sent).status_code == 302
    account = Account.objects.get(name="Mine")
    assert Quota.objects.get(account=account).max_machines == 1
    assert Membership.objects.get(account=account).user == person
    page = browser.get(f"/projects/{account.uuid}/").text
    assert f"/quotas/{account.uuid}/change/" not in page


def test_a_domain_says_what_its_people_begin_by_themselves() -> None:
    domain = factories.make_domain()
    below = factories.make_domain(domain)
    browser = client_of(admin_of(domain))
    at = f"/domains/{domain.uuid}/project-rules/"
    assert at in browser.get(f"/domains/{domain.uuid}/").text
    assert browser.post(at, {"self_service": "on", "per_person": "2", "machines": "4"}).status_code == 302
    rules = ProjectRules.objects.get(domain=domain)
    assert (rules.self_service, rules.per_person, rules.limits) == (True, 2, {"machines": 4})
    page = browser.get(f"/domains/{below.uuid}/project-rules/").text
    assert f"comes from {domain.name}." in page
    assert 'value="4"' in page
    for wrong, field in (({"per_person": "0"}, "per_person"), ({"per_person": "1", "vcpus": "-1"}, "vcpus")):
        refused = browser.post(at, wrong)
        assert (refused.status_code, f'id="id_{field}_error"' in refused.text) == (422, True)
    assert browser.post(at, {"per_person": "1", "machines": ""}).status_code == 302
    rules.refresh_from_db()
    assert (rules.self_service, rules.limits) == (False, {})


def test_rules_are_said_by_the_domains_admin_alone() -> None:
    domain = factories.make_domain()
    at = f"/domains/{domain.uuid}/project-rules/"
    member = client_of(factories.make_user(factories.make_account(domain)))
    other = client_of(admin_of(factories.make_domain()))
    assert [each.get(at).status_code for each in (member, other)] == [404, 404]
    assert other.post(at, {"self_service": "on", "per_person": "2"}).status_code == 404
    assert not ProjectRules.objects.exists()
