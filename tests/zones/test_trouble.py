"""What is the matter with a host is told the same by the filter and by the host itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from apps.core.messages import host_trouble
from apps.core.words.hosts import HOST_TROUBLES
from apps.zones.models import Host
from apps.zones.trouble import in_trouble, troubles_of
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


@pytest.mark.parametrize("language", ["en", "el"])
def test_every_trouble_says_what_it_means_and_what_to_do(language: str) -> None:
    with translation.override(language):
        for code in HOST_TROUBLES:
            told = host_trouble(code)
            assert all((told.title, told.detail, told.remedy))
        assert host_trouble("pool_full").remedy
