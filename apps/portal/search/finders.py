"""What the search looks through: one bounded query a kind, whatever there is, of what the reader may see.

Names are found by their folded keys: accents and capitals make no difference, in Greek and Latin alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Directory, User
from apps.accounts.rest import parse_uuid
from apps.compute.models import Nic, ServiceOffering, SshKeyPair, VirtualMachine
from apps.compute.search import ByName
from apps.core.filters import checked
from apps.core.names import MAX_NAME, fold, sort_key
from apps.jobs.kinds import all_kinds
from apps.jobs.models import Job
from apps.portal.templatetags.portal import mib
from apps.storage.models import PrimaryStorage, Template
from apps.zones.models import Cluster, Host, Pod, Zone

Text = str | Promise
_ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{0,3}){1,3}")


@dataclass(frozen=True)
class Asked:
    """What was typed: as it is, folded, and as a public id or an address if it looks like one."""

    text: str
    key: str
    uuid: UUID | None
    address: str

    @classmethod
    def of(cls, text: str) -> Asked:
        text = checked(text.strip(), "q", MAX_NAME)
        return cls(text, fold(text), parse_uuid(text), text if _ADDRESS.fullmatch(text) else "")


@dataclass(frozen=True)
class Hit:
    """One thing that was found."""

    name: Text
    detail: Text
    href: str
    icon: str


EXACT, BEGINS, HOLDS = range(3)
"""How well a name answers: the name itself, names that begin with what was typed, those that hold it."""


def rank(asked: Asked, name: Text) -> int:
    key = fold(str(name))
    return EXACT if key == asked.key else BEGINS if key.startswith(asked.key) else HOLDS


@dataclass(frozen=True)
class Group:
    """The hits of a kind; `more` leads to a list of all of them, `rank` is the best of their names."""

    label: Text
    hits: list[Hit]
    more: str = ""
    rank: int = HOLDS


Matches = Callable[[Asked], Q]


def _is_named(asked: Asked) -> Q:
    """Some tables have an index by the one key, some by the other."""
    return Q(name_key=asked.key, name_sort=sort_key(asked.text))


def _name_begins(asked: Asked) -> Q:
    return Q(name_key__startswith=asked.key)


@dataclass(frozen=True)
class Finder:
    """`view` is the name of the address of one such thing, `listed` that of their list; `closed` is
    the permission without which both are shut."""

    label: Text
    icon: str
    rows: Callable[[], QuerySet[Any]]
    view: str  # the name of the page of one, and of their list; empty where there is none
    listed: str
    matches: Matches
    detail: Callable[[Any], Text]
    operators: bool = False
    closed: str = ""
    exactly: Matches = _is_named
    begins: Matches = _name_begins

    def find(self, actor: Actor, asked: Asked, limit: int) -> Group:
        found = sorted(self._candidates(actor, asked, limit + 1), key=lambda row: _place(asked, row))
        opens = not self.closed or policy.somewhere(actor, self.closed)
        hits = [
            Hit(_name(row), self.detail(row), _href(self.view, row.uuid) if opens else "", self.icon)
            for row in found[:limit]
        ]
        more = _href(self.listed) if opens and len(found) > limit else ""
        best = min((rank(asked, hit.name) for hit in hits), default=HOLDS)
        return Group(self.label, hits, _narrowed(more, asked), best)

    def _candidates(self, actor: Actor, asked: Asked, most: int) -> QuerySet[Any]:
        """A few of those that are named so, a few whose names begin so, and the newest of all that match:
        each found by itself, so that the best are there however many match."""
        visible, matching = policy.visible(actor, self.rows()), self.matches(asked)
        ways = (
            visible.filter(self.exactly(asked)).order_by(),
            visible.filter(matching, self.begins(asked)).order_by(),
            visible.filter(matching).order_by("-pk"),
        )
        table = visible.model._base_manager
        first, *others = [table.filter(pk__in=way.values("pk")[:most]).values("pk") for way in ways]
        return self.rows().filter(pk__in=first.union(*others, all=True))


def _name(row: Model) -> str:
    return str(getattr(row, "name", "") or getattr(row, "username", ""))


def _place(asked: Asked, row: Model) -> tuple[int, str, int]:
    """The best first; among equals by name, then the newest."""
    return rank(asked, _name(row)), fold(_name(row)), -row.pk


def _href(view: str, *args: Any) -> str:
    """The page's address; empty for what has no page."""
    return reverse(f"portal:{view}", args=args) if view else ""


def _narrowed(href: str, asked: Asked) -> str:
    return f"{href}?{urlencode({'q': asked.text})}" if href else ""


def _named(*more: str) -> Matches:
    """By name, by public id, or by one of the columns that hold what was typed as it is."""

    def matches(asked: Asked) -> Q:
        if asked.uuid:
            return Q(uuid=asked.uuid)
        found = Q(name_key__contains=asked.key)
        for column in more:
            found |= Q(**{f"{column}__icontains": asked.text})
        return found

    return matches


