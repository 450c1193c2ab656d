"""The world as a value, and the operator's command line."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tests.drivers.simulator.conftest import Cloud
from workers.drivers import connect
from workers.drivers.base import Power
from workers.drivers.simulator.__main__ import main
from workers.drivers.simulator.control import PROFILES, Simulator
from workers.drivers.simulator.faults import VERBS


def test_a_world_equals_itself_after_everything_was_undone(cloud: Cloud) -> None:
    host = cloud.host()
    cloud.define(host)
    before = cloud.simulator.world()
    spec = cloud.running(host)
    connect.network(host).plug(spec.uuid, spec.nics[0])
    connect.commands(host).write_file("/tmp/note", b"x")
    connect.tasks(host).start("t", ["true"])
    during = cloud.simulator.world()
    connect.hypervisor(host).destroy(spec.uuid)
    connect.hypervisor(host).undefine(spec.uuid)
    connect.network(host).unplug(spec.uuid, spec.nics[0])
    connect.primary_storage(host, cloud.pool).delete(f"vol-{spec.uuid}")
    connect.commands(host).remove("/tmp/note")
    connect.tasks(host).forget("t")
    assert cloud.simulator.world() == before
    assert hash(cloud.simulator.world()) == hash(before)
    assert {line.split()[1] for line in before.difference(during)} == {
        *("machines", "volumes", "ports", "files", "tasks", "used_bytes")
    }
    assert {line[0] for line in before.difference(during)} == {"+", "-"}
    assert before.difference(before) == []


def test_a_changed_definition_is_a_changed_world(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.define(host)
    before = cloud.simulator.world()
    cloud.define(host, spec.uuid, vcpus=4)
    assert len(before.difference(cloud.simulator.world())) == 2


def test_a_copy_under_way_is_part_of_the_world(cloud: Cloud) -> None:
    cloud.simulator.set_durations(import_seconds=1000)
    host = cloud.host()
    connect.primary_storage(host, cloud.pool).import_image("copy", "/src", "tpl-a", 1)
    assert cloud.simulator.world().tasks == ((str(host.uuid), "copy"),)


def test_a_reset_world_is_empty_and_without_faults(cloud: Cloud) -> None:
    empty = cloud.simulator.world()
    host = cloud.host()
    cloud.running(host)
    cloud.simulator.use_profile("demo")
    cloud.simulator.order(error="HostBusy")
    cloud.simulator.set_reachable(host.uuid, False)
    cloud.simulator.reset()
    assert cloud.simulator.world() == empty
    assert connect.hypervisor(host).states() == []


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_profile_replaces_what_was_set_before(cloud: Cloud, name: str) -> None:
    cloud.simulator.set_latency("facts", 1)
    cloud.simulator.set_durations(boot_seconds=77)
    cloud.simulator.use_profile(name)
    with cloud.simulator._state.transaction(write=False) as tx:
        latency = dict(tx.execute("SELECT verb, seconds FROM latency"))
        assert tx.setting("boot_seconds") == PROFILES[name]["durations"].get("boot_seconds", 0)
    assert latency == PROFILES[name]["latency"]
    assert latency.keys() <= VERBS


def test_a_duration_that_does_not_exist_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match="boots_seconds"):
        cloud.simulator.set_durations(boots_seconds=1)
    with pytest.raises(ValueError, match="strat"):
        cloud.simulator.set_latency("strat", 1)


def test_the_command_line_acts_on_the_world(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    path, host = cloud.simulator.path, cloud.host()
    spec = cloud.running(host)
    assert main([path, "world"]) == 0
    assert str(spec.uuid) in capsys.readouterr().out
    assert main([path, "power-off", str(spec.uuid)]) == 0
    assert cloud.power(host, spec.uuid) is Power.OFF
    assert main([path, "deaf", str(spec.uuid)]) == 0
    connect.hypervisor(host).start(spec.uuid)
    connect.hypervisor(host).shutdown(spec.uuid)
    assert cloud.power(host, spec.uuid) is Power.RUNNING
    assert main([path, "crash", str(host.uuid)]) == 0
    assert cloud.power(host, spec.uuid) is Power.OFF
    assert main([path, "down", str(host.uuid)]) == 0
    assert main([path, "up", str(host.uuid)]) == 0
    assert cloud.power(host, spec.uuid) is Power.OFF


def test_the_command_line_orders_faults(cloud: Cloud) -> None:
    main([cloud.simulator.path, "fault", "start", "HostBusy", "--nth", "2", "--after"])
    ((order),) = cloud.simulator.orders()
    assert (order.verb, order.error, order.skip, order.moment) == ("start", "HostBusy", 1, "after")


def test_the_command_line_fails_where_harm_was_done(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([cloud.simulator.path, "violations"]) == 0
    host = cloud.host()
    cloud.define(host)
    connect.primary_storage(host, cloud.pool).delete("tpl-tiny")
    assert main([cloud.simulator.path, "violations"]) == 1
    assert "tpl-tiny" in capsys.readouterr().out


def test_the_command_line_names_an_unknown_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = str(uuid4())
    path = f"memory:{tmp_path}/cli"
    assert main([path, "power-off", machine]) == 2
    Simulator(path).forget()
    assert machine in capsys.readouterr().err
