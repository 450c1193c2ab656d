"""What the libvirt driver does beyond the contract that all hypervisors share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from lxml import etree

from tests.drivers.libvirt.specs import parse
from tests.lab import Lab
from tests.lab.host import wait_for
from workers.drivers import connect
from workers.drivers.base import DiskSpec, HostAddress, MachineSpec, NicSpec, Power
from workers.drivers.errors import HypervisorRefused, ObjectMissing
from workers.drivers.libvirt.machine_xml import TAG_NAMESPACE

pytestmark = pytest.mark.lab
libvirt: Any = pytest.importorskip("libvirt")
hypervisor: Any = pytest.importorskip("workers.drivers.libvirt.hypervisor")
connection: Any = pytest.importorskip("workers.drivers.libvirt.connection")

GREETING = b"hello from the boot sector"


def talking_disk() -> bytes:
    """1 MiB whose boot sector writes GREETING to the first serial port and halts."""
    code = bytes.fromhex("31c08ed8be187cbaf803ac84c07403eeebf8f4ebfd").ljust(0x18, b"\x90")
    return ((code + GREETING + b"\0").ljust(510, b"\0") + b"\x55\xaa").ljust(2**20, b"\0")


@pytest.fixture
def driver(far: HostAddress) -> Any:
    return connect.hypervisor(far)


@pytest.fixture
def make(lab: Lab, driver: Any) -> Iterator[Callable[..., MachineSpec]]:
    """A machine's spec on a new empty disk; the machine is gone after the test."""
    made: list[UUID] = []

    def spec(**changes: object) -> MachineSpec:
        uuid = uuid4()
        made.append(uuid)
        disk = lab.shared / f"disk-{uuid}"
        disk.write_bytes(talking_disk())
        plain = MachineSpec(
            uuid=uuid,
            name=f"i-{uuid}",
            vcpus=1,
            memory_mib=64,
            disks=(DiskSpec(str(disk), format="raw"),),
            nics=(NicSpec("52:54:00:" + ":".join(f"{byte:02x}" for byte in uuid.bytes[:3]), "cpbr0"),),
        )
        return replace(plain, **changes)  # type: ignore[arg-type]

    yield spec
    for uuid in made:
        driver.destroy(uuid)
        driver.undefine(uuid)
        driver.remove_console_log(uuid)
        (lab.shared / f"disk-{uuid}").unlink()


def kept_xml(host: HostAddress, uuid: UUID) -> Any:
    text: str = connection.connection_to(host).call(
        lambda session: session.raw.lookupByUUIDString(str(uuid)).XMLDesc(0)
    )
    return parse(text)


def power_of(driver: Any, uuid: UUID) -> Power | None:
    return next((state.power for state in driver.states() if state.uuid == uuid), None)


def test_what_the_guest_writes_to_its_console_is_kept(driver: Any, make: Any) -> None:
    spec = make()
    driver.define(spec)
    driver.start(spec.uuid)
    wait_for("the greeting", lambda: GREETING in driver.console_log(spec.uuid), seconds=30)
    assert driver.console_log(spec.uuid, limit_bytes=6) == GREETING[-6:]
    driver.reset(spec.uuid)
    wait_for("a second one", lambda: driver.console_log(spec.uuid).count(GREETING) == 2, seconds=30)
    driver.destroy(spec.uuid)
    driver.undefine(spec.uuid)
    assert driver.console_log(spec.uuid).count(GREETING) == 2
    driver.remove_console_log(spec.uuid)
    driver.remove_console_log(spec.uuid)
    assert driver.console_log(spec.uuid) == b""


def test_a_console_log_goes_on_in_the_file_that_was_rotated_away(
    lab: Lab, driver: Any, make: Any, far: HostAddress
) -> None:
    spec = make()
    commands = connect.commands(far)
    log = f"{far.work_dir}/console/{spec.uuid}.log"
    driver.define(spec)
    commands.write_file(f"{log}.0", b"older lines\n")
    assert driver.console_log(spec.uuid) == b""
    commands.write_file(log, b"newer lines\n")
    assert driver.console_log(spec.uuid) == b"older lines\nnewer lines\n"
    assert driver.console_log(spec.uuid, limit_bytes=18) == b"lines\nnewer lines\n"


