"""Zone documents as pages, and the page that follows a launch."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.jobs.models import Job, JobState
from apps.launch.models import Launch
from apps.launch.yaml_tree import MAX_BYTES
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template
from apps.zones.models import Host, HostState, Zone
from tests import factories
from tests.portal.browsing import client_of
from tests.portal.launching import CAMPUS, HOST_KEY, launched, over, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return factories.make_user(super_admin=True)


@pytest.fixture
def client(operator: User) -> Client:
    return client_of(operator)


def test_a_document_is_planned_in_plain_words_then_applied(client: Client) -> None:
    shown = client.post("/launch/document/", {"document": CAMPUS})
    text = shown.content.decode()
    assert "Left out on purpose" in text
    assert "192.168.10.16 (host srvr1.cloud.priv, public_dns, internal_dns)" in text
    assert "14 parts are created." in text
    assert not Zone.objects.exists()
    body = {"document": CAMPUS, "digest": shown.context["plan"].digest, "apply": "yes"}
    answer = client.post("/launch/document/", body)
    assert answer["Location"] == f"/launch/{Launch.objects.get().uuid}/"
    again = client.post("/launch/document/", {"document": CAMPUS})
    assert "nothing to do" in again.content.decode()
    exported = client.get(f"/launch/zones/{Zone.objects.get().uuid}/document/")
    assert exported["Content-Type"].startswith("application/yaml")
    whole = page(client, f"/launch/document/?zone={Zone.objects.get().uuid}")
    assert "srvr1.cloud.priv" in whole


def test_a_file_is_a_document_too_and_one_that_is_none_is_told(client: Client) -> None:
    def sent(data: bytes) -> Any:
        return client.post("/launch/document/", {"file": SimpleUploadedFile("zone.yaml", data)})

    assert sent(CAMPUS.encode()).status_code == 200
    large = sent(b"x" * (MAX_BYTES + 1))
    assert (large.status_code, "longer than" in large.content.decode()) == (422, True)
    assert "not text in UTF-8" in sent(b"\xff\xfe").content.decode()
    bomb = client.post("/launch/document/", {"document": "a: &x [1]\nb: *x"})
    assert bomb.status_code == 422
    assert "(line 2)" in bomb.content.decode()
    assert "Write the value out" in bomb.content.decode()


def test_a_changed_zone_is_shown_as_it_was_and_as_it_becomes(client: Client) -> None:
    launched(client)
    text = client.get("/launch/document/?zone=" + str(Zone.objects.get().uuid)).context["form"].initial
    changed = text["document"].replace("cpu_overcommit_percent: 150", "cpu_overcommit_percent: 300")
    shown = client.post("/launch/document/", {"document": changed}).content.decode()
    assert "<code>cpu_overcommit_percent</code>" in shown
    assert "150</del>" in shown
    assert "300</ins>" in shown


def test_a_key_that_a_host_shows_is_trusted_with_a_click(client: Client) -> None:
    launch = launched(client)
    host = Host.objects.order_by("id")[0]
    over(host)
    Host.objects.filter(pk=host.pk).update(
        state=HostState.ALERT, state_reason="host_key_untrusted", shown_key=HOST_KEY
    )
    text = page(client, f"/launch/{launch.uuid}/")
    assert "It waits for you" in text
    assert "SHA256:" in text
    body = {"verb": "trust", "id": str(host.uuid), "key": HOST_KEY}
    client.post(f"/launch/{launch.uuid}/act/", body)
    host.refresh_from_db()
    assert (host.host_key, host.state) == (HOST_KEY, HostState.CONNECTING)
    assert Job.objects.filter(target_uuid=host.uuid, finished_at=None).exists()
    answer = client.post(f"/launch/{launch.uuid}/act/", body, follow=True)
    assert "shows another key by now" in answer.content.decode()


def test_a_host_that_failed_is_explained_corrected_and_goes_on(client: Client) -> None:
    launch = launched(client)
    host = Host.objects.order_by("id")[0]
    over(host)
    error = {"code": "host_access_denied", "params": {}, "technical": "root@10.1.0.11: denied"}
    Job.objects.filter(target_uuid=host.uuid).update(state=JobState.FAILED, error=error)
    Host.objects.filter(pk=host.pk).update(
        state=HostState.DISCONNECTED, state_reason="host_access_denied", host_key=HOST_KEY
    )
    text = page(client, f"/launch/{launch.uuid}/")
    assert "The host does not let us in" in text
    assert "root@10.1.0.11: denied" in text
    path = f"/launch/{launch.uuid}/hosts/{host.uuid}/"
    assert 'value="10.1.0.11"' in page(client, path)
    way = {"address": "10.1.0.12", "port": "2222", "username": "root"}
    taken = client.post(path, way)
    assert (taken.status_code, "Another host has this address" in taken.content.decode()) == (422, True)
    assert client.post(path, {**way, "address": "10.1.0.13"}).status_code == 302
    host.refresh_from_db()
    assert (host.address, host.state) == ("10.1.0.13", HostState.CONNECTING)
    over(host)
    assert client.post(path, {**way, "address": "10.1.0.13"}).status_code == 302
    assert Job.objects.filter(target_uuid=host.uuid, finished_at=None).count() == 1


def test_a_host_that_is_still_tried_can_be_corrected_already(client: Client) -> None:
    launch = launched(client)
    host = Host.objects.order_by("id")[0]
    error = {"code": "host_unreachable", "params": {}, "technical": "no route"}
    Job.objects.filter(target_uuid=host.uuid).update(note="retrying", error=error)
    text = page(client, f"/launch/{launch.uuid}/")
    assert "It waits for you" in text
    assert "no route" in text
    way = {"address": "10.1.0.99", "port": "22", "username": "root"}
    assert client.post(f"/launch/{launch.uuid}/hosts/{host.uuid}/", way).status_code == 302
    first, second = Job.objects.filter(target_uuid=host.uuid).order_by("id")
    assert (first.cancel_requested, second.state) == (True, JobState.WAITING)


def test_storage_that_failed_is_looked_at_again(client: Client) -> None:
    launch = launched(client)
    store, pool = SecondaryStorage.objects.get(), PrimaryStorage.objects.get()
    over(store, pool)
    error = {"code": "command_failed", "params": {}, "technical": "mounting nas:/export/p: refused"}
    Job.objects.filter(target_uuid=store.uuid).update(state=JobState.FAILED, error=error)
    Host.objects.update(state=HostState.UP)
    text = page(client, f"/launch/{launch.uuid}/")
    assert "mounting nas:/export/p: refused" in text
    assert "nobody has read how large" in text
    for verb, row in (("store", store), ("pool", pool)):
        client.post(f"/launch/{launch.uuid}/act/", {"verb": verb, "id": str(row.uuid)})
        assert Job.objects.filter(target_uuid=row.uuid, finished_at=None).count() == 1


def test_a_zone_with_a_host_a_pool_and_an_image_is_ready(client: Client) -> None:
    launch = launched(client)
    over(*Host.objects.all(), *PrimaryStorage.objects.all(), *SecondaryStorage.objects.all())
    Host.objects.update(state=HostState.UP, cpu_cores=8, memory_mib=16384, cpu_model="Xeon")
    PrimaryStorage.objects.update(capacity_bytes=2**40)
    assert "has no image yet" in page(client, f"/launch/{launch.uuid}/live/")
    Template.objects.create(
        name="debian",
        account=factories.make_account(),
        secondary_storage=SecondaryStorage.objects.get(),
        state=Template.State.READY,
    )
    text = page(client, f"/launch/{launch.uuid}/live/")
    assert "Zone1 is ready: create the first VM." in text
    assert "8 cores, 16 GiB of memory, Xeon" in text
    assert "1 TiB" in text


def test_the_page_of_a_launch_costs_the_same_for_many_hosts(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    lines = "\n".join(f"10.1.0.{n}" for n in range(11, 71))
    launch = launched(client, host={"hosts": lines})
    with django_assert_max_num_queries(10):
        page(client, f"/launch/{launch.uuid}/live/")


def test_an_act_names_a_row_of_this_zone(client: Client) -> None:
    launch = launched(client)
    elsewhere = factories.make_zone(hosts=1)
    stranger = Host.objects.get(zone=elsewhere)
    for body in ({"verb": "host", "id": str(stranger.uuid)}, {"verb": "host", "id": "x"}, {"verb": "burn"}):
        assert client.post(f"/launch/{launch.uuid}/act/", body).status_code == 404
    assert client.get("/launch/steps/roof/").status_code == 404
