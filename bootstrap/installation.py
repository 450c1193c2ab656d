"""One installation: its folders, and what it remembers between commands."""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from bootstrap.failures import CheckFailed

Kind = Literal["kvm", "simulator"]

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
REMEMBERED = ("BIND", "PORT", "DATABASE_URL", "EMAIL_URL", "REDIS_URL")
LOOPBACK = ("127.0.0.1", "localhost")
OWN_NAMES = frozenset(
    {
        "campus",
        "demo",
        "docs",
        "locale",
        "log",
        "run",
        "secrets",
        "simulated",
        "static",
        "uploads",
        "db.sqlite3",
        "up.json",
    }
)
LONGEST_SOCKET_PATH = 100
"""Linux allows 107 bytes for a socket's path."""


@dataclass
class Memory:
    """What an installation remembers, in site.json (0600). `environment` holds the variables it
    was given; they stay until given again, and an empty value forgets one. `stopped`: by `make down`."""

    kind: Kind = "kvm"
    name: str = field(default_factory=lambda: secrets.token_hex(3))
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    redis_port: int = 0
    campus_ports: list[int] = field(default_factory=list)
    own_daemons: list[str] = field(default_factory=list)
    bridge: str = ""
    subnet: str = ""
    code: str = ""
    stopped: bool = False


