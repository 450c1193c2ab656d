"""A planted secret is found nowhere but where it is sealed: not in the database, nor in any answer, log,
event, job or simulated host."""

from __future__ import annotations

import base64
import io
import logging
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from apps.accounts import secrets
from apps.accounts.actor import Actor
from apps.accounts.tokens import create_login_link
from apps.compute.models import VirtualMachine
from apps.zones.models import Host
from tests.api.jobs import settle
from tests.api.test_lifecycle import Site, simulator, site

__all__ = ["simulator", "site"]
SENTINEL = "sentinel-6f1d2c"
USER_DATA = f"#cloud-config\npassword: {SENTINEL}\n"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def private_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def database_text() -> str:
    """Every value of every table, as the database gives it."""
    lines = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            lines += [str(row) for row in cursor.fetchall()]
    return "\n".join(lines)


def sqlite_text(path: Path) -> str:
    """A database file with its log, as bytes."""
    parts = [path, path.with_name(f"{path.name}-wal")]
    return "".join(part.read_bytes().decode("latin-1") for part in parts if part.exists())


class Planted:
    """The secrets that a site holds, and every answer it gave while they were planted."""

    def __init__(self, site: Site) -> None:
        self.site, self.answers = site, list[str]()
        self.key = private_key()
        self.link = create_login_link(Actor.system("a test"), user=site.member.user)  # type: ignore[arg-type]
        host = {
            "name": "real",
            "cluster": site.made("clusters/", {"name": "kvm", "pod": site.pod["id"]})["id"],
            "address": "127.0.0.1",
            "port": 9,
            "private_key": self.key,
            "host_key": HOST_KEY,
        }
        self.ask("POST", "hosts/", host, operator=True)
        self.ask("POST", "virtual-machines/", site.wanted(user_data=USER_DATA), key="k1")
        self.ask("POST", "virtual-machines/", site.wanted(user_data=USER_DATA), key="k1")
        self.ask("POST", "virtual-machines/", site.wanted(name="\n", user_data=USER_DATA))
        self.ask("POST", "virtual-machines/", site.wanted(user_data=f"{SENTINEL}\n"))
        self.ask("POST", "virtual-machines/dry-run/", site.wanted(user_data=USER_DATA))
        settle()
        for path in ("hosts/", "virtual-machines/", "jobs/", "events/", "users/", "templates/", "me/"):
            self.ask("GET", path, operator=True)
        for noun in ("jobs", "events", "hosts", "virtual-machines"):
            for row in site.operator.get(f"{noun}/?limit=200").json()["results"]:
                self.ask("GET", f"{noun}/{row['id']}/", operator=True)

    def ask(self, method: str, path: str, body: Any = None, *, operator: bool = False, key: str = "") -> None:
        api = self.site.operator if operator else self.site.member
        headers = {"idempotency_key": key} if key else {}
        self.answers.append(api.send(method, path, body, **headers).content.decode())

    def needles(self) -> dict[str, str]:
        body = self.key.splitlines()[2]
        return {
            "user data": SENTINEL,
            "user data in base64": base64.b64encode(USER_DATA.encode()).decode()[:30],
            "private key": body[:40],
            "token": self.site.member.headers["Authorization"].removeprefix("Token "),
            "login link": self.link.partition("#")[2],
        }


def test_a_planted_secret_is_found_nowhere(
    site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        planted = Planted(site)
    streams = capfd.readouterr()
    haystacks = {
        "the database": database_text(),
        "answers": "\n".join(planted.answers),
        "logs": caplog.text + streams.out + streams.err,
        "the simulated hosts": sqlite_text(settings.VAR / "simulator.sqlite3"),
    }
    assert len(haystacks["answers"]) > 10_000
    found = [
        (what, where)
        for what, needle in planted.needles().items()
        for where, hay in haystacks.items()
        if needle in hay
    ]
    assert found == []


def test_what_is_sealed_opens_and_only_in_its_place(site: Site) -> None:
    planted = Planted(site)
    vm = VirtualMachine.objects.exclude(user_data="").order_by("pk").first()
    host = Host.objects.get(name="real")
    assert vm is not None
    assert secrets.unseal(VirtualMachine, vm.uuid, "user_data", vm.user_data) == USER_DATA
    assert secrets.unseal(Host, host.uuid, "private_key", host.private_key).split() == planted.key.split()
    with pytest.raises(secrets.SecretUnreadable):
        secrets.unseal(Host, host.uuid, "private_key", vm.user_data)


def test_the_harness_sees_a_leak(site: Site) -> None:
    """A planted fault: a secret that got into a job's arguments is reported."""
    Planted(site)
    jobs = apps.get_model("jobs", "Job")
    assert SENTINEL not in database_text()
    jobs.objects.filter(kind="vm.deploy").update(args={"user_data": USER_DATA})
    assert SENTINEL in database_text()


def test_a_rotation_reseals_everything_and_can_be_stopped_half_way(site: Site) -> None:
    Planted(site)
    before = set(Host.objects.exclude(private_key="").values_list("private_key", flat=True))
    ring = settings.KEYRING_PATH.read_text()
    try:
        secrets.add_active_key()
        assert secrets.forget_old_keys() == 0
        call_command("rotate_secrets", "--resume", "--forget", stdout=io.StringIO())
        after = set(Host.objects.exclude(private_key="").values_list("private_key", flat=True))
        assert not before & after
        for model, field in secrets.sealed_fields():
            for row in model._default_manager.exclude(**{field: ""}):
                assert secrets.is_current(getattr(row, field))
                assert secrets.unseal(model, row.uuid, field, getattr(row, field))  # type: ignore[attr-defined]
        assert secrets.reseal() == 0
        assert settings.KEYRING_PATH.stat().st_mode & 0o777 == 0o600
    finally:
        settings.KEYRING_PATH.write_text(ring)
