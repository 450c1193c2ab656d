"""Events name people by a reference that can be erased, say where a request came from, and keep no secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory

from apps.accounts import audit, services
from apps.accounts.actor import Actor
from apps.accounts.audit import Personal
from apps.accounts.models import User
from apps.core.client_address import address_of
from apps.core.errors import NotFound, PermissionDenied
from apps.core.middleware import client_address, request_id, token_name
from apps.jobs import events
from apps.jobs.events_api import event_rows
from apps.jobs.models import Event, Job, Person
from apps.jobs.people import erase_names, forget_unused, told
from apps.zones.models import Host
from tests import factories
from tests.api.client import Api

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OPERATOR = Actor.system("a test")


@pytest.fixture
def ivy() -> User:
    return services.create_user(OPERATOR, username="ivy", full_name="Ivy Lovelace", email="ivy@campus.gr")


def everything() -> str:
    """All columns of all events, as the database has them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM jobs_event")
        return str(cursor.fetchall())


def test_an_event_holds_no_name_and_shows_it(ivy: User) -> None:
    event = events.record(Actor(ivy), "x", ivy, colleague=ivy, mail=Personal(ivy, ivy.email))
    assert (event.by, event.about) == ("ivy", "ivy")
    assert told(event)[0] == {"colleague": "ivy", "mail": "ivy@campus.gr"}
    assert "ivy" not in everything()
    assert event.mentions.count() == 2


def test_the_words_are_kept_once_and_no_one_elses_are_taken(ivy: User) -> None:
    other = factories.make_user()
    first, second = (events.record(Actor(ivy), "x", None) for _ in range(2))
    third = events.record(Actor(other), "x", None, who=Personal(other, "ivy"))
    assert first.actor == second.actor != third.mentions.get()


def test_erased_names_are_gone_and_the_reference_stays(ivy: User) -> None:
    event = events.record(Actor(ivy), "x", ivy, mail=Personal(ivy, ivy.email))
    references = set(Person.objects.filter(user=ivy).values_list("reference", flat=True))
    assert erase_names(OPERATOR, ivy) == len(references)
    event = Event.objects.get(pk=event.pk)
    assert (event.by, told(event)[0]["mail"]) == ("(name erased)", "(name erased)")
    assert set(Person.objects.filter(user=ivy).values_list("reference", flat=True)) == references
    assert not Person.objects.filter(words__contains="ivy").exists()
    assert Event.objects.filter(kind="user.erase", target_uuid=ivy.uuid).count() == 1
    ivy.delete()
    assert Event.objects.filter(actor__reference__in=references).exists()


def test_a_name_that_is_not_what_the_reference_was_made_from_is_known(ivy: User) -> None:
    person = events.record(Actor(ivy), "x", None).actor
    assert person is not None
    assert person.is_genuine
    person.words = "eve"
    assert not person.is_genuine


def test_erasing_is_the_operators(ivy: User) -> None:
    with pytest.raises((PermissionDenied, NotFound)):
        erase_names(Actor(factories.make_user()), ivy)
    assert Person.objects.filter(words="ivy").exists()


def test_words_that_nobody_refers_to_go(ivy: User) -> None:
    kept = events.record(Actor(ivy), "x", None).actor
    Person.of(ivy, "nobody").save()
    Event.objects.exclude(kind="x").delete()
    assert forget_unused() >= 1
    assert Person.objects.get() == kept


def test_a_request_says_by_which_token_and_from_where() -> None:
    user = factories.make_user(super_admin=True)
    assert Api(user).post("regions/", {"name": "r"}, x_request_id="request-77").status_code == 201
    event = Event.objects.get(kind="region.create")
    assert (event.token_name, event.request_id) == ("test", "request-77")
    assert event.address is not None
    assert (event.address.words, event.address.user) == ("127.0.0.1", user)
    assert (token_name.get(), client_address.get(), request_id.get()) == ("", "", "")


def test_a_jobs_end_has_its_names_from_its_beginning(ivy: User) -> None:
    job = Job.objects.create(
        kind="x", user=ivy, actor_label="ivy", target_type="host", target_uuid=ivy.uuid, target_name="h"
    )
    viewer = Actor(ivy, behalf=factories.make_user())
    begun = events.record_of_job(job, Event.Phase.SUBMITTED, actor=viewer)
    ended = events.record_of_job(job, Event.Phase.DONE)
    assert begun is not None
    assert ended is not None
    assert (ended.actor_id, ended.behalf_id, ended.by) == (begun.actor_id, begun.behalf_id, "ivy")
    assert begun.behalf_id is not None
    job_uuid = job.uuid
    job.delete()
    begun.refresh_from_db()
    assert (begun.job, begun.job_uuid) == (None, job_uuid)


def test_an_account_that_goes_leaves_its_events(ivy: User) -> None:
    account = factories.make_account()
    event = events.record(Actor(ivy), "x", account)
    account.delete()
    uuid = account.uuid
    event = event_rows().get(pk=event.pk)
    assert (event.account, event.account_uuid) == (None, uuid)


@pytest.mark.parametrize(
    "data",
    [
        {"password": "s3ntinel"},
        {"bind_password": "s3ntinel"},
        {"settings": {"host": "ldap", "client_secret": "s3ntinel"}},
        {"rows": [{"private_key": "s3ntinel"}]},
        {"user_data": "s3ntinel"},
    ],
)
def test_what_goes_by_a_secrets_name_is_not_kept(data: dict[str, Any], ivy: User) -> None:
    events.record(Actor(ivy), "x", None, **data)
    assert "s3ntinel" not in everything()
    assert "***" in everything()


def test_changes_tell_before_and_after_but_no_secret_and_no_name(ivy: User) -> None:
    host = Host.objects.get(zone=factories.make_zone(hosts=1))
    changes = audit.changed(host, name="new", port=host.port, private_key="s3ntinel")
    assert changes == {"name": [host.name, "new"], "private_key": ["***", "***"]}
    event = events.record(
        OPERATOR, "x", ivy, changes=audit.changed(ivy, full_name="Ivy King", is_active=False)
    )
    assert told(event)[1] == {"full_name": ["Ivy Lovelace", "Ivy King"], "is_active": [True, False]}
    assert "King" not in everything()


@pytest.mark.parametrize(
    ("peer", "said", "found"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # nobody trusts this peer
        ("10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "1.1.1.1, 198.51.100.1", "198.51.100.1"),  # the first is the client's own invention
        ("10.0.0.7", "198.51.100.1, 10.1.2.3", "198.51.100.1"),  # two proxies
        ("10.0.0.7", "evil\n, 10.1.2.3", "10.1.2.3"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("::ffff:10.0.0.7", "2001:db8::1", "2001:db8::1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_only_a_trusted_proxy_is_believed(peer: str, said: str, found: str, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.7", "10.1.0.0/16"]
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=said)
    assert address_of(request) == found
