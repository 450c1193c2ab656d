"""The lab's own promises: whoever builds on it must be able to trust a red test."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from tests.lab import Lab, LabError, LabHost, fixtures, network, programs
from tests.lab.host import wait_for

pytestmark = pytest.mark.lab


def test_each_host_is_a_machine_of_its_own(lab: Lab) -> None:
    uuids = {host.uuid for host in lab.hosts}
    keys = {host.host_key for host in lab.hosts}
    names = [host.run(["hostname"]).stdout.strip() for host in lab.hosts]
    assert len(uuids) == len(keys) == len(lab.hosts)
    assert names == [host.name for host in lab.hosts]


def test_libvirt_reports_the_uuid_the_lab_gave_the_host(lab: Lab) -> None:
    for host in lab.hosts:
        assert f"<uuid>{host.uuid}</uuid>" in host.run(["virsh", "capabilities"]).stdout


def test_the_shared_folder_is_one_and_the_work_folder_is_private(lab: Lab) -> None:
    (lab.shared / "seen-by-all").write_text("yes")
    lab.hosts[0].run(["touch", f"{lab.work}/mine"])
    for host in lab.hosts:
        assert host.run(["cat", f"{lab.shared}/seen-by-all"]).stdout == "yes"
    assert "mine" in lab.hosts[0].run(["ls", str(lab.work)]).stdout.split()
    assert "mine" not in lab.hosts[1].run(["ls", str(lab.work)]).stdout.split()
    assert list(lab.work.iterdir()) == []


def test_guests_of_different_hosts_share_one_flat_network_with_the_test_runner(lab: Lab) -> None:
    # Addresses that no machine of another test had: the runner remembers whose they were.
    first, second = (str(lab.guest_network[240 + number]) for number in (0, 1))
    try:
        for host, address in zip(lab.hosts, (first, second), strict=False):
            host.run(["ip", "address", "add", f"{address}/24", "dev", lab.guest_bridge])
        assert _greeting(lab.hosts[0], second).startswith("SSH-")
        with socket.create_connection((first, 22), timeout=5) as connection:
            assert connection.recv(4) == b"SSH-"
    finally:
        for host in lab.hosts[:2]:
            host.run(["ip", "address", "flush", "dev", lab.guest_bridge])


def _greeting(host: LabHost, address: str) -> str:
    script = f"import socket; print(socket.create_connection(('{address}', 22), 5).recv(20).decode())"
    return host.run([sys.executable, "-c", script]).stdout


def test_a_host_has_no_way_out(lab: Lab) -> None:
    routes = lab.hosts[0].run(["ip", "route"]).stdout
    assert "default" not in routes
    assert str(lab.management_network) in routes


def test_root_of_one_host_reaches_libvirt_of_another_for_migration(lab: Lab) -> None:
    remote = ["virsh", "-q", "-c", f"qemu+ssh://root@{lab.hosts[1].name}/system", "hostname"]
    assert lab.hosts[0].run(remote).stdout.strip() == lab.hosts[1].name


def test_a_paused_host_is_silent_and_runs_on(lab: Lab) -> None:
    host = lab.hosts[-1]
    init = host.init_pid()
    host.pause()
    try:
        with pytest.raises(OSError, match=r"timed out|No route"):
            socket.create_connection((host.address, 22), timeout=0.3)
    finally:
        host.revive()
    assert host.init_pid() == init


def test_a_killed_host_comes_back_as_the_same_machine(lab: Lab) -> None:
    host = lab.hosts[-1]
    host.run(["touch", f"{lab.work}/kept"])
    host.kill()
    assert host.init_pid() is None
    host.revive()
    assert "kept" in host.run(["ls", str(lab.work)]).stdout.split()
    assert f"<uuid>{host.uuid}</uuid>" in host.run(["virsh", "capabilities"]).stdout


def test_a_service_can_be_ended_and_started_again(lab: Lab) -> None:
    host = lab.hosts[-1]
    host.end_service("libvirtd")
    assert host.run(["virsh", "hostname"], check=False).returncode != 0
    host.start_service("libvirtd")
    assert host.run(["virsh", "-q", "hostname"]).stdout.strip() == host.name


def test_a_lab_whose_maker_was_killed_is_removed_by_down(tmp_path: Path) -> None:
    root = tmp_path / "orphan"
    script = (
        "import os, signal; from pathlib import Path; from tests.lab import Lab; "
        f"Lab(Path({str(root)!r}), 1).up(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    maker = subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2])
    assert maker.returncode == -signal.SIGKILL
    orphan = Lab(root)
    init = orphan.attach().hosts[0].init_pid()
    assert init is not None
    Lab(root).down()
    wait_for("init to end", lambda: not Path(f"/proc/{init}").exists(), seconds=5)
    assert not root.exists()
    assert not [name for name in network.namespaces() if name.startswith(orphan.prefix)]
    assert orphan.prefix not in network.ip("link", "show")


def test_two_labs_at_once_share_no_address(lab: Lab, tmp_path: Path) -> None:
    with Lab(tmp_path / "second", 1) as second:
        ours = {lab.management_network, lab.guest_network}
        theirs = {second.management_network, second.guest_network}
        assert not any(a.overlaps(b) for a in ours for b in theirs)
        assert second.hosts[0].run(["hostname"]).stdout.strip() == "kvm1"
    assert lab.hosts[0].run(["hostname"]).stdout.strip() == "kvm1"


def test_a_host_that_cannot_boot_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.lab.lab.MACHINE_SSHD_FOLDER", "/nowhere/at/all")
    lab = Lab(tmp_path / "broken", 1)
    with pytest.raises(LabError, match=r"died while it booted[\s\S]*mount point does not exist"):
        lab.up()
    assert not lab.root.exists()


def test_link_names_fit_the_kernel_and_ranges_avoid_every_route() -> None:
    wiring = network.Wiring("cl012345", *network._free_ranges(7, 2))
    assert len(f"{wiring.prefix}m") <= 15
    taken = network.ip("-4", "route", "show", "table", "all")
    assert not any(str(range_) in taken for range_ in (wiring.management, wiring.guest))
    assert wiring.management != wiring.guest
    assert wiring.management.subnet_of(ipaddress.IPv4Network("10.64.0.0/10"))


def test_a_missing_program_is_answered_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "SEARCH_PATH", "/nowhere")
    with pytest.raises(LabError, match=r"apt-get install --no-install-recommends -y .*libvirt-daemon-system"):
        programs.require()


def test_the_lab_refuses_to_start_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="as root"):
        programs.require()


def test_without_root_only_tests_of_the_lab_are_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Item:
        def __init__(self, *markers: str) -> None:
            self.markers = markers
            self.added: list[pytest.MarkDecorator] = []

        def get_closest_marker(self, name: str) -> str | None:
            return name if name in self.markers else None

        def add_marker(self, marker: pytest.MarkDecorator) -> None:
            self.added.append(marker)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    marked, plain = Item("lab"), Item()
    fixtures.pytest_collection_modifyitems(cast("list[pytest.Item]", [marked, plain]))
    assert [marker.name for marker in marked.added] == ["xdist_group", "skip"]
    assert [marker.name for marker in plain.added] == ["xdist_group"]
    assert marked.added[0].args != plain.added[0].args
