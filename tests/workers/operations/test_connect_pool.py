"""A pool that a host does not reach is told by its name and place."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from apps.core.messages import explain
from apps.storage.models import PrimaryStorage
from apps.zones.models import Host
from tests import factories
from workers.drivers.errors import CommandFailed, DriverError, HostUnreachable, ObjectMissing
from workers.operations.storage.connect_primary_storage import facts_of, record_facts


@pytest.mark.parametrize(
    ("error", "server", "words"),
    [
        (ObjectMissing("stat: no such file"), "", "no folder /srv/p, where the primary storage Fast"),
        (CommandFailed("mount: refused"), "nas", "does not reach the primary storage Fast (nas:/srv/p)"),
        (HostUnreachable("no route"), "", "did not answer over the network"),
    ],
)
def test_why_a_pool_is_not_read_names_it(error: DriverError, server: str, words: str) -> None:
    world: Any = mock.Mock()
    world.storage.return_value.facts.side_effect = error
    with pytest.raises(DriverError) as caught:
        facts_of(world, Host(), PrimaryStorage(name="Fast", path="/srv/p", server=server))
    assert words in explain(caught.value.code, caught.value.params).detail


@pytest.mark.django_db
@pytest.mark.databases
def test_a_pool_promises_by_the_overprovisioning_that_it_has_when_its_size_is_read() -> None:
    factories.make_zone(hosts=1)
    pool = PrimaryStorage.objects.get()
    PrimaryStorage.objects.update(overprovision_percent=300)
    record_facts(pool, {"capacity_bytes": 2 * 1024**3 - 1, "used_bytes": 5})
    pool.refresh_from_db()
    assert (pool.promised_bytes, pool.used_bytes) == (6 * 1024**3 - 3, 5)
    record_facts(pool, {"capacity_bytes": 1024**5, "used_bytes": 5})
    pool.refresh_from_db()
    assert pool.promised_bytes == 3 * 1024**5
