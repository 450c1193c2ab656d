"""Over random roles, grants and memberships: the filter, the check of one row, and an oracle that knows
nothing of the policy's code agree, for every row of every model that lies in a scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts import policy, reach
from apps.accounts.actor import Actor
from apps.accounts.limits import Limits
from apps.accounts.models import Account, Domain, Grant, Group, GroupMember, Membership, Quota, Role, User
from apps.compute.models import SshKeyPair, VirtualMachine
from apps.compute.states import State
from apps.jobs.models import Job
from apps.storage.models import PrimaryStorage, Volume
from apps.zones.models import Cluster, Host
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

PATTERNS = ("*", "*.read", "vm.*", "vm.read", "host.*", "account.read", "domain.*", "job.read", "volume.read")
rules = st.lists(
    st.tuples(st.sampled_from(["allow", "deny"]), st.sampled_from(PATTERNS)), min_size=1, max_size=4
)
SCOPES = ("global", "region", "zone", "cluster", "host", "domain", "account")
grants = st.lists(
    st.tuples(rules, st.sampled_from(SCOPES), st.integers(0, 7), st.sampled_from(["user", "group", "ended"])),
    max_size=4,
)
members = st.lists(st.tuples(rules, st.integers(0, 5)), max_size=2)


@dataclass
class World:
    """`lies_in` gives of each row every (scope, key) that it lies in."""

    user: User
    group: Group
    places: dict[str, list[int]]
    rows: dict[str, list[Model]]
    lies_in: dict[tuple[str, int], set[tuple[str, int]]]


NOUNS: dict[str, type[Model]] = {
    "vm": VirtualMachine,
    "volume": Volume,
    "ssh_key": SshKeyPair,
    "account": Account,
    "domain": Domain,
    "host": Host,
    "cluster": Cluster,
    "primary_storage": PrimaryStorage,
    "quota": Quota,
    "job": Job,
}


@pytest.fixture
def world() -> World:
    root = factories.root_domain()
    left, right = factories.make_domain(root), factories.make_domain(root)
    below = factories.make_domain(left)
    domains = [root, left, right, below]
    accounts = [factories.make_account(domain) for domain in (root, left, right, below, below)]
    zones = [factories.make_zone(clusters=2, hosts=3) for _ in range(2)]
    hosts = list(Host.objects.order_by("pk"))
    for number, account in enumerate(accounts):
        SshKeyPair.objects.create(account=account, name="key", public_key="x", fingerprint=f"SHA256:{number}")
        for host in (hosts[number], None):
            zone = host.zone if host else zones[number % 2]
            vm = factories.make_vm(zone, account=account, state=State.STOPPED, disks_gib=(1,))
            VirtualMachine.objects.filter(pk=vm.pk).update(host=host, pod=host.pod if host else None)
            about = {"target_type": "virtual-machine", "target_uuid": vm.uuid, "actor_label": "x"}
            Job.objects.create(kind="x", account=account, **about)
    Job.objects.create(kind="x", target_type="host", target_uuid=hosts[0].uuid, actor_label="x")
    places = {
        "domain": [domain.pk for domain in domains],
        "account": [account.pk for account in accounts],
        "host": [host.pk for host in hosts],
        "cluster": sorted({host.cluster_id for host in hosts}),
        "zone": [zone.pk for zone in zones],
        "region": [zone.region_id for zone in zones],
    }
    rows = {noun: list(model._default_manager.all()) for noun, model in NOUNS.items()}
    lies_in = {(noun, row.pk): set(_scopes_of(noun, row)) for noun, all_ in rows.items() for row in all_}
    group = Group.objects.create(name="group")
    return World(factories.make_user(), group, places, rows, lies_in)


def _of_account(account: Account) -> set[tuple[str, int]]:
    return {("account", account.pk)} | _of_domain(account.domain)


def _of_domain(domain: Domain | None) -> set[tuple[str, int]]:
    return set() if domain is None else {("domain", domain.pk)} | _of_domain(domain.parent)


def _of_host(host: Host | None) -> set[tuple[str, int]]:
    return set() if host is None else {("host", host.pk)} | _of_cluster(host.cluster)


def _of_cluster(cluster: Cluster) -> set[tuple[str, int]]:
    zone = cluster.pod.zone
    return {("cluster", cluster.pk), ("zone", zone.pk), ("region", zone.region_id)}


def _scopes_of(noun: str, row: Any) -> set[tuple[str, int]]:
    if noun == "domain":
        return _of_domain(row)
    if noun == "account":
        return _of_account(row)
    if noun == "quota":
        return _of_account(row.account) if row.account else _of_domain(row.domain)
    if noun == "host":
        return _of_host(row)
    if noun == "cluster":
        return _of_cluster(row)
    if noun == "primary_storage":
        return _of_cluster(row.cluster)
    if noun == "vm":
        zone = {("zone", row.zone_id), ("region", row.zone.region_id)}
        return _of_account(row.account) | _of_host(row.host) | zone
    if noun == "job":
        return _scopes_of_job(row)
    return _of_account(row.account)


def _scopes_of_job(job: Job) -> set[tuple[str, int]]:
    if job.target_type == "host":
        return _of_host(Host.objects.get(uuid=job.target_uuid))
    return _scopes_of("vm", VirtualMachine.objects.get(uuid=job.target_uuid))


def allows(given_rules: list[tuple[str, str]], noun: str) -> bool:
    """Written for the test alone: the first pattern that fits "noun.read"."""
    for effect, pattern in given_rules:
        if pattern in {"*", "*.read", f"{noun}.*", f"{noun}.read"}:
            return effect == "allow"
    return False


def hand_out(world: World, given_grants: Any, given_members: Any) -> list[tuple[Any, str, int | None]]:
    """Make the rows, and say what holds: rules, scope, key."""
    Grant.objects.all().delete()
    Membership.objects.filter(user=world.user).delete()
    GroupMember.objects.get_or_create(group=world.group, user=world.user)
    held: list[tuple[Any, str, int | None]] = []
    for role_rules, scope, which, how in given_grants:
        role = Role.objects.create(name=factories.numbered("role"), rules=role_rules)
        keys = world.places.get(scope)
        key = keys[which % len(keys)] if keys else None
        column = {"domain": "domain_id", "account": "account_id", "global": ""}.get(scope, "place")
        whom = {"group": world.group} if how == "group" else {"user": world.user}
        ends = timezone.now() - timedelta(seconds=1) if how == "ended" else None
        Grant.objects.create(
            role=role, scope=scope, ends_at=ends, **whom, **({column: key} if column else {})
        )
        if how != "ended":
            held.append((role_rules, scope, key))
    for role_rules, which in given_members:
        key = world.places["account"][which % len(world.places["account"])]
        role = Role.objects.create(name=factories.numbered("role"), rules=role_rules)
        _row, new = Membership.objects.get_or_create(user=world.user, account_id=key, defaults={"role": role})
        if new:
            held.append((role_rules, "account", key))
    return held


def expected(world: World, held: Any, noun: str, row: Model) -> bool:
    return any(
        allows(role_rules, noun) and (scope == "global" or (scope, key) in world.lies_in[noun, row.pk])
        for role_rules, scope, key in held
    )


def faults(world: World, held: Any, actor: Actor, narrowed: frozenset[int] | None = None) -> list[Any]:
    found: list[Any] = []
    for noun, model in NOUNS.items():
        visible = policy.visible(actor, model._default_manager.all())
        seen = set(visible.values_list("pk", flat=True))
        counted = visible.filter(policy.visible_joined(actor, model)).values_list("pk", flat=True)
        if sorted(counted) != sorted(seen):
            found.append((noun, "counted", sorted(seen), sorted(counted)))
        for row in world.rows[noun]:
            wanted = expected(world, held, noun, row)
            if narrowed is not None:
                inside = {key for scope, key in world.lies_in[noun, row.pk] if scope == "account"}
                wanted = wanted and bool(inside & narrowed)
            answers = (row.pk in seen, policy.sees(actor, row), policy.may(actor, f"{noun}.read", row))
            if noun == "cluster":  # one that holds a host of theirs is seen too, but nothing is done to it
                answers = (answers[2], answers[2], answers[2])
            if set(answers) != {wanted}:
                found.append((noun, row.pk, wanted, answers))
    return found


@pytest.fixture(params=["FEW_ACCOUNTS", "NAMED_ACCOUNTS", ""])
def accounts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is seen is the same whether a reach of so many accounts is asked for by their keys or not."""
    if request.param:
        monkeypatch.setattr(reach, request.param, 0)