def _machine(asked: Asked) -> Q:
    if asked.uuid:
        return Q(uuid=asked.uuid)
    named = ByName().lead("q", asked.key).matching
    if asked.address:
        nics = Nic.objects.filter(ip__address__startswith=asked.address).values("vm")
        return Q(pk__in=nics) | named
    return named


def _job(asked: Asked) -> Q:
    """By its own id or its object's, or by what its kind is called."""
    if asked.uuid:
        return Q(uuid=asked.uuid) | Q(target_uuid=asked.uuid)
    kinds = [
        kind.name for kind in all_kinds().values() if not kind.quiet and asked.key in fold(str(kind.label))
    ]
    return Q(kind__in=kinds) if kinds else Q(pk__in=[])


def _user(asked: Asked) -> Q:
    return Q(uuid=asked.uuid) if asked.uuid else Q(search_key__contains=asked.key)


FINDERS = (
    Finder(
        _("Virtual machines"),
        "display",
        lambda: VirtualMachine.objects.select_related("zone").defer("user_data"),
        "machine",
        "machines",
        _machine,
        lambda vm: vm.get_state_display(),
    ),
    Finder(
        _("Images"),
        "images",
        lambda: Template.objects.exclude(state=Template.State.DELETED),
        "template",
        "templates",
        _named(),
        lambda row: row.get_state_display(),
    ),
    Finder(
        _("SSH keys"),
        "key",
        SshKeyPair.objects.all,
        "ssh-key",
        "ssh-keys",
        _named("fingerprint"),
        lambda row: row.fingerprint,
    ),
    Finder(
        _("Directories"),
        "people",
        Directory.objects.all,
        "directory",
        "directories",
        _named(),
        lambda row: row.get_kind_display(),
        operators=True,
    ),
    Finder(
        _("Sizes"),
        "sliders",
        ServiceOffering.objects.all,
        "offering",
        "offerings",
        _named(),
        lambda row: f"{row.vcpus} vCPU, {mib(row.memory_mib)}",
        closed="service_offering.change",
    ),
    Finder(
        _("Zones"),
        "geo-alt",
        Zone.objects.all,
        "zone",
        "infrastructure",
        _named(),
        lambda row: "",
        closed="capacity.read",
    ),
    Finder(
        _("Pods"),
        "layers",
        Pod.objects.all,
        "pod",
        "infrastructure",
        _named("cidr"),
        lambda row: row.cidr,
        operators=True,
    ),
    Finder(
        _("Clusters"),
        "diagram-3",
        Cluster.objects.all,
        "cluster",
        "infrastructure",
        _named(),
        lambda row: row.get_hypervisor_display(),
        operators=True,
    ),
    Finder(
        _("Hosts"),
        "server",
        lambda: Host.objects.defer("private_key"),
        "host",
        "hosts",
        _named("address"),
        lambda row: row.get_state_display(),
        operators=True,
    ),
    Finder(
        _("Primary storage"),
        "hdd-stack",
        PrimaryStorage.objects.all,
        "primary-storage",
        "primary-storages",
        _named(),
        lambda row: row.path,
        operators=True,
    ),
    Finder(
        _("Accounts"),
        "people",
        Account.objects.all,
        "",
        "",
        _named(),
        lambda row: "",
    ),
    Finder(
        _("Users"),
        "person-circle",
        User.objects.all,
        "",
        "",
        _user,
        lambda row: row.full_name or row.email,
        operators=True,
        exactly=lambda asked: Q(username__iexact=asked.text),
        begins=lambda asked: Q(search_key__startswith=asked.key),
    ),
)


def find_jobs(actor: Actor, asked: Asked, limit: int) -> Group:
    found = policy.visible(actor, Job.objects.filter(_job(asked))).order_by("-id")
    labels = all_kinds()
    hits = [
        Hit(
            labels[job.kind].label,
            f"{job.target_name}: {job.get_state_display()}",
            _href("job", job.uuid),
            "activity",
        )
        for job in found[:limit]
        if job.kind in labels
    ]
    return Group(_("Jobs"), hits)


def find_all(actor: Actor, asked: Asked, limit: int) -> Iterable[Group]:
    """The groups in which something was found, those with the best names first."""
    found = [group for group in _groups(actor, asked, limit) if group.hits]
    return sorted(found, key=lambda group: group.rank)


def _groups(actor: Actor, asked: Asked, limit: int) -> Iterator[Group]:
    if not asked.key:
        return
    for finder in FINDERS:
        noun = policy.scope_of(finder.rows().model).noun
        if not finder.operators or policy.somewhere(actor, f"{noun}.read"):
            yield finder.find(actor, asked, limit)
        if finder is FINDERS[0]:
            yield find_jobs(actor, asked, limit)
