"""The page that creates machines: defaults that work, a live dry run, keys on the way, nothing lost."""

from __future__ import annotations

import re
import urllib.parse
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from apps.accounts.actor import Actor
from apps.accounts.models import Account, IdempotencyKey, Membership, Quota, User
from apps.compute.models import ServiceOffering, SshKeyPair, VirtualMachine
from apps.compute.services import edit
from apps.jobs.models import Event, Job
from apps.storage.models import Template
from apps.zones.models import Host, Zone
from tests import factories
from tests.api.conftest import PUBLIC_KEY
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
NEW, CHECK = "/virtual-machines/new/", "/virtual-machines/new/check/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone(hosts=3)


@pytest.fixture
def account() -> Account:
    return factories.make_account(max_vcpus=8)


@pytest.fixture
def user(account: Account) -> User:
    return factories.make_user(account)


@pytest.fixture
def template(zone: Zone, account: Account) -> Template:
    return factories.make_template(zone, account)


@pytest.fixture
def offering() -> ServiceOffering:
    return factories.make_offering(vcpus=2, memory_mib=1024)


@pytest.fixture
def client(user: User, template: Template, offering: ServiceOffering) -> Client:
    return client_of(user)


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would send of the page's form as it stands."""
    form = page[page.index('id="create-form"') : page.index("</form>", page.index('id="create-form"'))]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if given.get("type") in {"radio", "checkbox"} and " checked" not in tag:
            continue
        if given.get("type") == "checkbox":
            found.setdefault(given["name"], []).append(given.get("value", "on"))
        elif "name" in given:
            found[given["name"]] = unescape(given.get("value", ""))
    for name, inside in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        found[name] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        found[name] = unescape(text)
    found.pop("csrfmiddlewaretoken", None)
    return found


def begun(client: Client, query: str = "") -> dict[str, Any]:
    return fields_of(client.get(NEW + query).content.decode())


def test_the_page_as_it_stands_makes_a_machine(client: Client) -> None:
    form = begun(client)
    assert form["name"] == "vm-1"
    answer = client.post(NEW, form)
    vm = VirtualMachine.objects.get()
    assert answer["Location"] == f"/virtual-machines/{vm.uuid}/"
    assert begun(client)["name"] == "vm-2"


def test_the_page_says_at_once_whether_it_fits_and_what_is_left(client: Client) -> None:
    page = client.get(NEW).content.decode()
    assert "Fits: 3 hosts have room" in page
    assert "0 now, 2 afterwards, of 8" in page


def test_what_the_last_machine_had_comes_first(client: Client, account: Account, zone: Zone) -> None:
    key = SshKeyPair.objects.create(
        account=account, name="own", public_key=PUBLIC_KEY, fingerprint="SHA256:x"
    )
    SshKeyPair.objects.create(account=account, name="theirs", public_key=PUBLIC_KEY, fingerprint="SHA256:y")
    template, offering = factories.make_template(zone, account), factories.make_offering(vcpus=3)
    assert "ssh_keys" not in begun(client)
    form = {**begun(client), "template": template.uuid, "offering": offering.uuid, "ssh_keys": [key.uuid]}
    client.post(NEW, form)
    again = begun(client)
    assert (again["template"], again["offering"]) == (str(template.uuid), str(offering.uuid))
    assert again["ssh_keys"] == [str(key.uuid)]


def test_the_address_names_what_is_chosen(
    client: Client, account: Account, offering: ServiceOffering
) -> None:
    other = factories.make_zone()
    template = factories.make_template(other, account)
    form = begun(client, f"?template={template.uuid}&offering={offering.uuid}&name=Ιστός")
    assert (form["template"], form["zone"], form["name"]) == (str(template.uuid), str(other.uuid), "Ιστός")
    assert client.get(NEW + "?template=nonsense&zone=%00&account='").status_code == 200


def test_a_dry_run_writes_nothing(client: Client) -> None:
    form = begun(client)
    for changes in ({}, {"count": "3"}, {"new_public_key": PUBLIC_KEY}, {"name": ""}, {"name": "a\u202eb"}):
        with CaptureQueriesContext(connection) as queries:
            assert client.post(CHECK, form | changes, headers=HTMX).status_code == 200
        writing = ("INSERT", "UPDATE", "DELETE")
        assert [query for query in queries if str(query["sql"]).startswith(writing)] == []


