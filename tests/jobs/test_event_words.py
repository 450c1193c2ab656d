"""Every kind of event that the tree records says in words what was done."""

from __future__ import annotations

import re

from django.apps import apps as registry

from apps.compute.verbs import VERBS
from apps.core.words.events import EVENTS
from apps.jobs.events import event_label
from apps.jobs.kinds import all_kinds
from tests.architecture.tree import ROOT

RECORDED = re.compile(r'(?:events|audit)\.record\(\s*[\w.]+(?:\([\w.]*\))?,\s*"([a-z_.]+)"')
SWITCHED = ("zone", "pod", "cluster", "host", "primary_storage", "secondary_storage", "service_offering")
CHANGED = ("region", "zone", "cluster")


def recorded() -> set[str]:
    texts = [path.read_text() for folder in ("apps", "workers") for path in (ROOT / folder).rglob("*.py")]
    found = {kind for text in texts for kind in RECORDED.findall(text)}
    found |= {f"{noun}.{verb}" for noun in SWITCHED for verb in ("enable", "disable")}
    return found | {f"{noun}.{verb}" for noun in CHANGED for verb in ("change", "remove")}


def test_every_recorded_kind_has_words() -> None:
    assert registry.ready
    found = recorded()
    assert {"login_link.redeem", "zone.disable", "host.disconnect"} <= found
    assert [kind for kind in sorted(found) if event_label(kind) == kind] == []


def test_words_are_of_no_job_or_verb_that_says_it_already() -> None:
    assert set(EVENTS) & (set(all_kinds()) | set(VERBS)) == set()
