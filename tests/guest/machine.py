"""One guest under QEMU without libvirt, reachable over loopback only: for tests of guest images."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import paramiko

T = TypeVar("T")

MAC = "52:54:00:12:34:56"
ADDRESS, GATEWAY, DNS = "10.0.2.15", "10.0.2.2", "10.0.2.3"
"""What QEMU's user network gives by DHCP; it forwards to this address, so static ones must equal it."""


def wait_for(condition: Callable[[], T | None], what: str, seconds: float) -> T:
    """The first true value of `condition`; fails, naming `what`, after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class JsonSocket:
    """Lines of JSON over a unix socket: QMP, and the guest agent."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(seconds)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._lines = self._socket.makefile("rb")
        self.events: list[str] = []

    def send(self, command: str, **arguments: Any) -> None:
        message = {"execute": command, **({"arguments": arguments} if arguments else {})}
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise EOFError
        message: dict[str, Any] = json.loads(line.lstrip(b"\xff"))
        if "event" in message:
            self.events.append(message["event"])
        return message

    def call(self, command: str, **arguments: Any) -> Any:
        self.send(command, **arguments)
        while True:
            answer = self.receive()
            assert "error" not in answer, answer
            if "return" in answer:
                return answer["return"]

    def wait_for_event(self, name: str) -> None:
        while name not in self.events:
            self.receive()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@dataclass
class Machine:
    """A running guest. `image` is only read: the guest writes to an overlay in `folder`."""

    image: Path
    folder: Path
    seed: bytes | None
    memory_mib: int = 192
    more_nics: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.http_port, self.ssh_port = free_port(), free_port()
        self.overlay = self.folder / "disk.qcow2"
        if not self.overlay.exists():
            create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(self.image)]
            subprocess.run([*create, str(self.overlay)], check=True)
        self.log = self.folder / "console.log"
        self.log.unlink(missing_ok=True)
        self._errors = (self.folder / "qemu.log").open("w")
        self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stderr=self._errors)
        self.qmp = wait_for(lambda: self._connect("qmp"), "QEMU's monitor", 20)
        self.qmp.receive()
        self.qmp.call("qmp_capabilities")

    def _command(self) -> list[str]:
        forwards = f"hostfwd=tcp:127.0.0.1:{self.http_port}-:80,hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22"
        argv = ["qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-m", str(self.memory_mib)]
        argv += ["-display", "none", "-nodefaults", "-device", "VGA", "-device", "virtio-rng-pci"]
        argv += ["-drive", f"if=virtio,format=qcow2,file={self.overlay}"]
        if self.seed is not None:
            (self.folder / "seed.iso").write_bytes(self.seed)
            argv += ["-drive", f"if=virtio,format=raw,readonly=on,file={self.folder / 'seed.iso'}"]
        argv += ["-netdev", f"user,id=net0,restrict=on,{forwards}"]
        argv += ["-device", f"virtio-net-pci,netdev=net0,mac={MAC}"]
        for index, mac in enumerate(self.more_nics, 1):
            argv += ["-netdev", f"user,id=net{index},restrict=on"]
            argv += ["-device", f"virtio-net-pci,netdev=net{index},mac={mac}"]
        argv += ["-chardev", self._socket("console") + f",logfile={self.log}", "-serial", "chardev:console"]
        argv += ["-device", "virtio-serial", "-chardev", self._socket("agent")]
        argv += ["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]
        return [*argv, "-chardev", self._socket("qmp"), "-mon", "chardev=qmp,mode=control"]

    def _socket(self, name: str) -> str:
        return f"socket,id={name},path={self.folder / name},server=on,wait=off"

    def _connect(self, name: str) -> JsonSocket | None:
        assert self._process.poll() is None, (self.folder / "qemu.log").read_text()
        with contextlib.suppress(OSError):
            return JsonSocket(self.folder / name, seconds=60)
        return None

    def console(self) -> str:
        return self.log.read_text(errors="replace").replace("\r\n", "\n") if self.log.exists() else ""

    def wait_for_console(self, pattern: str, *, times: int = 1, seconds: float = 90) -> re.Match[str]:
        """Wait until `pattern` (multi-line) was seen `times` times; the last match."""

        def seen() -> list[re.Match[str]]:
            assert self._process.poll() is None, "the machine ended: " + self.console()[-2000:]
            found = list(re.finditer(pattern, self.console(), re.MULTILINE))
            return found if len(found) >= times else []

        return wait_for(seen, f"{pattern!r} on the console", seconds)[-1]

    def wait_until_ready(self, *, times: int = 1) -> re.Match[str]:
        return self.wait_for_console(r"^cloudportal guest ready: (\S+) (\S+) (\d+\.\d+)$", times=times)

    def page(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=20)
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        assert answer.status == 200
        return body

    def ssh(self, command: str, key: paramiko.PKey, *, user: str = "root") -> str:
        """What `command` prints; AssertionError if it fails, paramiko's errors if one is not let in."""
        with self.ssh_client(user, pkey=key) as client:
            _, out, err = client.exec_command(command, timeout=60)
            text = out.read().decode()
            assert out.channel.recv_exit_status() == 0, err.read().decode()
            return text

    @contextlib.contextmanager
    def ssh_client(self, user: str, **how: Any) -> Iterator[paramiko.SSHClient]:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_AcceptForNow())
        with socket.create_connection(("127.0.0.1", self.ssh_port), timeout=60) as connection:
            client.connect(
                *("127.0.0.1", self.ssh_port, user),
                **how,
                sock=connection,
                allow_agent=False,
                look_for_keys=False,
                banner_timeout=60,
                auth_timeout=60,
            )
            yield client
            client.close()

    def host_key(self) -> str:
        with socket.create_connection(("127.0.0.1", self.ssh_port), timeout=60) as connection:
            transport = paramiko.Transport(connection)
            transport.start_client(timeout=60)
            key = transport.get_remote_server_key().get_base64()
            transport.close()
            return key

    @contextlib.contextmanager
    def agent(self) -> Iterator[JsonSocket]:
        agent = wait_for(lambda: self._connect("agent"), "the agent's socket", 20)
        yield agent
        agent.close()

    @contextlib.contextmanager
    def terminal(self) -> Iterator[io.RawIOBase]:
        with socket.socket(socket.AF_UNIX) as terminal:
            terminal.settimeout(60)
            terminal.connect(str(self.folder / "console"))
            stream = socket.SocketIO(terminal, "rw")
            yield stream
            stream.close()

    def wait_until_off(self, seconds: float) -> float:
        """Seconds until QEMU ended by itself."""
        begin = time.monotonic()
        self._process.wait(timeout=seconds)
        return time.monotonic() - begin

    def close(self) -> None:
        self.qmp.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()


class _AcceptForNow(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, *_: object) -> None:
        """The guest made its host key moments ago; nobody knows it yet."""