def test_a_dry_run_costs_the_same_for_any_number_of_rows(
    client: Client, zone: Zone, account: Account, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    form = begun(client)
    for _number in range(30):
        factories.make_template(zone, account)
        factories.make_offering()
        factories.make_vm(zone, vcpus=1)
    with django_assert_max_num_queries(40):
        client.post(CHECK, form, headers=HTMX)


def test_what_cannot_fit_says_why_and_what_would_help(client: Client, offering: ServiceOffering) -> None:
    huge = factories.make_offering(vcpus=64)
    Quota.objects.all().delete()
    page = client.post(CHECK, begun(client) | {"offering": huge.uuid}, headers=HTMX).content.decode()
    assert "No host of the zone could ever hold a machine of this size." in page
    use = re.search(r'name="use" value="([^"]+)"', page)
    assert use
    assert urllib.parse.parse_qs(use[1]) == {"offering": [str(offering.uuid)]}
    used = client.post(CHECK, begun(client) | {"offering": huge.uuid, "use": use[1], "name": "kept"})
    form = fields_of(used.content.decode())
    assert (form["offering"], form["name"]) == (str(offering.uuid), "kept")
    assert "Fits: 3 hosts have room" in used.content.decode()


def test_a_short_quota_says_how_much_is_missing(client: Client) -> None:
    page = client.post(CHECK, begun(client) | {"count": "5"}, headers=HTMX).content.decode()
    assert "0 now, 10 afterwards, of 8 (9 in the days of grace): too many" in page
    assert "Ask an operator for more quota: 1 vCPU more." in page
    assert "There is room for 4 of them." in page


def test_the_quota_is_told_before_the_room_on_hosts_and_what_it_offers_is_taken(client: Client) -> None:
    Host.objects.update(capacity_vcpus=2)
    Host.objects.filter(pk=Host.objects.latest("pk").pk).update(capacity_vcpus=0)
    Quota.objects.exclude(account=None).update(max_machines=3, max_vcpus=None)
    form = begun(client) | {"count": "5"}
    page = client.post(CHECK, form, headers=HTMX).content.decode()
    assert "The quota is used up" in page
    assert "Ask an operator for more quota: 2 virtual machines more." in page
    assert "Make 3" not in page
    use = re.search(r'name="use" value="(count=2)"', page)
    assert use
    again = client.post(CHECK, form | {"use": use[1]}).content.decode()
    assert fields_of(again)["count"] == "2"
    assert "Fits" in again
    Host.objects.update(capacity_vcpus=0)
    page = client.post(NEW, form).content.decode()
    assert "The quota of" in page
    assert "The zone has no room" not in page


def test_the_name_that_is_offered_is_nobodys(client: Client, account: Account, zone: Zone) -> None:
    def offered() -> str:
        return str(begun(client)["name"])

    client.post(NEW, begun(client) | {"count": "2"})
    assert set(VirtualMachine.objects.values_list("name", flat=True)) == {"vm-1-1", "vm-1-2"}
    assert offered() == "vm-2"
    first, second = VirtualMachine.objects.order_by("id")
    edit.rename_vm(Actor.system("test"), first, name="renamed")
    VirtualMachine.objects.filter(pk=first.pk).update(hostname="vm-2")
    assert offered() == "vm-3"
    edit.rename_vm(Actor.system("test"), second, name="vm-3-of-mine")
    assert offered() == "vm-4"


def test_of_several_it_says_for_how_many_there_is_room(client: Client) -> None:
    Host.objects.update(capacity_vcpus=2)
    Quota.objects.all().delete()
    page = client.post(CHECK, begun(client) | {"count": "5"}, headers=HTMX).content.decode()
    assert "There is room for 3 of them now, the others would fail" in page
    assert "Make 3" in page


def test_what_was_refused_still_says_what_would_help(client: Client, offering: ServiceOffering) -> None:
    huge = factories.make_offering(vcpus=64)
    answer = client.post(NEW, begun(client) | {"offering": huge.uuid})
    assert answer.status_code == 422
    use = re.search(r'name="use" value="([^"]+)"', answer.content.decode())
    assert use
    assert urllib.parse.parse_qs(use[1]) == {"offering": [str(offering.uuid)]}


def test_a_refused_form_keeps_everything_that_was_typed(client: Client) -> None:
    typed = {
        "name": "Ο 'ιστός' <b>μου</b>",
        "user_data": "#cloud-config\n: [",
        "count": "2",
        "strategy": "pack",
        "new_key_name": "κλειδί",
        "new_public_key": PUBLIC_KEY,
        "delete_protection": "on",
    }
    answer = client.post(NEW, begun(client) | typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    form = fields_of(page)
    assert {name: form[name] for name in typed} == typed | {"delete_protection": ["on"]}
    assert "Line 2:" in page
    assert not SshKeyPair.objects.exists()


def test_without_a_script_the_check_is_a_page_that_keeps_everything(client: Client) -> None:
    answer = client.post(
        CHECK, begun(client) | {"name": "Ελένη", "user_data": "#!/bin/sh\nid\n", "do": "check"}
    )
    assert answer.status_code == 200
    form = fields_of(answer.content.decode())
    assert (form["name"], form["user_data"]) == ("Ελένη", "#!/bin/sh\nid\n")
    assert client.get(CHECK)["Location"] == NEW


def test_a_form_sent_twice_makes_one_machine(client: Client) -> None:
    form = begun(client)
    first, again = client.post(NEW, form), client.post(NEW, form)
    assert first["Location"] == again["Location"]
    assert VirtualMachine.objects.count() == 1
    client.post(NEW, form | {"name": "another"})
    assert VirtualMachine.objects.count() == 2


def test_another_zone_brings_its_own_images(client: Client, account: Account, template: Template) -> None:
    other = factories.make_zone()
    factories.make_template(other, account, name="aaa")
    same = factories.make_template(other, account)
    Template.objects.filter(pk__in=[template.pk, same.pk]).update(sha256="5a" * 32)
    form = begun(client) | {"zone": other.uuid}
    page = client.post(CHECK, form, headers=HTMX).content.decode()
    assert re.search(f'name="template" value="{same.uuid}" checked', page)
    assert str(template.uuid) not in page
    whole = fields_of(client.post(CHECK, form).content.decode())
    assert (whole["zone"], whole["template"]) == (str(other.uuid), str(same.uuid))


def test_a_pasted_key_is_stored_and_let_in(client: Client) -> None:
    client.post(NEW, begun(client) | {"new_public_key": f"{PUBLIC_KEY} ada@laptop"})
    key = SshKeyPair.objects.get()
    assert key.name == "ada@laptop"
    assert list(VirtualMachine.objects.get().ssh_keys.all()) == [key]


def test_a_key_that_is_made_is_downloaded_once_and_then_let_in_by_its_name(client: Client) -> None:
    form = begun(client) | {"new_key_name": "Κλειδί"}
    answer = client.post(CHECK, form | {"do": "generate"})
    private = answer.content.decode()
    key = SshKeyPair.objects.get()
    assert answer["Content-Disposition"] == 'attachment; filename="kleidi.pem"'
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-SSH-Key"] == str(key.uuid)
    assert private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    client.post(NEW, form)
    assert list(VirtualMachine.objects.get().ssh_keys.all()) == [key]
    body = private.splitlines()[3]
    kept = [
        *Event.objects.values_list("data"),
        *Job.objects.values_list("args"),
        *IdempotencyKey.objects.values_list("answer"),
    ]
    assert body not in str(kept)


def test_a_key_that_nobody_named_gets_a_name(client: Client) -> None:
    client.post(CHECK, begun(client) | {"new_key_name": "", "do": "generate"})
    assert SshKeyPair.objects.get().name.startswith("user-")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"new_key_name": "unknown"}, "new_public_key"),
        ({"new_public_key": "not a key"}, "new_public_key"),
        ({"new_key_name": "a\u202eb", "new_public_key": PUBLIC_KEY}, "new_key_name"),
        ({"new_key_name": "a\u202eb", "do": "generate"}, "new_key_name"),
        ({"count": "0"}, "count"),
        ({"count": "101"}, "count"),
        ({"count": "many"}, "count"),
        ({"name": "%d%d", "count": "2"}, "name"),
        ({"strategy": "pinned"}, "strategy"),
        ({"account": "00000000-0000-0000-0000-000000000000"}, "account"),
        ({"template": "nonsense"}, "template"),
    ],
)
def test_each_mistake_is_told_at_its_field(client: Client, changes: dict[str, str], place: str) -> None:
    path = CHECK if "do" in changes else NEW
    answer = client.post(path, begun(client) | changes)
    assert answer.status_code == 422
    assert f'id="id_{place}_error"' in answer.content.decode()
    assert not VirtualMachine.objects.exists()
    assert not SshKeyPair.objects.exists()


