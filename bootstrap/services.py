"""Steps that make a portal of the software: secrets, database, processes."""

from __future__ import annotations

import hashlib
import time
import urllib.error
import urllib.request

from bootstrap import libvirtd
from bootstrap.context import Context
from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation, is_free
from bootstrap.steps import Step
from bootstrap.terminal import Heartbeat, tail

ANSWER_SECONDS = 60.0
HEALTH_PATH = "/"


class Settings(Step):
    key = "settings"
    title = "Settings and secrets"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._files = [
            context.installation.secrets / name for name in ("django.key", "keyring.json", "portal_ed25519")
        ]

    def needed(self) -> str | None:
        return (
            None if all(path.exists() for path in self._files) else "create keys that only this machine has"
        )

    def do(self) -> None:
        self._context.portal.manage("init_secrets", what="creating keys")

    def prove(self) -> str:
        for path in self._files:
            if not path.exists():
                raise CheckFailed(
                    f"{path} is missing", repair=self._context.portal.command_line("init_secrets")
                )
            if path.stat().st_mode & 0o077:
                raise CheckFailed(f"{path} can be read by others", repair=f"chmod 600 {path}")
        return str(self._context.installation.secrets)


class StaticFiles(Step):
    """Collected under names that change with their content, and compressed: browsers keep them for good."""

    key = "static"
    title = "Files for browsers"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._source = context.installation.root / "static"
        self._record = context.installation.var / "static" / ".collected"

    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(path for path in self._source.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(self._source)}\0".encode() + path.read_bytes())
        return digest.hexdigest()

    def needed(self) -> str | None:
        recorded = self._record.read_text() if self._record.exists() else ""
        return None if recorded == self._fingerprint() else "collect and compress them"

    def do(self) -> None:
        never_asked_for = ["--ignore", "vendor/icons/*", "--ignore", "rest_framework/*", "--ignore", ".*"]
        self._context.portal.manage(
            "collectstatic", "--no-input", *never_asked_for, what="collecting files for browsers"
        )
        self._record.write_text(self._fingerprint())

    def prove(self) -> str:
        if not (self._record.parent / "staticfiles.json").exists():
            raise CheckFailed(
                f"{self._record.parent}/staticfiles.json is missing",
                repair=self._context.portal.command_line("collectstatic", "--no-input"),
            )
        return str(self._record.parent)


class Database(Step):
    key = "database"
    title = "Database"

    def __init__(self, context: Context) -> None:
        self._context = context

    def needed(self) -> str | None:
        context = self._context
        if context.python.missing(["base"]) or not (context.installation.secrets / "keyring.json").exists():
            return "create it"
        if not context.installation.memory.code:
            return "create it"
        if context.installation.memory.code != context.portal.fingerprint():
            return "bring it to this version"
        return None if context.portal.agrees("migrate", "--check") else "bring it to this version"

    def do(self) -> None:
        self._context.portal.manage("migrate", "--no-input", what="creating tables")
        self._context.portal.manage("init_secrets", what="trying the key ring on what is sealed")
        self._context.portal.manage("init_cloud", what="creating the first rows")

    def prove(self) -> str:
        url = self._context.installation.database_url
        return url.partition("://")[0] if url else str(self._context.installation.var / "db.sqlite3")


class Processes(Step):
    key = "processes"
    title = "Processes"

    def __init__(self, context: Context) -> None:
        self._context = context

    def needed(self) -> str | None:
        context = self._context
        if not context.supervisor.is_running():
            return "start the portal, its workers and what they need"
        self._choose_daemons()
        if context.supervisor.differs(context.portal.programs()):
            return "start them with what changed"
        if context.installation.memory.code != context.portal.fingerprint():
            return "restart them: the code or its settings changed"
        if any(row.state != "RUNNING" for row in context.supervisor.statuses()):
            return "wait for those that are not up"
        return None

    def _choose_daemons(self) -> None:
        memory = self._context.installation.memory
        if memory.kind == "kvm":
            supervised = self._context.supervisor.is_running()
            memory.own_daemons = libvirtd.wanted_daemons(memory.own_daemons, supervised=supervised)

    def do(self) -> None:
        context = self._context
        installation = context.installation
        if installation.memory.kind == "kvm":
            libvirtd.start_by_systemd(installation.log / "install.log")
        self._choose_daemons()
        if not context.supervisor.is_running():
            if not installation.memory.code:  # nobody knows its address yet, and minutes have passed
                installation.choose_ports(anew=True)
            self._check_ports()
        if installation.own_redis:
            context.portal.write_redis_configuration()
        context.portal.require_executable()
        if context.supervisor.differs(context.portal.programs()) or self._code_changed():
            context.supervisor.start(context.portal.programs())
        installation.memory.code = context.portal.fingerprint()
        installation.save()

    def _code_changed(self) -> bool:
        return self._context.installation.memory.code != self._context.portal.fingerprint()

    def _check_ports(self) -> None:
        installation = self._context.installation
        ports = [installation.memory.port] + (
            [installation.memory.redis_port] if installation.own_redis else []
        )
        for port in [*ports, *installation.memory.campus_ports]:
            if not is_free(port):
                raise CheckFailed(
                    f"port {port} is taken by another program",
                    repair=f"ss -ltnp 'sport = :{port}'; PORT=9000 make up  (or: PORT=9000 make demo)",
                )

    def prove(self) -> str:
        self._context.supervisor.await_running()
        await_answer(self._context.installation)
        if self._context.installation.memory.kind == "kvm":
            libvirtd.prove()
        return ", ".join(row.name for row in self._context.supervisor.statuses())


def await_answer(
    installation: Installation, *, path: str = HEALTH_PATH, seconds: float = ANSWER_SECONDS
) -> None:
    """Wait until the portal answers with 200."""
    url, log = installation.url + path, installation.log / "web-0.log"
    limit = time.monotonic() + seconds
    with Heartbeat(f"waiting for {url}"):
        while True:
            try:
                request = urllib.request.Request(url, headers=installation.headers)  # noqa: S310 - our own portal
                with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                    if answer.status == 200:
                        return
                    said = str(answer.status)
            except (urllib.error.URLError, OSError) as error:
                said = str(error)
            if time.monotonic() > limit:
                raise CheckFailed(f"{url} does not answer: {said}", repair="make logs", details=tail(log))
            time.sleep(0.1)