class Installation:
    """The folders of one installation below `var`, with its memory."""

    def __init__(self, root: Path, var: Path) -> None:
        self.root = root
        self.var = var
        self.log = var / "log"
        self.run = var / "run"
        self.secrets = var / "secrets"
        self.uploads = var / "uploads"
        self.campus = var / "campus"
        self.cache = root / "var" / "cache"
        self.up_file = var / "up.json"
        self._file = var / "site.json"
        self.memory = self._read()

    @property
    def exists(self) -> bool:
        return self._file.exists()

    @staticmethod
    def is_anothers(var: Path) -> bool:
        """Whether there is one that we may not read: root's, looked at by somebody else."""
        file = var / "site.json"
        return file.exists() and not os.access(file, os.R_OK)

    @property
    def storage(self) -> Path:
        """Where disks live: outside of the checkout, whose parents QEMU's user may not enter."""
        return Path("/var/lib/cloudportal") / self.memory.name

    @property
    def socket(self) -> Path:
        """The supervisor's socket; in a short place of its own where the checkout's path is too long."""
        usual = self.run / "supervisor.sock"
        if len(os.fsencode(usual)) <= LONGEST_SOCKET_PATH:
            return usual
        return Path(f"/tmp/cloudportal-{os.geteuid()}-{self.memory.name}") / "supervisor.sock"  # noqa: S108 - made 0700

    def _read(self) -> Memory:
        try:
            return Memory(**json.loads(self._file.read_text()))
        except FileNotFoundError:
            return Memory()
        except (json.JSONDecodeError, TypeError) as error:
            raise CheckFailed(
                f"{self._file} cannot be read: {error}",
                repair="PURGE=1 make down  (removes this installation)",
            ) from error

    def create(self) -> None:
        """Make the folders; what lies in them is for their owner only. CheckFailed if the folder holds
        something else: one day it is removed with all that is in it."""
        self._refuse_foreign_folder()
        self.var.mkdir(parents=True, exist_ok=True)
        self.var.chmod(0o700)
        for folder in (self.log, self.run, self.secrets, self.uploads):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
        if self.socket.parent != self.run:
            self.socket.parent.mkdir(mode=0o700, exist_ok=True)
            if self.socket.parent.stat().st_uid != os.geteuid():
                raise CheckFailed(f"{self.socket.parent} is not ours", repair=f"rm -r {self.socket.parent}")

    def _refuse_foreign_folder(self) -> None:
        usual = self.root / "var"
        if self.exists or not self.var.is_dir() or usual in (self.var, *self.var.parents):
            return
        foreign = sorted(path.name for path in self.var.iterdir() if path.name not in OWN_NAMES)
        if foreign:
            raise CheckFailed(
                f"{self.var} holds something else: {', '.join(foreign[:3])}",
                repair="CLOUDPORTAL_VAR=/srv/cloudportal make up  (a folder of its own)",
            )

    def save(self) -> None:
        write_private(self._file, json.dumps(asdict(self.memory), indent=1) + "\n")

    def remember_environment(self, given: Mapping[str, str]) -> None:
        """Keep what this call was given; the bind address must come with the names people use."""
        kept = self.memory.environment
        for name, value in given.items():
            if name in REMEMBERED or name.startswith("CLOUDPORTAL_"):
                if name == "CLOUDPORTAL_VAR":
                    continue
                if value:
                    kept[name] = value
                else:
                    kept.pop(name, None)
        if ":" in self.bind:
            raise CheckFailed(
                f"the portal cannot listen on {self.bind}: IPv6 takes a proxy in front of it",
                repair="BIND=127.0.0.1 make up",
            )
        if self.bind not in LOOPBACK and "CLOUDPORTAL_HOSTS" not in kept:
            raise CheckFailed(
                f"the portal is to listen on {self.bind}, but answers only to names it knows",
                repair=f"CLOUDPORTAL_HOSTS=portal.example.org BIND={self.bind} make up",
            )

    @property
    def bind(self) -> str:
        return self.memory.environment.get("BIND", "127.0.0.1")

    @property
    def database_url(self) -> str:
        return self.memory.environment.get("DATABASE_URL", "")

    @property
    def url(self) -> str:
        """Where the installer itself reaches the portal."""
        host = "127.0.0.1" if self.bind == "0.0.0.0" else self.bind  # noqa: S104 - a comparison
        return f"http://{host}:{self.memory.port}"

    @property
    def names(self) -> list[str]:
        """The names that people use, besides loopback."""
        return [name for name in self.memory.environment.get("CLOUDPORTAL_HOSTS", "").split(",") if name]

    @property
    def is_behind_tls(self) -> bool:
        return self.memory.environment.get("CLOUDPORTAL_SECURE") == "1"

    @property
    def headers(self) -> dict[str, str]:
        """What the installer's own requests need besides: behind TLS, to look as if from the proxy."""
        return {"X-Forwarded-Proto": "https"} if self.is_behind_tls else {}

    @property
    def public_url(self) -> str:
        """Where people reach the portal: by its first name, through the proxy if there is one."""
        name = self.names[0].lstrip(".") if self.names else ""
        if self.is_behind_tls:
            return f"https://{name or 'localhost'}"
        return f"http://{name}:{self.memory.port}" if name and self.bind not in LOOPBACK else self.url

    def redis_url(self) -> str:
        """The broker's address: the given one, or our own Redis with its password."""
        if given := self.memory.environment.get("REDIS_URL"):
            return given
        return f"redis://:{self.redis_password()}@127.0.0.1:{self.memory.redis_port}/0"

    @property
    def own_redis(self) -> bool:
        return "REDIS_URL" not in self.memory.environment

    @property
    def campus_uris(self) -> tuple[str, str]:
        """Where the demo campus' directory listens: LDAPS, and LDAP for StartTLS."""
        plain, encrypted = self.memory.campus_ports
        return f"ldaps://127.0.0.1:{encrypted}", f"ldap://127.0.0.1:{plain}"

    def redis_password(self) -> str:
        path = self.secrets / "redis.password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    def environment(self) -> dict[str, str]:
        """The whole environment of the portal's processes: nothing leaks in from the caller's shell."""
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        given = {
            name: value for name, value in self.memory.environment.items() if name not in {"BIND", "PORT"}
        }
        return {
            "LANG": "C.UTF-8",
            **passed,
            "PYTHONUNBUFFERED": "1",
            "CLOUDPORTAL_UPLOADS": str(self.uploads),
            **given,
            "CLOUDPORTAL_HOSTS": ",".join([*self.names, "127.0.0.1", "localhost", "[::1]"]),
            "CLOUDPORTAL_VAR": str(self.var),
            "REDIS_URL": self.redis_url(),
        }

    def choose_ports(self, *, anew: bool = False) -> None:
        """Fix the portal's and Redis' ports once: the asked one, else the next free one. `anew`: those
        chosen before may be taken by now."""
        if anew:
            self.memory.port = self.memory.redis_port = 0
        asked = self.memory.environment.get("PORT")
        if asked:
            self.memory.port = int(asked)
        elif not self.memory.port:
            self.memory.port = free_port(8000)
        if self.own_redis and not self.memory.redis_port:
            self.memory.redis_port = free_port(6390)


def free_port(first: int) -> int:
    """The first loopback port from `first` on that nobody listens on."""
    for port in range(first, first + 200):
        if is_free(port):
            return port
    raise CheckFailed(f"no free port from {first} to {first + 199}", repair="PORT=9000 make up")


def some_free_port(first: int) -> int:
    """A free port from a random start in the thousand after `first`: runs side by side seldom meet."""
    return free_port(first + random.randrange(1000))  # noqa: S311 - nothing is kept secret by it


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    temporary.chmod(0o600)
    temporary.rename(path)