def test_several_at_once_get_numbers(client: Client) -> None:
    form = begun(client) | {"name": "lab-%02d", "count": "3"}
    page = client.post(CHECK, form, headers=HTMX).content.decode()
    assert "lab-01 to lab-03" in page
    client.post(NEW, form)
    assert sorted(VirtualMachine.objects.values_list("name", flat=True)) == ["lab-01", "lab-02", "lab-03"]
    assert Job.objects.filter(kind="vm.deploy_batch").count() == 1


def test_only_an_operator_pins_a_machine_to_a_host(client: Client, zone: Zone, user: User) -> None:
    assert 'name="host"' not in client.get(NEW).content.decode()
    User.objects.filter(pk=user.pk).update(is_super_admin=True)
    host = zone.hosts.order_by("id")[0]
    wrong = client.post(NEW, begun(client) | {"strategy": "pinned", "host": "nowhere"})
    assert 'id="id_host_error"' in wrong.content.decode()
    for name in (host.name, str(host.uuid)):
        client.post(NEW, begun(client) | {"strategy": "pinned", "host": name})
    assert VirtualMachine.objects.filter(pinned_host=host).count() == 2


def test_a_stranger_sees_no_image_key_or_account_of_others(zone: Zone, account: Account) -> None:
    factories.make_template(zone, account, is_public=False, name="secret image")
    SshKeyPair.objects.create(account=account, name="secret key", public_key=PUBLIC_KEY, fingerprint="x")
    factories.make_offering()
    public = factories.make_template(zone, account)
    client = Client()
    client.force_login(factories.make_user(factories.make_account()))
    page = client.get(NEW).content.decode()
    assert "secret" not in page
    assert account.name not in page
    answer = client.post(NEW, begun(client) | {"account": account.uuid, "template": public.uuid})
    assert answer.status_code == 422
    assert not VirtualMachine.objects.exists()


