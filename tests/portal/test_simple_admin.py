"""Who runs a part of the infrastructure sees that part in the portal, and nothing of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Grant, Membership, User
from apps.accounts.roles.ready import AUDITOR, DOMAIN_ADMIN, SIMPLE_ADMIN, ready
from apps.compute.models import SshKeyPair, VirtualMachine
from apps.compute.states import State
from apps.jobs.models import Job
from apps.storage.models import TemplateCopy
from apps.zones.models import Cluster, Host, Zone
from tests import factories
from tests.api.client import Api
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone(clusters=2, hosts=4)


@pytest.fixture
def other_zone() -> Zone:
    return factories.make_zone()


def admin_of(scope: str, row: Any) -> Client:
    user: User = factories.make_user()
    Grant.objects.create(user=user, role=ready(SIMPLE_ADMIN), scope=scope, place=row.pk)
    client = Client()
    client.force_login(user)
    return client


def at(row: Any) -> str:
    plural = {"Zone": "zones", "Pod": "pods", "Cluster": "clusters", "Host": "hosts"}[type(row).__name__]
    return f"/infrastructure/{plural}/{row.uuid}/"


def running_on(host: Host) -> VirtualMachine:
    vm = factories.make_vm(host.zone, state=State.RUNNING, host=host, pod=host.pod)
    VirtualMachine.objects.filter(pk=vm.pk).update(user_data="secret words")
    return vm


def test_of_a_zone_all_of_it_and_nothing_of_another(zone: Zone, other_zone: Zone) -> None:
    client = admin_of("zone", zone)
    host, other = Host.objects.filter(zone=zone)[0], Host.objects.get(zone=other_zone)
    overview = client.get("/infrastructure/")
    assert zone.name in overview.text
    assert host.name in overview.text
    assert other.name not in overview.text
    for row in (zone, host, host.cluster, host.pod):
        assert client.get(at(row)).status_code == 200
    for row in (other, other.cluster, other.pod):
        assert client.get(at(row)).status_code == 404
    assert client.get(at(other_zone)).status_code == 403
    hosts = client.get("/infrastructure/hosts/").text
    assert host.name in hosts
    assert other.name not in hosts


def test_of_a_cluster_its_hosts_and_the_way_down_to_it(zone: Zone) -> None:
    first, second = Cluster.objects.filter(pod__zone=zone).order_by("pk")
    client = admin_of("cluster", first)
    page = client.get(at(first.pod)).text
    assert first.name in page
    assert second.name not in page
    assert client.get(at(second)).status_code == 404
    assert client.get(at(zone)).status_code == 200
    mine, others = first.hosts.all()[0], second.hosts.all()[0]
    assert client.post(f"{at(mine)}switch/", {"act": "disable"}).status_code == 302
    assert client.post(f"{at(others)}switch/", {"act": "disable"}).status_code == 404
    assert client.post(f"{at(zone)}switch/", {"act": "disable"}).status_code == 403
    assert list(Host.objects.filter(enabled=False)) == [mine]


def test_the_machines_there_without_what_is_private_and_only_while_they_are_there(zone: Zone) -> None:
    host, elsewhere = Host.objects.filter(zone=zone).order_by("pk")[:2]
    client = admin_of("host", host)
    vm, other = running_on(host), running_on(elsewhere)
    assert vm.name in client.get("/virtual-machines/").text
    assert other.name not in client.get("/virtual-machines/").text
    page = client.get(f"/virtual-machines/{vm.uuid}/")
    assert page.status_code == 200
    assert "secret words" not in page.text
    refused = client.post(f"/virtual-machines/{vm.uuid}/act/", {"verb": "vm.stop"}, follow=True)
    assert "You may not do this" in refused.text
    assert not Job.objects.exists()
    assert client.get(f"/virtual-machines/{vm.uuid}/console/").status_code == 403
    assert f"/virtual-machines/{vm.uuid}/console/" not in client.get(f"/virtual-machines/{vm.uuid}/").text
    VirtualMachine.objects.filter(pk=vm.pk).update(host=elsewhere)
    assert client.get(f"/virtual-machines/{vm.uuid}/").status_code == 404


def test_no_tenants_no_roles_no_launch(zone: Zone) -> None:
    client = admin_of("zone", zone)
    menu = client.get("/").text
    assert "/infrastructure/" in menu
    for path in ("/people/invite/", "/launch/", "/offerings/"):
        assert client.get(path).status_code == 404
        assert f'href="{path}"' not in menu


def test_events_stand_in_the_menu_of_who_looks_after_others(zone: Zone) -> None:
    entry = '<li><a href="/events/"><svg'
    domain = factories.make_domain()
    head, reader, member = factories.make_user(), factories.make_user(), factories.make_account(domain)
    Grant.objects.create(user=head, role=ready(DOMAIN_ADMIN), scope="domain", domain=domain)
    Grant.objects.create(user=reader, role=ready(AUDITOR), scope="domain", domain=domain)
    for user in (head, reader):
        page = client_of(user).get("/").text
        assert entry in page
    assert entry in admin_of("zone", zone).get("/").text
    own = client_of(factories.make_user(member)).get("/").text
    assert entry not in own
    assert '<li><a href="/events/">What happened to what is mine</a></li>' in own


def test_the_names_of_an_accounts_keys_are_not_told_to_who_runs_its_host(zone: Zone) -> None:
    vm = running_on(Host.objects.filter(zone=zone)[0])
    known = {"name": "key-of-its-owner", "public_key": "ssh-ed25519 AAAA", "fingerprint": "SHA256:x"}
    key = SshKeyPair.objects.create(account=vm.account, **known)
    vm.ssh_keys.add(key)
    page = admin_of("zone", zone).get(f"/virtual-machines/{vm.uuid}/").text
    assert vm.name in page
    assert "key-of-its-owner" not in page
    owner = Client()
    owner.force_login(factories.make_user(vm.account))
    assert "key-of-its-owner" in owner.get(f"/virtual-machines/{vm.uuid}/").text


def test_the_home_of_who_has_no_account_leads_to_the_infrastructure(zone: Zone) -> None:
    vm = running_on(Host.objects.filter(zone=zone)[0])
    home = admin_of("zone", zone).get("/").text
    assert "You belong to no account yet" not in home
    assert "/virtual-machines/new/" not in home
    assert 'href="/infrastructure/"' in home
    assert vm.name not in home


def test_of_a_machine_neither_keys_nor_the_names_of_private_images(zone: Zone) -> None:
    """Not on its page, not in the API, and not by the way of the storage that images were copied to."""
    host = Host.objects.filter(zone=zone)[0]
    vm, (pool,) = running_on(host), factories.make_pools("zone", [zone])
    key = SshKeyPair.objects.create(
        account=vm.account, name="key of a tenant", public_key="k", fingerprint="f"
    )
    vm.ssh_keys.add(key)
    private = factories.make_template(zone, vm.account, is_public=False, name="private image")
    TemplateCopy.objects.create(template=private, pool=pool)
    simple, super_admin = admin_of("zone", zone), Client()
    super_admin.force_login(factories.make_user(super_admin=True))
    pages = f"/virtual-machines/{vm.uuid}/", f"/infrastructure/primary-storages/{pool.uuid}/"
    for page, name in zip(pages, (key.name, private.name), strict=True):
        assert name in super_admin.get(page).text
        assert name not in simple.get(page).text
    answers: dict[Client, Any] = {}
    for who in (simple, super_admin):
        user = User.objects.get(pk=who.session["_auth_user_id"])
        answers[who] = Api(user).get(f"virtual-machines/{vm.uuid}/").json()["ssh_keys"]
    assert [row["name"] for row in answers[super_admin]] == [key.name]
    assert answers[simple] == []


def test_what_may_not_be_done_has_no_dialog(zone: Zone, other_zone: Zone) -> None:
    """It would tell how the zone of others is set up, and how much there is in it."""
    client = admin_of("zone", zone)
    for act in ("change", "remove"):
        assert client.get(f"{at(other_zone)}{act}/").status_code == 403
    assert client.get(f"{at(zone)}change/").status_code == 200
    assert client.get(f"/infrastructure/recount/?zone={other_zone.uuid}").status_code == 403


def test_the_host_of_ones_own_machine_is_told_to_who_runs_that_host(zone: Zone, other_zone: Zone) -> None:
    client = admin_of("zone", zone)
    account = factories.make_account()
    Membership.objects.create(user=User.objects.latest("pk"), account=account)
    here, there = Host.objects.filter(zone=zone)[0], Host.objects.get(zone=other_zone)
    for host in (here, there):
        VirtualMachine.objects.filter(pk=running_on(host).pk).update(account=account)
    pages = [client.get(f"/virtual-machines/{vm.uuid}/").text for vm in VirtualMachine.objects.all()]
    listed = client.get("/virtual-machines/").text
    csv = client.get("/virtual-machines/?format=csv").getvalue().decode()
    for told in ("".join(pages), listed, csv):
        assert here.name in told
        assert there.name not in told
