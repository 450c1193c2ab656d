"""The topics that a page may follow: an object ("vm:<uuid>"), or a list ("list:machines")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Model

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Directory
from apps.compute.models import ServiceOffering, SshKeyPair, VirtualMachine
from apps.core.errors import InvalidInput
from apps.jobs.changes import Change
from apps.jobs.events import target_type
from apps.jobs.models import Job
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template
from apps.zones.models import Cluster, Host, Pod, Region, Zone

MAX_TOPICS = 100
OBJECTS: dict[str, tuple[type[Model], str]] = {
    "vm": (VirtualMachine, "machines"),
    "job": (Job, "jobs"),
    "template": (Template, "templates"),
    "offering": (ServiceOffering, "offerings"),
    "ssh-key": (SshKeyPair, "ssh-keys"),
    "region": (Region, "regions"),
    "zone": (Zone, "zones"),
    "pod": (Pod, "pods"),
    "cluster": (Cluster, "clusters"),
    "host": (Host, "hosts"),
    "pool": (PrimaryStorage, "pools"),
    "secondary-storage": (SecondaryStorage, "secondary-storages"),
    "directory": (Directory, "directories"),
}
"""What stands before the colon -> the model, and the name of its list."""
LISTS = frozenset({"events", *(plural for _model, plural in OBJECTS.values())})
_BY_TYPE = {target_type(model()): (name, plural) for name, (model, plural) in OBJECTS.items()}


def parse(given: Iterable[str]) -> frozenset[str]:
    """The topics a page asks for; InvalidInput for what is none."""
    topics = frozenset(given)
    if not 1 <= len(topics) <= MAX_TOPICS:
        raise InvalidInput("out_of_range", place="topic", low=1, high=MAX_TOPICS)
    for topic in topics:
        what, _, which = topic.partition(":")
        if what == "list":
            if which not in LISTS:
                raise InvalidInput("not_a_choice", place="topic", known=", ".join(sorted(LISTS)))
        elif what not in OBJECTS:
            raise InvalidInput("not_a_choice", place="topic", known=", ".join(["list", *sorted(OBJECTS)]))
        elif uuid_of(topic) is None:
            raise InvalidInput("not_a_uuid", place="topic")
    return topics


def uuid_of(topic: str) -> UUID | None:
    """The object that the topic names, if it names one as addresses do."""
    text = topic.partition(":")[2]
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def visible(actor: Actor, topics: frozenset[str]) -> frozenset[str]:
    """Those of the topics that the actor may follow. What others own is left out without a word, as is
    what was never there: a stream says the same of both, nothing."""
    wanted: dict[str, list[UUID]] = defaultdict(list)
    for topic in topics:
        if uuid := uuid_of(topic):
            wanted[topic.partition(":")[0]].append(uuid)
    found = {topic for topic in topics if topic.startswith("list:")}
    for name, uuids in wanted.items():
        rows = policy.visible(actor, OBJECTS[name][0]._default_manager.filter(uuid__in=uuids))
        found.update(f"{name}:{uuid}" for uuid in rows.values_list("uuid", flat=True))
    return frozenset(found)


def objects_of(change: Change) -> set[str]:
    """The topics of the objects that a change is about."""
    topics = {f"job:{uuid}" for uuid in (change.job, change.parent) if uuid}
    named = _BY_TYPE.get(change.target_type)
    return topics | {f"{named[0]}:{change.target}"} if named and change.target else topics


def lists_of(change: Change) -> set[str]:
    """The topics of the lists that a change is seen in. A job's progress shows in the list of jobs only."""
    topics = {"list:events"} if change.event else {"list:jobs"}
    if change.event and change.job:
        topics.add("list:jobs")
    named = _BY_TYPE.get(change.target_type)
    if named and not change.progress:
        topics.add(f"list:{named[1]}")
    return topics
