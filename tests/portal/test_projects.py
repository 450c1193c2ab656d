"""The pages of projects and invitations, for each role."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from apps.accounts.actor import Actor
from apps.accounts.models import Invitation, Membership, Project, User
from apps.accounts.projects import create_project
from apps.accounts.roles.ready import PROJECT_ADMIN, USER, ready
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return factories.make_user(factories.make_account())


@pytest.fixture
def project(owner: User) -> Project:
    return create_project(
        Actor.system("a test"), name="Wind", domain=factories.root_domain(), owner=owner, description="Air"
    )


@pytest.fixture
def at(owner: User) -> Client:
    return client_of(owner)


def path(project: Project, act: str = "") -> str:
    return f"/projects/{project.account.uuid}/{act}"


ACTS = ("", "change/", "end/", "suspend/", "resume/", "hand-over/", "leave/", "invite/")


def test_strangers_find_nothing_and_members_only_what_is_theirs(project: Project) -> None:
    stranger, member = client_of(factories.make_user(factories.make_account())), factories.make_user()
    Membership.objects.create(user=member, account=project.account)
    for act in ACTS:
        assert stranger.get(path(project, act)).status_code == 404
        assert stranger.post(path(project, act), {"name": "x"}).status_code == 404
        expected = 200 if act in {"", "leave/"} else 403
        assert client_of(member).get(path(project, act)).status_code == expected
    assert "Wind" not in stranger.get("/projects/").text
    shown = client_of(member).get(path(project)).text
    assert "Air" in shown
    assert "Invite somebody" not in shown


@pytest.mark.parametrize("days", [0, 14, 15, 100])
def test_a_last_day_is_told_to_members_everywhere_and_marked_where_it_is_near(
    project: Project, days: int
) -> None:
    last = timezone.now().date() + timedelta(days=days)
    Project.objects.filter(pk=project.pk).update(ends_on=last)
    student = factories.make_user()
    Membership.objects.create(user=student, account=project.account)
    words = {0: "Its last day", 14: "14 days left"}.get(days, "")
    client = client_of(student)
    home, page, listed = (client.get(at).text for at in ("/", path(project), "/projects/"))
    day = date_format(last, "DATE_FORMAT")
    assert f"<dd>{day}" in home
    assert f"<dd>{day}" in page
    assert date_format(last, "SHORT_DATE_FORMAT") in listed
    for text in (home, page, listed):
        assert ("tone-busy" in text and words in text) if words else "day left" not in text
        assert words or " days left" not in text


def test_invitations_are_cards_on_a_phone(project: Project, at: Client) -> None:
    at.post(path(project, "invite/"), {"email": "a@example.org", "role": str(ready(USER).uuid)})
    page = at.get(path(project)).text
    table = page.split('<table class="table align-middle list" aria-labelledby="invited">')[1]
    body = table.split("</table>")[0].split("<tbody>")[1]
    cells = re.findall(r"<t[dh] [^>]*>|<t[dh]>", body)
    assert len(cells) == 3
    assert all("data-label=" in cell for cell in cells)
    assert "portal/lists" in page


def test_a_project_without_a_last_day_or_after_it_says_none_at_home(project: Project, at: Client) -> None:
    assert "Last days" not in at.get("/").text
    Project.objects.filter(pk=project.pk).update(ends_on=timezone.now().date() - timedelta(days=1))
    assert "Last days" not in at.get("/").text


def test_who_runs_it_sees_and_does_everything(project: Project, at: Client) -> None:
    for act in ACTS:
        assert at.get(path(project, act)).status_code == 200
    assert at.post(path(project, "change/"), {"name": "Storm", "description": ""}).status_code == 302
    soon = timezone.now().date() + timedelta(days=3)
    assert at.post(path(project, "end/"), {"ends_on": soon.isoformat()}).status_code == 302
    assert at.post(path(project, "suspend/")).status_code == 302
    assert "Suspended" in at.get("/projects/").text
    assert "in 3 days" in at.get(path(project)).text
    assert "Storm" in at.get("/").text
    assert at.post(path(project, "resume/")).status_code == 302
    project.refresh_from_db()
    assert (project.account.name, project.ends_on) == ("Storm", soon)


def test_what_is_refused_is_told_where_it_was_asked(project: Project, at: Client) -> None:
    past = at.post(path(project, "end/"), {"ends_on": "2001-01-01"})
    assert (past.status_code, 'id="id_ends_on_error"' in past.text) == (422, True)
    left = at.post(path(project, "leave/"))
    assert left.status_code == 422
    assert "You are the last one who runs this project." in left.text


def test_a_project_is_handed_over_and_left(project: Project, owner: User, at: Client) -> None:
    heir = factories.make_user()
    Membership.objects.create(user=heir, account=project.account)
    stranger = factories.make_user()
    assert at.post(path(project, "hand-over/"), {"to": str(stranger.uuid)}).status_code == 422
    answer = at.post(path(project, "hand-over/"), {"to": str(heir.uuid), "leave": "on"})
    assert (answer.status_code, answer["Location"]) == (302, "/projects/")
    assert Membership.objects.get(account=project.account).user == heir


def test_a_project_is_begun_only_where_one_may(owner: User, at: Client) -> None:
    assert "Begin a project" not in at.get("/projects/").text
    domain = factories.root_domain()
    assert at.post("/projects/new/", {"name": "x", "domain": str(domain.uuid)}).status_code == 422
    admin = client_of(factories.make_user(super_admin=True))
    answer = admin.post("/projects/new/", {"name": "New", "domain": str(domain.uuid)})
    assert answer.status_code == 302
    assert "New" in admin.get(answer["Location"]).text


def secret_in(page: str) -> str:
    found = re.search(r"/invitations/link/#([\w-]{40,})<", page)
    assert found
    return found[1]


class TestInviting:
    def test_by_name_it_waits_on_the_home_page(self, project: Project, at: Client) -> None:
        guest = factories.make_user(factories.make_account())
        role = ready(USER)
        made = at.post(path(project, "invite/"), {"username": guest.username, "role": str(role.uuid)})
        assert made.status_code == 200
        assert made["Cache-Control"] == "private, no-store"
        row = Invitation.objects.get()
        browser = client_of(guest)
        assert f"/invitations/{row.uuid}/" in browser.get("/").text
        assert browser.get(f"/invitations/{row.uuid}/").status_code == 200
        answer = browser.post(f"/invitations/{row.uuid}/", {"act": "accept"})
        assert (answer.status_code, answer["Location"]) == (302, path(project))
        assert browser.get(path(project)).status_code == 200

    def test_by_link_it_is_answered_once(self, project: Project, at: Client) -> None:
        role = ready(USER)
        form = {"email": "a@b.cc", "role": str(role.uuid)}
        token = secret_in(at.post(path(project, "invite/"), form).text)
        guest = client_of(factories.make_user(factories.make_account()))
        assert guest.get("/invitations/link/").status_code == 200
        shown = guest.post("/invitations/link/", {"token": token})
        assert "You are invited to “Wind”" in shown.text
        assert guest.post("/invitations/link/", {"token": token, "act": "accept"}).status_code == 302
        again = guest.post("/invitations/link/", {"token": token})
        assert again.status_code == 422
        assert "You are invited to" not in again.text

    def test_it_is_declined(self, project: Project, at: Client) -> None:
        guest = factories.make_user()
        form = {"username": guest.username, "role": str(ready(USER).uuid)}
        at.post(path(project, "invite/"), form)
        row = Invitation.objects.get()
        assert client_of(guest).post(f"/invitations/{row.uuid}/", {"act": "decline"}).status_code == 302
        assert not Membership.objects.filter(user=guest).exists()

    def test_others_find_nothing(self, project: Project, at: Client) -> None:
        at.post(path(project, "invite/"), {"username": "nobody", "role": str(ready(USER).uuid)})
        row = Invitation.objects.get()
        stranger = client_of(factories.make_user(factories.make_account()))
        for address in (f"/invitations/{row.uuid}/", f"/invitations/{row.uuid}/change/"):
            assert stranger.get(address).status_code == 404
            assert stranger.post(address, {"act": "accept"}).status_code == 404

    def test_it_is_withdrawn_and_gets_a_new_link(self, project: Project, at: Client) -> None:
        form = {"username": "nobody", "role": str(ready(PROJECT_ADMIN).uuid)}
        first = secret_in(at.post(path(project, "invite/"), form).text)
        address = f"/invitations/{Invitation.objects.get().uuid}/change/"
        assert "nobody" in at.get(address).text
        assert secret_in(at.post(address, {"act": "link"}).text) != first
        assert at.post(address, {"act": "steal"}).status_code == 404
        assert at.post(address, {"act": "withdraw"}).status_code == 302
        assert Invitation.objects.get().state == "withdrawn"

    def test_no_role_is_offered_beyond_the_inviters(self, project: Project, at: Client) -> None:
        admin = ready("super-admin")
        answer = at.post(path(project, "invite/"), {"username": "x", "role": str(admin.uuid)})
        assert answer.status_code == 422
        assert not Invitation.objects.exists()