def test_nobody_creates_anything_without_logging_in(template: Template) -> None:
    for path in (NEW, CHECK):
        assert Client().post(path, {"name": "x"})["Location"].startswith("/login/?next=")


def test_where_nothing_can_be_made_the_page_says_what_is_missing(account: Account) -> None:
    client = Client()
    client.force_login(factories.make_user())
    assert "You belong to no account yet" in client.get(NEW).content.decode()
    client.force_login(factories.make_user(account))
    assert "No zone yet" in client.get(NEW).content.decode()
    zone = factories.make_zone()
    assert "No image yet" in client.get(NEW).content.decode()
    factories.make_template(zone, account)
    assert "No size is offered" in client.get(NEW).content.decode()


def test_the_request_to_copy_follows_what_is_chosen(client: Client, offering: ServiceOffering) -> None:
    form = begun(client) | {"name": "it's", "user_data": "#!/bin/sh\necho s3cr3t\n", "count": "2"}
    page = unescape(client.post(CHECK, form, headers=HTMX).content.decode())
    assert "/api/v1/virtual-machines/batch/" in page
    assert str(offering.uuid) in page
    assert "env.CLOUDPORTAL_USER_DATA" in page
    assert "s3cr3t" not in page


def test_who_has_several_accounts_is_told_whose_it_will_be(
    client: Client, user: User, account: Account
) -> None:
    told = f"<dt>Account</dt><dd><bdi>{account.name}</bdi></dd>"
    query = {"account": str(account.uuid)}
    assert told not in client.get(NEW, query).text
    Membership.objects.create(user=user, account=factories.make_account())
    assert told in client.get(NEW, query).text
