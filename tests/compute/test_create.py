"""Judging an order and making it: the two agree, and judging writes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.actor import Actor
from apps.accounts.models import Account, Quota
from apps.compute import placement
from apps.compute.models import SshKeyPair, VirtualMachine
from apps.compute.services.create import Judgement, NewKey, Order, create_machines, judge
from apps.compute.services.deploy import VmRequest
from apps.compute.services.offerings import generate_ssh_key, parse_public_key
from apps.core.errors import CloudError, InsufficientCapacity, InvalidInput, NameTaken, NotFound
from apps.jobs.models import Event
from apps.zones.models import Zone
from tests import factories
from tests.api.conftest import PUBLIC_KEY

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
WRITING = ("INSERT", "UPDATE", "DELETE")


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone(hosts=3)


@pytest.fixture
def account() -> Account:
    return factories.make_account(max_machines=5, max_vcpus=8)


@pytest.fixture
def actor(account: Account) -> Actor:
    return Actor(factories.make_user(account))


def order_of(zone: Zone, account: Account, *, vcpus: int = 2, count: int = 1, **changes: Any) -> Order:
    wanted = VmRequest(
        account=account,
        zone=zone,
        name="web",
        offering=factories.make_offering(vcpus=vcpus, memory_mib=1024),
        template=factories.make_template(zone, account),
    )
    return Order(replace(wanted, **changes), count=count)


def test_an_order_that_fits_says_where_and_what_is_left(zone: Zone, account: Account, actor: Actor) -> None:
    found = judge(actor, order_of(zone, account))
    assert (found.refusal, found.fitting, found.considered, found.remedies) == (None, 3, 3, [])
    vcpus = next(item for item in found.standing if item.resource == "vcpus")
    assert (vcpus.used, vcpus.wanted, vcpus.limit, vcpus.left) == (0, 2, 8, 6)
    assert next(item for item in found.standing if item.resource == "memory_mib").left is None


@pytest.mark.parametrize(
    ("site", "room"),
    [
        ({"capacity_vcpus": 5}, 6),
        ({"capacity_memory_mib": 4096}, 9),
        ({"addresses": 4}, 4),
        ({"pool_gib": 35}, 3),
    ],
)
def test_of_a_batch_only_as_many_fit_as_there_is_room_for(
    site: dict[str, Any], room: int, account: Account, actor: Actor
) -> None:
    Quota.objects.all().delete()
    zone = factories.make_zone(hosts=3, **site)
    order = order_of(zone, account, count=20, template=factories.make_template(zone, account, gib=10))
    found = judge(actor, order)
    assert found.refusal is None
    assert (found.room, [remedy.count for remedy in found.remedies]) == (room, [room])
    placed = 0
    vms, _job = create_machines(actor, order)
    for vm in vms:
        try:
            placement.place(vm)
        except InsufficientCapacity:
            break
        placed += 1
    assert placed == room


def test_judging_writes_nothing(zone: Zone, account: Account, actor: Actor) -> None:
    order = replace(order_of(zone, account, count=2), new_key=NewKey("laptop", PUBLIC_KEY))
    for changed in (order, replace(order, count=1), replace(order, count=99)):
        with CaptureQueriesContext(connection) as queries:
            judge(actor, changed)
        statements = [
            query["sql"] for query in queries if query["sql"]
        ]  # none of a prepared one, which reads
        assert statements
        assert [sql for sql in statements if sql.lstrip().startswith(WRITING)] == []


def refused(actor: Actor, order: Order) -> Judgement:
    """The judgement of an order; making it is refused in the same words."""
    found = judge(actor, order)
    assert found.refusal is not None
    with pytest.raises(CloudError) as caught:
        create_machines(actor, order)
    assert (caught.value.code, caught.value.params) == (found.refusal.code, found.refusal.params)
    assert caught.value.place == found.refusal.place
    assert not VirtualMachine.objects.exists()
    return found


def test_a_short_quota_names_fewer_machines_and_a_smaller_size(
    zone: Zone, account: Account, actor: Actor
) -> None:
    small = factories.make_offering(vcpus=1, memory_mib=512)
    found = refused(actor, order_of(zone, account, count=5))
    assert found.refusal is not None
    assert found.refusal.code == "quota_exceeded"
    assert [(item.count, item.offering) for item in found.remedies] == [(4, None), (0, small)]


def test_a_quota_above_the_account_is_told_without_its_numbers(zone: Zone, actor: Actor) -> None:
    domain = factories.make_domain(max_vcpus=1)
    account = factories.make_account(domain)
    actor = Actor(factories.make_user(account))
    found = refused(actor, order_of(zone, account))
    assert found.refusal is not None
    assert found.refusal.code == "domain_quota_exceeded"
    assert all(item.limit is None for item in found.standing)


def test_what_no_host_could_hold_names_the_largest_size_that_one_can(zone: Zone, account: Account) -> None:
    actor = Actor(factories.make_user(account))
    Quota.objects.update(max_vcpus=None)
    factories.make_offering(vcpus=1, memory_mib=256)
    fitting = factories.make_offering(vcpus=16, memory_mib=1024)
    factories.make_offering(vcpus=64, memory_mib=1024)
    found = refused(actor, order_of(zone, account, vcpus=100))
    assert found.remedies[0].offering == fitting


def test_a_full_zone_names_another_one_with_the_same_image(
    zone: Zone, account: Account, actor: Actor
) -> None:
    order = order_of(zone, account)
    other = factories.make_zone()
    same = factories.make_template(other, factories.make_account())
    same.set_name(order.wanted.template.name)
    same.save()
    zone.hosts.update(allocated_vcpus=32)
    found = refused(actor, order)
    assert [(item.zone, item.template) for item in found.remedies] == [(other, same)]
    create_machines(actor, replace(order, wanted=replace(order.wanted, zone=other, template=same)))


def test_a_template_that_needs_more_names_the_next_larger_size(
    zone: Zone, account: Account, actor: Actor
) -> None:
    template = factories.make_template(zone, account, min_memory_mib=2048)
    factories.make_offering(memory_mib=8192)
    larger = factories.make_offering(memory_mib=2048)
    found = refused(actor, order_of(zone, account, template=template))
    assert [item.offering for item in found.remedies] == [larger]


def test_a_value_that_cannot_be_used_has_no_remedy_but_its_correction(
    zone: Zone, account: Account, actor: Actor
) -> None:
    order = order_of(zone, account)
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"name": "a\u202eb"}, "name"),
        ({"user_data": "#cloud-config\n: ["}, "user_data line 2"),
    ]
    for changes, place in mistakes:
        found = refused(actor, replace(order, wanted=replace(order.wanted, **changes)))
        assert found.refusal is not None
        assert (found.refusal.place, found.remedies) == (place, [])
    refused(actor, replace(order, wanted=replace(order.wanted, hostname="web"), count=2))
    refused(actor, replace(order, count=0))
    refused(actor, replace(order, count=101))


def test_a_new_key_is_stored_with_the_machine_or_not_at_all(
    zone: Zone, account: Account, actor: Actor
) -> None:
    order = replace(order_of(zone, account), new_key=NewKey("Φορητός", PUBLIC_KEY))
    too_many = replace(order, wanted=replace(order.wanted, offering=factories.make_offering(vcpus=10)))
    refused(actor, too_many)
    assert not SshKeyPair.objects.exists()
    vms, _job = create_machines(actor, order)
    assert [key.name for key in vms[0].ssh_keys.all()] == ["Φορητός"]
    with pytest.raises(NameTaken) as caught:
        create_machines(actor, order)
    assert caught.value.place == "ssh_key name"
    told = judge(actor, order).refusal
    assert isinstance(told, NameTaken)
    assert (told.place, told.params) == (caught.value.place, caught.value.params)
    assert VirtualMachine.objects.get() == vms[0]
    with pytest.raises(InvalidInput) as wrong:
        create_machines(actor, replace(order, new_key=NewKey("x", "not a key")))
    assert wrong.value.place == "ssh_key public_key"


def test_a_batch_is_one_job_with_all_machines_or_none(zone: Zone, account: Account, actor: Actor) -> None:
    vms, job = create_machines(actor, order_of(zone, account, count=3, vcpus=1))
    assert [vm.name for vm in vms] == ["web-1", "web-2", "web-3"]
    assert (job.kind, job.args["name"]) == ("vm.deploy_batch", "web")


def test_a_stranger_learns_nothing_by_judging(zone: Zone, account: Account) -> None:
    stranger = Actor(factories.make_user(factories.make_account()))
    with pytest.raises(NotFound):
        judge(stranger, order_of(zone, account))


def test_a_generated_key_is_a_pair_and_its_private_half_is_kept_nowhere(
    account: Account, actor: Actor
) -> None:
    row, private = generate_ssh_key(actor, account=account, name="lab")
    assert private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert parse_public_key(row.public_key) == (row.public_key, row.fingerprint)
    body = private.splitlines()[2]
    assert body not in row.public_key
    event = Event.objects.get(kind="ssh_key.create")
    assert body not in str(event.data)
