"""What is the matter with a host is told the same by the filter and by the host itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from apps.core.messages import host_trouble
from apps.core.words.hosts import HOST_TROUBLES
from apps.zones.models import Host
from apps.zones.trouble import count_troubles, has_trouble, in_trouble, troubles_of
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
LONG_AGO = timedelta(hours=1)


@pytest.mark.parametrize(
    ("columns", "codes"),
    [
        ({}, []),
        ({"state": "Connecting"}, []),
        ({"last_seen_at": timedelta(seconds=5)}, []),
        ({"last_seen_at": LONG_AGO}, ["host_sync_stale"]),
        ({"state": "Connecting", "last_seen_at": LONG_AGO}, []),
        ({"state": "Disconnected", "state_reason": "host_timeout"}, ["host_timeout"]),
        ({"state": "Disconnected", "last_seen_at": LONG_AGO}, ["host_unreachable"]),
        ({"state": "Alert", "state_reason": "wrong_arch"}, ["wrong_arch"]),
        ({"enabled": False}, ["host_disabled"]),
        ({"allocated_vcpus": 33}, ["host_overfull"]),
        ({"allocated_memory_mib": 70000, "enabled": False}, ["host_overfull", "host_disabled"]),
    ],
)
def test_each_trouble_is_seen_by_both(columns: dict[str, Any], codes: list[str]) -> None:
    now = timezone.now()
    factories.make_zone()
    if "last_seen_at" in columns:
        columns = columns | {"last_seen_at": now - columns["last_seen_at"]}
    Host.objects.update(**columns)
    assert troubles_of(Host.objects.get(), now) == codes
    assert Host.objects.filter(in_trouble(now)).exists() == bool(codes)
    assert Host.objects.exclude(in_trouble(now)).exists() == (not codes)
    assert Host.objects.filter(~in_trouble(now)).exists() == (not codes)
    assert [one.code for one in count_troubles(now)] == codes
    found = [code for code in HOST_TROUBLES if Host.objects.filter(has_trouble(code, now)).exists()]
    assert set(found) == set(codes)


def test_troubles_are_counted_over_all_hosts_the_most_frequent_first() -> None:
    factories.make_zone(hosts=6)
    keys = list(Host.objects.order_by("pk").values_list("pk", flat=True))
    Host.objects.filter(pk__in=keys[:1]).update(state="Alert", state_reason="wrong_arch")
    Host.objects.filter(pk__in=keys[1:3]).update(state="Disconnected")
    Host.objects.filter(pk__in=keys[3:4]).update(state="Disconnected", state_reason="host_unreachable")
    Host.objects.filter(pk__in=keys[3:5]).update(enabled=False)
    assert [(one.code, one.hosts) for one in count_troubles()] == [
        ("host_unreachable", 3),
        ("wrong_arch", 1),
        ("host_disabled", 2),
    ]
    assert count_troubles()[1].one == keys[0]


@pytest.mark.parametrize("language", ["en", "el"])
def test_every_trouble_says_what_it_means_and_what_to_do(language: str) -> None:
    with translation.override(language):
        for code in HOST_TROUBLES:
            told = host_trouble(code)
            assert all((told.title, told.detail, told.remedy))
        assert host_trouble("pool_full").remedy
