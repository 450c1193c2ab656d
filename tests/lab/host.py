"""One KVM host of a lab: how it boots, dies, is cut off and comes back."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.lab import boot, network
from tests.lab.programs import LabError, program

READY_SECONDS = 60.0


def wait_for(what: str, condition: Callable[[], bool], *, seconds: float) -> None:
    """Look until it holds; LabError naming `what` once the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise LabError(f"gave up after {seconds:g} s waiting for {what}")
        time.sleep(0.02)


@dataclass(slots=True)
class LabHost:
    """`folder` holds what is private to the host: its /etc/libvirt, logs, work folder, key."""

    number: int
    name: str
    uuid: str
    address: str
    namespace: str
    folder: Path
    host_key: str = ""
    _outer: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def boot(self) -> None:
        """Power on, without waiting: see `wait_ready`."""
        with (self.folder / "boot.log").open("ab") as log:
            self._outer = subprocess.Popen(
                [
                    *("ip", "netns", "exec", self.namespace),
                    *("unshare", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child"),
                    *(sys.executable, "-I", boot.__file__, str(self.folder / "boot.json")),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def init_pid(self) -> int | None:
        """The host's pid 1 as this machine numbers it; None while the host is off."""
        for pid in network.processes(self.namespace):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            numbers = fields["NSpid"].split()
            if len(numbers) == 2 and numbers[1] == "1":
                return pid
        return None

    def run(
        self, argv: Sequence[str], *, stdin: str = "", check: bool = True, seconds: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside the host, as root, not over the network."""
        pid = self.init_pid()
        if pid is None:
            raise LabError(f"{self.name} is off")
        done = subprocess.run(
            ["nsenter", "--target", str(pid), "--net", "--mount", "--uts", "--pid", "--", *argv],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        if check and done.returncode:
            raise LabError(f"{self.name}: {' '.join(argv)}: {done.stderr.strip()}")
        return done

    def seen(self, path: str) -> Path:
        """A path inside the running host, as this machine can open it."""
        return Path(f"/proc/{self.init_pid()}/root") / path.lstrip("/")

    def wait_ready(self, *, seconds: float = READY_SECONDS) -> None:
        """Return once sshd greets and libvirtd has probed its QEMU."""
        try:
            for service in boot.SERVICES:
                wait_for(f"{service} of {self.name}", partial(self._service_runs, service), seconds=seconds)
            wait_for(f"sshd of {self.name} to greet", self._sshd_greets, seconds=seconds)
            wait_for(f"libvirtd of {self.name} to answer", self._libvirtd_answers, seconds=seconds)
        except LabError as error:
            raise LabError(f"{error}\n{self._log_tail()}") from None

    def _sshd_greets(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _service_runs(self, service: str) -> bool:
        """Whether the service's pid file names a live process of the host."""
        if self._outer is not None and self._outer.poll() is not None:
            raise LabError(f"{self.name} died while it booted")
        try:
            pid = self.seen(f"/run/{service}.pid").read_text().strip()
        except FileNotFoundError:
            return False
        return bool(pid) and self.seen(f"/proc/{pid}").is_dir()

    def _libvirtd_answers(self) -> bool:
        virsh = ["virsh", "--quiet", "--connect", "qemu:///system", "domcapabilities", "--virttype", "qemu"]
        return self.run(virsh, check=False).returncode == 0

    def _log_tail(self) -> str:
        logs = [self.folder / "boot.log", *sorted((self.folder / "log").glob("*.log"))]
        return "\n".join(f"{log}:\n{log.read_text(errors='replace')[-2000:]}" for log in logs if log.exists())

    def pause(self) -> None:
        """Cut the host off both networks. It and its guests run on; packets vanish unanswered."""
        network.ip_batch(["link set eth0 down", "link set eth1 down"], namespace=self.namespace)

    def kill(self) -> None:
        """Pull the plug: the host and its guests are gone at once, nothing says goodbye."""
        self.pause()
        self.power_off()

    def power_off(self) -> None:
        """End every process of the host, by pid, and wait until none is left."""
        if (init := self.init_pid()) is not None:
            os.kill(init, signal.SIGKILL)
        if self._outer is not None:
            self._outer.wait(timeout=20)
            self._outer = None
        wait_for(f"the processes of {self.name} to end", self._empty, seconds=20)

    def _empty(self) -> bool:
        left = network.processes(self.namespace)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not left

    def revive(self) -> None:
        """Undo `pause` or `kill` (its disks are as they were, its guests are off) and wait."""
        network.ip_batch(["link set eth0 up", "link set eth1 up"], namespace=self.namespace)
        if self.init_pid() is None:
            self.boot()
        self.wait_ready()

    def end_service(self, service: str) -> None:
        """Kill one of `boot.SERVICES` (its open connections break); guests run on."""
        pid = self.seen(f"/run/{service}.pid").read_text().strip()
        self.run(["kill", "-KILL", pid])
        wait_for(f"{service} to end", lambda: not self._service_runs(service), seconds=10)

    def start_service(self, service: str) -> None:
        """Start what `end_service` ended, and wait until the host is whole."""
        self.run([program(service), *boot.SERVICES[service]])
        self.wait_ready()

    def record(self) -> dict[str, str | int]:
        """What `Lab.attach` needs to find this host again."""
        return {"number": self.number, "name": self.name, "uuid": self.uuid, "host_key": self.host_key}

    def write_boot_plan(self, binds: Sequence[tuple[Path, str]]) -> None:
        names = ("tini", *boot.SERVICES)
        plan = {
            "hostname": self.name,
            "binds": [[str(source), target] for source, target in binds],
            "programs": {name: program(name) for name in names},
        }
        (self.folder / "boot.json").write_text(json.dumps(plan))
