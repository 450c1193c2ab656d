"""One cloud with one of everything in each place that a right can end at.

root ─ faculty ─ sub            accounts: own and project in faculty, sub, sibling, other, and near,
     ├ sibling                  which is other's too but has its machine in the zone near; all the
     └ other                    others have theirs in the zone away.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.models import (
    Account,
    ApiToken,
    Directory,
    Domain,
    Grant,
    Group,
    Invitation,
    LeftBehind,
    Role,
    Session,
    User,
)
from apps.accounts.projects import create_project
from apps.accounts.roles.ready import ready
from apps.accounts.services import create_root_domain
from apps.compute.models import ConsoleLog, SshKeyPair, StrayMachine
from apps.compute.states import State
from apps.jobs.models import Event, Job
from apps.launch.models import Launch
from apps.network.models import Network
from apps.portal.models import SavedView
from apps.storage.models import SecondaryStorage, TemplateCopy, Volume
from apps.zones.models import Cluster, Host, Pod, Region, Zone
from tests import factories
from tests.browser.mapped import show_a_mapping

TENANT = ("own", "same", "project", "sub", "sibling", "other", "near")
DOMAINS = ("faculty", "sub", "sibling", "other", "root")
PROJECTS = ("project", "sub", "sibling", "other")
ZONES = ("near", "away")
CLOUD = ("cloud",)
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
SYSTEM = Actor.system("the matrix")
Rows = dict[str, Any]


class World:
    """`rows` by the kind of place, place and noun: what `{noun}` of a path stands for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = self._called(create_root_domain(), "domain-of-root")
        self.domains = {"root": self.root}
        for name in ("faculty", "sibling", "other"):
            self.domains[name] = self._domain(name, self.root)
        self.domains["sub"] = self._domain("sub", self.domains["faculty"])
        self.zones = {name: self._zone(name) for name in ZONES}
        self.offering = factories.make_offering(vcpus=1, memory_mib=512)
        public = factories.make_account(self.root)
        self.templates = {name: factories.make_template(zone, public) for name, zone in self.zones.items()}
        self.accounts = self._accounts()
        self.gone = factories.make_user(is_active=False)
        self.people = {place: self._person(place) for place in TENANT}
        self.rows: dict[tuple[str, ...], dict[str, Rows]] = {
            TENANT: {place: self._tenant(place) for place in TENANT},
            PROJECTS: {place: self._project(place) for place in PROJECTS},
            DOMAINS: {place: self._below(place) for place in DOMAINS},
            ZONES: {place: self._infrastructure(place) for place in ZONES},
            CLOUD: {"cloud": self._cloud()},
        }

    def _domain(self, name: str, parent: Domain) -> Domain:
        row = factories.make_domain(parent)
        self._called(row, f"domain-of-{name}")
        return row

    def _called(self, row: Any, name: str) -> Any:
        row.name = name
        row.save()
        return row

    def _zone(self, name: str) -> Zone:
        zone = factories.make_zone(hosts=1, pool="zone")
        secondary = self.folder / name
        secondary.mkdir(parents=True, exist_ok=True)
        SecondaryStorage.objects.create(zone=zone, name=f"secondary-of-{name}", path=str(secondary))
        return zone

    def _accounts(self) -> dict[str, Account]:
        found = {}
        for place in ("own", "sub", "sibling", "other", "near"):
            domain = self.domains[{"own": "faculty", "near": "other"}.get(place, place)]
            found[place] = self._called(factories.make_account(domain), f"account-of-{place}")
        return found | {"same": found["own"], "project": self._begun("account-of-project", "faculty")}

    def _begun(self, name: str, domain: str) -> Account:
        owner = factories.make_user(factories.make_account(self.domains[domain]))
        return create_project(SYSTEM, name=name, domain=self.domains[domain], owner=owner).account

    def _project(self, place: str) -> Rows:
        if place == "project":
            return {"project": self.accounts["project"], "person": self.people["project"]}
        project = self._begun(f"project-of-{place}", place)
        return {"project": project, "person": factories.make_user(project)}

    def _person(self, place: str) -> User:
        return factories.make_user(self.accounts[place], full_name=f"person-of-{place}")

    def _tenant(self, place: str) -> Rows:
        account, person = self.accounts[place], self.people[place]
        at = "near" if place == "near" else "away"
        zone = self.zones[at]
        host = Host.objects.get(zone=zone)
        vm = factories.make_vm(
            zone,
            account=account,
            template=self.templates[at],
            offering=self.offering,
            state=State.STOPPED,
            host=host,
            pod=host.pod,
            created_by=person,
            user_data=f"user-data-of-{place}",
        )
        volume = Volume.objects.get(attachment__vm=vm)
        job = Job.objects.create(
            kind="toy",
            account=account,
            user=person,
            actor_label="someone",
            target_type="virtual-machine",
            target_uuid=vm.uuid,
        )
        key = SshKeyPair.objects.create(
            account=account, name=f"key-of-{place}", public_key=PUBLIC_KEY, fingerprint="SHA256:x"
        )
        vm.ssh_keys.add(key)
        ConsoleLog.objects.create(vm=vm, text=f"console-of-{place}", read_at=timezone.now())
        template = factories.make_template(
            zone, account, is_public=False, name=f"template-of-{place}", created_by=person
        )
        TemplateCopy.objects.create(template=template, pool=zone.primary_storages.get())
        return {
            "account": account,
            "person": person,
            "view": SavedView.objects.create(
                user=person, list_key="machines", name=f"view-of-{place}", query="state=Running"
            ),
            "vm": self._called(vm, f"vm-of-{place}"),
            "volume": self._called(volume, f"volume-of-{place}"),
            "ssh_key": key,
            "template": template,
            "job": job,
            "event": Event.objects.create(
                kind="toy",
                phase="submitted",
                account=account,
                actor_label="someone",
                target_type="virtual-machine",
                target_uuid=vm.uuid,
                target_name=f"vm-of-{place}",
                job=job,
            ),
            "invitation": Invitation.objects.create(
                account=account,
                role=ready("user"),
                username=f"invited-to-{place}",
                invited_by=person,
                expires_at=timezone.now() + timedelta(days=1),
            ),
            "session": Session.objects.create(
                session_key=f"session-of-{place}",
                user=person,
                session_data="",
                expire_date=timezone.now() + timedelta(days=1),
            ),
            "grant": Grant.objects.create(user=person, role=ready("user"), scope="account", account=account),
            "token": ApiToken.objects.create(user=person, name=f"token-of-{place}", digest=uuid4().hex * 2),
            "robot": User.objects.create(username=f"robot-of-{place}", kind="service", service_of=account),
            "zone": zone,
            "public_template": self.templates[at],
        }

    def _below(self, place: str) -> Rows:
        domain = self.domains[place]
        role = Role.objects.create(name=f"role-of-{place}", domain=domain, rules=[["allow", "vm.read"]])
        account = factories.make_account(domain)
        left = LeftBehind.objects.create(account=account, user=self.gone, stops_at=timezone.now())
        account.users.add(self.gone)
        return {"domain": domain, "role": role, "left": left}

    def _infrastructure(self, place: str) -> Rows:
        zone = self.zones[place]
        host = Host.objects.get(zone=zone)
        host.shown_key = PUBLIC_KEY
        host.save()
        return {
            "region": zone.region,
            "zone": zone,
            "pod": Pod.objects.get(zone=zone),
            "cluster": Cluster.objects.get(pod__zone=zone),
            "simulated": factories.make_cluster(host.pod, hypervisor="simulator"),
            "empty_pod": factories.make_pod(zone, addresses=0),
            "host": host,
            "primary_storage": zone.primary_storages.get(),
            "secondary_storage": SecondaryStorage.objects.get(zone=zone),
            "spare": SecondaryStorage.objects.create(zone=zone, name=f"spare-of-{place}", path=f"/s/{place}"),
            "network": Network.objects.filter(zone=zone, pod=host.pod).first(),
            "stray": StrayMachine.objects.create(
                host=host,
                machine_uuid=uuid4(),
                machine_name=f"stray-of-{place}",
                power_state="off",
                last_seen_at=timezone.now(),
            ),
        }

    def _cloud(self) -> Rows:
        campus: Any = {"kind": "openldap", "servers": ["ldaps://a"], "people_bases": ["dc=a"]}
        directory = Directory.objects.create(name="campus", **campus)
        mapped = show_a_mapping(directory, self.accounts["own"])
        return {
            "offering": self.offering,
            "unused": factories.make_offering(vcpus=2, memory_mib=512),
            "directory": directory,
            "launch": Launch.objects.create(zone=self.zones["near"], actor_label="someone"),
            "launched": Host.objects.get(zone=self.zones["near"]),
            "rule": mapped["rule"],
            "run": mapped["run"],
            "account": self.accounts["own"],
            "root": self.root,
            "group": Group.objects.create(name="a group"),
            "region": Region.objects.create(name="a region without zones"),
            "person": self.people["own"],
        }

    def at(self, places: tuple[str, ...], place: str) -> Rows:
        return self.rows[places][place]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """The cloud, in a transaction that is taken back."""
    with transaction.atomic():
        yield World(folder)
        transaction.set_rollback(True)
