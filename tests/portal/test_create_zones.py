"""Which zone a new machine gets: one where it can run, and the page says what speaks against the others."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Account, User
from apps.compute.models import VirtualMachine
from apps.storage.models import Template
from apps.zones.models import Cluster, Host, HostState, Zone
from tests import factories
from tests.portal.browsing import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
NEW, CHECK = "/virtual-machines/new/", "/virtual-machines/new/check/"


@pytest.fixture
def account() -> Account:
    factories.make_offering()
    return factories.make_account()


@pytest.fixture
def client(account: Account) -> Client:
    return client_of(factories.make_user(account))


def make_zone(name: str, account: Account | None, **host: object) -> Zone:
    """A zone whose hosts are real unless `host` says otherwise, with an image if an account is given."""
    zone = factories.make_zone(**{"driver": Host.Driver.LIBVIRT} | host)  # type: ignore[arg-type]
    zone.set_name(name)
    zone.save()
    if account:
        factories.make_template(zone, account)
    return zone


def selected(page: str, zone: Zone, says: str = "") -> bool:
    label = f"{zone.name} ({says})" if says else zone.name
    return f'<option value="{zone.uuid}" selected>{label}</option>' in page


def offered(page: str, zone: Zone, says: str) -> bool:
    return f'<option value="{zone.uuid}">{zone.name} ({says})</option>' in page


def test_a_zone_where_nothing_can_run_is_not_chosen_and_says_why(client: Client, account: Account) -> None:
    down = make_zone("a-down", account, state=HostState.DISCONNECTED)
    disabled = make_zone("b-disabled", account, enabled=False)
    bare = make_zone("c-bare", None)
    simulated = make_zone("d-simulated", account, driver=Host.Driver.SIMULATOR)
    good = make_zone("e-good", account)
    page = client.get(NEW).content.decode()
    assert selected(page, good)
    assert offered(page, down, "no host is up here yet")
    assert offered(page, disabled, "no host is up here yet")
    assert offered(page, bare, "no image is here yet")
    assert offered(page, simulated, "simulated, its machines are not real")
    assert "are not real." not in page


def test_hosts_of_a_disabled_cluster_or_pod_run_nothing(client: Client, account: Account) -> None:
    first, second = make_zone("a", account), make_zone("b", account)
    Cluster.objects.filter(pod__zone=first).update(enabled=False)
    second.pods.update(enabled=False)
    page = client.get(NEW).content.decode()
    assert selected(page, first, "no host is up here yet")
    assert offered(page, second, "no host is up here yet")
    assert "Zone a: no host is up here yet." in page


def test_a_simulated_zone_that_is_chosen_says_so_beside_the_button(client: Client, account: Account) -> None:
    zone = make_zone("play", account, driver=Host.Driver.SIMULATOR)
    page = client.get(NEW).content.decode()
    assert selected(page, zone, "simulated, its machines are not real")
    assert "Zone play: simulated, its machines are not real." in page
    greek = client.get(NEW, headers={"Accept-Language": "el"}).content.decode()
    assert "Ζώνη play: προσομοιωμένη, οι μηχανές της δεν είναι πραγματικές." in greek


def test_the_last_machines_zone_comes_first_as_long_as_machines_run_there(
    client: Client, account: Account
) -> None:
    make_zone("a", account)
    last = make_zone("b", account)
    image = Template.objects.get(secondary_storage__zone=last)
    user = User.objects.get(accounts=account)
    VirtualMachine.objects.filter(pk=factories.make_vm(last, account=account, template=image).pk).update(
        created_by=user
    )
    assert selected(client.get(NEW).content.decode(), last)
    last.hosts.update(state=HostState.DISCONNECTED)
    page = client.get(NEW).content.decode()
    assert not selected(page, last, "no host is up here yet")
    assert selected(client.get(f"{NEW}?zone={last.uuid}").content.decode(), last, "no host is up here yet")


def test_a_zone_without_an_image_keeps_the_form_so_that_another_can_be_chosen(
    client: Client, account: Account
) -> None:
    make_zone("full", account)
    bare = make_zone("bare", None)
    answer = client.post(CHECK, {"zone": bare.uuid, "name": "kept", "shown_for": ""})
    page = answer.content.decode()
    assert "This zone has no image yet: choose another zone." in page
    assert 'value="kept"' in page
    assert '<details class="panel" id="advanced" open>' in page


def test_zones_cost_the_same_number_of_queries_whatever_their_number(
    client: Client, account: Account
) -> None:
    counts = []
    for number in (1, 12):
        for _ in range(number):
            make_zone(factories.numbered("z"), account)
        with CaptureQueriesContext(connection) as queries:
            client.get(NEW)
        counts.append(len(queries))
    assert counts[0] == counts[1]
