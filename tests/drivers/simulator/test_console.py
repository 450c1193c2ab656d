"""What a simulated guest says on its serial console."""

from __future__ import annotations

from tests.drivers.simulator.conftest import Cloud
from workers.drivers import connect
from workers.drivers.base import DiskSpec

SEED = b"\0" * 100 + b"instance-id: 1\nlocal-hostname: web-1\n" + b"\0" * 100


def test_the_last_line_says_who_is_up_and_where(cloud: Cloud) -> None:
    host = cloud.host()
    storage = connect.primary_storage(host, cloud.pool)
    storage.write_seed("seed-1", SEED)
    spec = cloud.define(host, disks=(DiskSpec(storage.path("seed-1"), "raw", read_only=True),))
    connect.hypervisor(host).start(spec.uuid)
    lines = connect.hypervisor(host).console_log(spec.uuid).decode().splitlines()
    assert lines[0].endswith("SMP PREEMPT_DYNAMIC")
    assert lines[-1] == "cloudportal guest ready: web-1 10.1.2.3 0.00"


def test_a_guest_without_a_seed_goes_by_its_machine_name(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    ready = f"cloudportal guest ready: {spec.name} 10.1.2.3 0.00"
    assert ready in connect.hypervisor(host).console_log(spec.uuid).decode()


def test_a_boot_is_written_line_by_line(cloud: Cloud) -> None:
    host = cloud.host()
    cloud.simulator.set_durations(boot_seconds=1000)
    spec = cloud.running(host)
    early = connect.hypervisor(host).console_log(spec.uuid)
    cloud.simulator.advance(600)
    later = connect.hypervisor(host).console_log(spec.uuid)
    assert later.startswith(early)
    assert len(later) > len(early) > 0
    assert b"guest ready" not in later
    cloud.simulator.advance(401)
    assert b"guest ready" in connect.hypervisor(host).console_log(spec.uuid)


def test_a_machine_started_paused_is_silent_until_it_runs(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.define(host)
    hypervisor = connect.hypervisor(host)
    hypervisor.start(spec.uuid, paused=True)
    assert hypervisor.console_log(spec.uuid) == b""
    hypervisor.start(spec.uuid)
    assert hypervisor.console_log(spec.uuid).count(b"guest ready") == 1


def test_each_boot_is_added_to_the_log(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    hypervisor = connect.hypervisor(host)
    hypervisor.reset(spec.uuid)
    hypervisor.destroy(spec.uuid)
    hypervisor.start(spec.uuid)
    assert hypervisor.console_log(spec.uuid).count(b"guest ready") == 3


def test_a_log_can_be_removed_for_good(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    hypervisor = connect.hypervisor(host)
    hypervisor.destroy(spec.uuid)
    hypervisor.undefine(spec.uuid)
    assert b"guest ready" in hypervisor.console_log(spec.uuid)
    hypervisor.remove_console_log(spec.uuid)
    assert hypervisor.console_log(spec.uuid) == b""


def test_a_seed_is_not_kept_in_the_world(cloud: Cloud) -> None:
    storage = connect.primary_storage(cloud.host(), cloud.pool)
    storage.write_seed("seed-1", SEED + b"password: sentinel")
    ((_, name, size, digest),) = cloud.simulator.world().seeds
    assert (name, size) == ("seed-1", len(SEED) + 18)
    assert digest != ""
    assert "sentinel" not in cloud.simulator.world().describe()