def test_one_call_reports_a_hundred_machines(
    driver: Any, far: HostAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[str] = Counter()
    session = connection.connection_to(far).call(lambda session: session)
    uuids = [uuid4() for _ in range(100)]
    for uuid in uuids:
        driver.define(MachineSpec(uuid, f"i-{uuid}", 1, 32, disks=(), nics=()))
    session.machines.clear()
    plain = {name: getattr(libvirt.libvirtmod, name) for name in dir(libvirt.libvirtmod)}
    try:
        for name, function in plain.items():
            if name.startswith(("virConnect", "virDomainGet", "virDomainLookup")) and "UUID" not in name:
                monkeypatch.setattr(libvirt.libvirtmod, name, counted(calls, name, function))
        assert {state.uuid for state in driver.states() if state.ours} >= set(uuids)
        assert calls.pop("virDomainGetMetadata") >= 100
        calls.clear()
        states = driver.states()
        assert {state.power for state in states if state.uuid in uuids} == {Power.OFF}
        calls.pop("virDomainGetName")
        assert calls == {"virConnectGetAllDomainStats": 1}
    finally:
        monkeypatch.undo()
        for uuid in uuids:
            driver.undefine(uuid)


def counted(calls: Counter[str], name: str, function: Any) -> Any:
    def wrapper(*arguments: Any) -> Any:
        calls[name] += 1
        return function(*arguments)

    return wrapper


def test_a_copy_made_by_hand_is_not_ours(driver: Any, make: Any, far: HostAddress) -> None:
    spec, other = make(), make()
    driver.define(spec)
    copy = kept_xml(far, spec.uuid)
    copy.find("uuid").text, copy.find("name").text = str(other.uuid), "a-copy"
    text = etree.tostring(copy, encoding="unicode")
    connection.connection_to(far).call(lambda session: session.raw.defineXML(text))
    ours = {state.uuid: state.ours for state in driver.states()}
    assert (ours[spec.uuid], ours[other.uuid]) == (True, False)


def test_a_machine_that_another_process_defined_is_ours(driver: Any, make: Any, far: HostAddress) -> None:
    spec = make()
    driver.define(spec)
    connection.connection_to(far).drop()
    assert {state.ours for state in driver.states() if state.uuid == spec.uuid} == {True}


def test_a_tag_is_kept_in_libvirts_metadata(driver: Any, make: Any, far: HostAddress) -> None:
    spec = make(title="a title")
    driver.define(spec)
    root = kept_xml(far, spec.uuid)
    assert root.find(f"metadata/{{{TAG_NAMESPACE}}}machine").get("uuid") == str(spec.uuid)
    assert root.findtext("title") == "a title"


def test_a_disk_bypasses_the_page_cache_where_the_file_system_can(
    lab: Lab, driver: Any, make: Any, far: HostAddress
) -> None:
    plain = make()
    driver.define(plain)
    direct = {"none" if _takes_direct_io(lab) else "writeback"}
    assert {driver_of.get("cache") for driver_of in kept_xml(far, plain.uuid).iter("driver")} == direct


def test_a_machine_starts_from_a_file_system_that_cannot(
    lab: Lab, driver: Any, make: Any, far: HostAddress
) -> None:
    folder = f"{lab.work}/tmpfs"
    lab.hosts[0].run(["mkdir", "-p", folder])
    lab.hosts[0].run(["mount", "-t", "ramfs", "ramfs", folder])
    try:
        connect.commands(far).write_file(f"{folder}/disk", talking_disk())
        spec = make(disks=(DiskSpec(f"{folder}/disk", format="raw"),))
        driver.define(spec)
        assert kept_xml(far, spec.uuid).find("devices/disk/driver").get("cache") == "writeback"
        driver.start(spec.uuid)
        assert power_of(driver, spec.uuid) is Power.RUNNING
        driver.destroy(spec.uuid)
    finally:
        lab.hosts[0].run(["umount", folder])


def _takes_direct_io(lab: Lab) -> bool:
    probe = lab.shared / "direct"
    probe.write_bytes(bytes(4096))
    read = ["dd", f"if={probe}", "of=/dev/null", "bs=4096", "count=1", "iflag=direct"]
    return lab.hosts[0].run(read, check=False).returncode == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"nics": (NicSpec("52:54:00:00:00:01", "nosuchbr0"),)}, HypervisorRefused),
        ({"disks": (DiskSpec("/nonexistent/disk"),)}, ObjectMissing),
        ({"memory_mib": 2**30}, HypervisorRefused),
    ],
)
def test_a_machine_that_cannot_start_says_why(
    driver: Any, make: Any, changes: dict[str, object], error: type[Exception]
) -> None:
    spec = make(**changes)
    driver.define(spec)
    with pytest.raises(error):
        driver.start(spec.uuid)
    assert power_of(driver, spec.uuid) is Power.OFF


@pytest.mark.parametrize(
    "changes", [{"name": "i-a/b"}, {"name": ""}, {"title": "two\nlines"}, {"nics": (NicSpec("x", "y"),)}]
)
def test_what_libvirt_does_not_take_is_refused(driver: Any, make: Any, changes: dict[str, object]) -> None:
    spec = make(**changes)
    with pytest.raises(HypervisorRefused):
        driver.define(spec)
    assert power_of(driver, spec.uuid) is None


def test_undefining_takes_saved_memory_and_snapshots_with_it(
    driver: Any, make: Any, far: HostAddress, lab: Lab
) -> None:
    spec = make()
    lab.hosts[0].run(["qemu-img", "create", "-q", "-f", "qcow2", spec.disks[0].path, "1M"])
    spec = replace(spec, disks=(DiskSpec(spec.disks[0].path),))
    driver.define(spec)
    driver.start(spec.uuid)
    lab.hosts[0].run(["virsh", "snapshot-create", str(spec.uuid)])
    lab.hosts[0].run(["virsh", "managedsave", str(spec.uuid)])
    driver.undefine(spec.uuid)
    assert power_of(driver, spec.uuid) is None


def test_the_screen_is_not_on_the_network(driver: Any, make: Any, far: HostAddress) -> None:
    spec = make()
    driver.define(spec)
    driver.start(spec.uuid)
    graphics = kept_xml(far, spec.uuid).find("devices/graphics")
    assert graphics.get("port") in (None, "-1")
    assert graphics.find("listen").get("type") == "socket"
    assert graphics.find("listen").get("socket").startswith("/")


def test_a_second_look_at_a_host_boots_nothing(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = driver.facts()
    monkeypatch.setattr(hypervisor.probe, "working_accelerators", None)
    assert driver.facts() == first
    assert first.accelerators[-1] == "tcg"


def test_memory_is_what_the_kernel_counts(driver: Any, lab: Lab) -> None:
    meminfo = lab.hosts[0].run(["cat", "/proc/meminfo"]).stdout
    assert driver.facts().memory_mib == int(meminfo.split()[1]) // 1024