@pytest.mark.usefixtures("accounts")
@EXAMPLES
@given(given_grants=grants, given_members=members)
def test_filter_check_and_oracle_agree(world: World, given_grants: Any, given_members: Any) -> None:
    held = hand_out(world, given_grants, given_members)
    assert faults(world, held, Actor(world.user)) == []


@pytest.mark.usefixtures("accounts")
@EXAMPLES
@given(given_grants=grants, given_members=members, which=st.sets(st.integers(0, 4), max_size=2))
def test_a_limited_token_sees_of_that_what_lies_in_its_accounts(
    world: World, given_grants: Any, given_members: Any, which: set[int]
) -> None:
    held = hand_out(world, given_grants, given_members)
    held = [each for each in held if each[1] in {"global", "domain", "account"}]  # no infrastructure
    accounts = frozenset(world.places["account"][number] for number in which)
    actor = Actor(world.user, limits=Limits(account_ids=accounts))
    assert faults(world, held, actor, accounts) == []


def test_the_oracle_notices_a_role_too_many(world: World) -> None:
    """The harness proves itself: something that is held and not told to the oracle is found."""
    held = hand_out(world, [([("allow", "*.read")], "domain", 1, "user")], [])
    assert faults(world, held, Actor(world.user)) == []
    assert faults(world, [], Actor(world.user)) != []
