"""Looking as somebody else shows their pages, changes nothing, tells no secret, and is recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import get_resolver
from django.utils import timezone

from apps.accounts import view_as
from apps.accounts.models import Grant
from apps.core.errors import PermissionDenied
from apps.jobs.models import Event
from apps.portal.live.access import reader_of
from apps.portal.people.looking import is_hidden
from tests.accounts.rights import Campus, give, make_campus
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
END = "/people/view-as/end/"


@pytest.fixture
def campus() -> Campus:
    return make_campus()


def looking(campus: Campus) -> Client:
    head = client_of(campus.head)
    assert head.post(f"/people/{campus.pupil.uuid}/view-as/").status_code == 302
    return head


def test_the_pages_are_those_of_the_other_with_a_frame(campus: Campus) -> None:
    head = looking(campus)
    page = head.get("/").text
    assert "look at the portal as" in page
    assert campus.pupil.username in page
    assert head.get("/people/").status_code == 403
    head.post(END)
    assert "look at the portal as" not in head.get("/").text
    assert head.get("/people/").status_code == 200


def test_it_is_recorded_on_whose_behalf(campus: Campus) -> None:
    head = looking(campus)
    head.post(END)
    events = Event.objects.filter(kind__in=("user.view_as", "user.view_as_end"))
    told = [(event.kind, event.user, str(event.behalf)) for event in events.order_by("id")]
    assert [each[:2] for each in told] == [("user.view_as", campus.head), ("user.view_as_end", campus.head)]
    assert all(event.behalf_id for event in events)
    page = client_of(campus.pupil).get(f"/people/{campus.pupil.uuid}/").text
    assert campus.head.username in page


def test_who_was_looked_at_is_led_to_who_did_and_when(campus: Campus) -> None:
    pupil = client_of(campus.pupil)
    assert "Nobody did." in pupil.get("/account/").text
    looking(campus)
    event = Event.objects.get(kind="user.view_as")
    own = pupil.get("/account/").text
    assert f"<bdi>{campus.head.username}</bdi>" in own
    assert event.at.isoformat() in own
    assert f'href="/people/{campus.pupil.uuid}/"' in own
    assert 'href="/account/#looked"' in pupil.get("/events/").text
    assert campus.head.username not in client_of(campus.worker).get("/account/").text


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_is_changed(campus: Campus, method: str) -> None:
    head = looking(campus)
    before = Event.objects.count()
    for path in (
        "/ssh-keys/new/",
        "/virtual-machines/new/",
        "/api/v1/ssh-keys/",
        "/i18n/setlang/",
        "/nothing/",
    ):
        assert getattr(head, method)(path, {"name": "x"}).status_code == 403, path
    assert Event.objects.count() == before


def test_neither_the_api_nor_the_stream_answers(campus: Campus) -> None:
    head = looking(campus)
    answer = head.get("/api/v1/me/")
    assert answer.status_code == 403
    assert answer.json()["params"]["reason"] == "only_reading"


def test_secrets_are_not_shown(campus: Campus) -> None:
    head = looking(campus)
    for path in ("/account/", "/account/sessions/", "/account/tokens/", "/service-accounts/"):
        assert head.get(path).status_code == 403, path
    assert head.get(f"/people/{campus.pupil.uuid}/access/").status_code == 403


def test_every_view_about_secrets_is_hidden() -> None:
    names = [
        f"portal:{name}"
        for namespace, (_prefix, resolver) in get_resolver().namespace_dict.items()
        if namespace == "portal"
        for name in resolver.reverse_dict
        if isinstance(name, str)
    ]
    hidden = {name.removeprefix("portal:") for name in names if is_hidden("", name)}
    assert len(names) > 80
    assert {
        "machine-console",
        "machine-console-download",
        "account-tokens",
        "user-access",
        "fresh-link",
    } <= hidden
    shown = {name.removeprefix("portal:") for name in names} - hidden
    assert {"home", "machines", "machine", "jobs", "events"} <= shown
    words = ("token", "session", "password", "secret", "console", "link")
    assert not [name for name in shown if any(word in name for word in words)]


def test_no_view_within_a_view(campus: Campus) -> None:
    head = looking(campus)
    assert head.post(f"/people/{campus.worker.uuid}/view-as/").status_code == 403
    assert campus.pupil.username in head.get("/").text


def test_it_ends_with_the_time_and_is_recorded(campus: Campus) -> None:
    head = looking(campus)
    session = head.session
    session[view_as.KEY] = {
        "user": campus.pupil.pk,
        "until": (timezone.now() - timedelta(seconds=1)).isoformat(),
    }
    session.save()
    assert head.get("/").status_code == 302
    assert head.get("/people/").status_code == 200
    assert Event.objects.filter(kind="user.view_as_end").count() == 1


def test_it_ends_with_the_right(campus: Campus) -> None:
    head = looking(campus)
    Grant.objects.filter(user=campus.head).delete()
    assert head.get("/").status_code == 302
    assert "look at the portal as" not in head.get("/").text


def test_it_ends_with_the_session(campus: Campus) -> None:
    head = looking(campus)
    head.post("/logout/")
    assert head.get("/").status_code == 302
    assert Event.objects.filter(kind="user.view_as_end").count() == 1


def test_whom_nobody_may_look_as(campus: Campus) -> None:
    chief = client_of(campus.chief)
    other = give(None, campus.worker, "super-admin", None).user
    assert other is not None
    assert chief.post(f"/people/{other.uuid}/view-as/").status_code == 422
    assert chief.post(f"/people/{campus.chief.uuid}/view-as/").status_code == 422
    head = client_of(campus.head)
    assert head.post(f"/people/{campus.chief.uuid}/view-as/").status_code == 404
    assert head.post(f"/people/{campus.stranger.uuid}/view-as/").status_code == 404
    give(campus.chief, campus.other_head, "auditor", campus.sibling)
    assert head.post(f"/people/{campus.other_head.uuid}/view-as/").status_code == 403
    assert client_of(campus.pupil).post(f"/people/{campus.pupil.uuid}/view-as/").status_code == 403


@pytest.mark.parametrize(
    "act",
    [
        lambda: Grant.objects.update(ends_at=None),
        lambda: Grant.objects.all().delete(),
        lambda: Event.objects.create(kind="x", phase="done", actor_label="x", target_type="x"),
        lambda: Grant.objects.select_for_update().first(),
    ],
)
def test_no_statement_writes_meanwhile(campus: Campus, act: Any) -> None:
    with connection.execute_wrapper(view_as.refuse_writing):
        assert Grant.objects.count() == 1
        if connection.features.has_select_for_update or act.__code__.co_names[-1] != "first":
            with pytest.raises(PermissionDenied):
                act()


def test_the_stream_is_closed_meanwhile(campus: Campus) -> None:
    head = looking(campus)
    request = RequestFactory().get("/live/")
    request.COOKIES["sessionid"] = head.cookies["sessionid"].value
    assert reader_of(request) is None  # type: ignore[arg-type]
    head.post(END)
    request.COOKIES["sessionid"] = head.cookies["sessionid"].value
    assert reader_of(request) is not None  # type: ignore[arg-type]
