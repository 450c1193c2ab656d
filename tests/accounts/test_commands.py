"""The commands that an installer runs: each may be run again."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.accounts import secrets
from apps.accounts.models import Domain, Quota, Role, User
from apps.accounts.roles.ready import READY
from apps.accounts.tokens import redeem_login_link, user_of_token
from apps.compute.models import ServiceOffering
from apps.zones.models import Host
from tests import factories


def run(*argv: str) -> str:
    out = io.StringIO()
    call_command(*argv, stdout=out)
    return out.getvalue().strip()


@pytest.mark.django_db
def test_init_secrets_makes_private_files_once(settings: Any, tmp_path: Path) -> None:
    settings.SECRETS = tmp_path / "secrets"
    settings.KEYRING_PATH = settings.SECRETS / "keyring.json"
    settings.PORTAL_KEY_PATH = settings.SECRETS / "portal_ed25519"
    run("init_secrets")
    files = {path.name: path.read_text() for path in settings.SECRETS.iterdir()}
    assert set(files) == {"django.key", "keyring.json", "portal_ed25519", "portal_ed25519.pub"}
    assert files["portal_ed25519.pub"].startswith("ssh-ed25519 ")
    assert settings.SECRETS.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in settings.SECRETS.iterdir()} == {0o600}
    assert run("init_secrets").count("there already") == 3
    assert files == {path.name: path.read_text() for path in settings.SECRETS.iterdir()}


@pytest.mark.django_db
def test_a_lost_key_ring_is_not_replaced_while_something_is_sealed_by_it(
    settings: Any, tmp_path: Path
) -> None:
    settings.SECRETS = tmp_path / "secrets"
    settings.KEYRING_PATH = settings.SECRETS / "keyring.json"
    settings.PORTAL_KEY_PATH = settings.SECRETS / "portal_ed25519"
    run("init_secrets")
    factories.make_zone()
    host = Host.objects.get()
    Host.objects.update(private_key=secrets.seal(Host, host.uuid, "private_key", "a key"))
    assert "there already" in run("init_secrets")
    kept = settings.KEYRING_PATH.read_text()
    settings.KEYRING_PATH.unlink()
    with pytest.raises(CommandError, match="put it back from its backup"):
        run("init_secrets")
    assert not settings.KEYRING_PATH.exists()
    secrets.create_keyring(settings.KEYRING_PATH)
    with pytest.raises(CommandError, match=r"does not open zones_host\.private_key"):
        run("init_secrets")
    settings.KEYRING_PATH.unlink()
    settings.KEYRING_PATH.touch(0o600)
    settings.KEYRING_PATH.write_text(kept)
    run("init_secrets")


@pytest.mark.django_db
def test_no_key_is_forgotten_by_a_database_that_holds_nothing_sealed(settings: Any, tmp_path: Path) -> None:
    """It is more likely the wrong database than one without secrets."""
    settings.SECRETS = tmp_path / "secrets"
    settings.KEYRING_PATH = settings.SECRETS / "keyring.json"
    settings.PORTAL_KEY_PATH = settings.SECRETS / "portal_ed25519"
    run("init_secrets")
    run("rotate_secrets", "--forget")
    assert len(json.loads(settings.KEYRING_PATH.read_text())["keys"]) == 2


@pytest.mark.parametrize("module", ["cloudportal.asgi", "cloudportal.celery"])
def test_no_process_starts_without_its_key_ring(module: str, tmp_path: Path) -> None:
    start = f"import {module} as made; made.require_keyring() if hasattr(made, 'app') else None"
    environment = {**os.environ, "CLOUDPORTAL_VAR": str(tmp_path)}
    environment["DJANGO_SETTINGS_MODULE"] = "cloudportal.settings"
    done = subprocess.run(
        [sys.executable, "-c", start], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"{tmp_path}/secrets/keyring.json is missing" in done.stderr


@pytest.mark.django_db
def test_init_cloud_makes_what_is_missing_and_leaves_the_rest() -> None:
    roles = "super-admin, simple-admin, domain-admin, project-admin, auditor"
    assert run("init_cloud") == f"made: admin, {roles}, Tiny, Small, Medium, Large"
    assert set(Role.objects.values_list("key", flat=True)) == set(READY)
    admin = User.objects.get(username="admin")
    assert admin.is_super_admin
    assert not admin.has_usable_password()
    assert admin.accounts.get().domain == Domain.objects.get(parent=None)
    assert Quota.objects.count() == 2
    sizes = ServiceOffering.objects.order_by("memory_mib").values_list("name", "vcpus", "memory_mib")
    assert list(sizes) == [("Tiny", 1, 192), ("Small", 1, 512), ("Medium", 2, 2048), ("Large", 4, 8192)]
    ServiceOffering.objects.filter(name="Tiny").delete()
    assert run("init_cloud") == "nothing to do"
    assert ServiceOffering.objects.count() == 3


@pytest.mark.django_db
def test_a_token_and_a_link_are_printed_and_work() -> None:
    run("init_cloud")
    admin = User.objects.get(username="admin")
    assert user_of_token(run("issue_token", "--user", "admin", "--name", "ci", "--days", "1")) == admin
    path, _, secret = run("login_link", "--user", "admin").partition("#")
    assert path == "/login/link/"
    assert redeem_login_link(secret) == admin


@pytest.mark.django_db
def test_a_link_begins_with_the_portals_address_where_it_is_known(
    settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.VAR = tmp_path
    run("init_cloud")
    ask = ("login_link", "--user", "admin")
    assert run(*ask).startswith("/login/link/#")
    assert "--url" in capsys.readouterr().err
    (tmp_path / "up.json").write_text('{"login_url": "http://127.0.0.1:8000/login/link/#old"}')
    assert run(*ask).startswith("http://127.0.0.1:8000/login/link/#")
    assert run(*ask, "--url", "https://cloud.example.org").startswith(
        "https://cloud.example.org/login/link/#"
    )
    told = capsys.readouterr().err
    assert "admin in once, within 15 minutes" in told
    assert "#" not in told


@pytest.mark.django_db
@pytest.mark.parametrize(
    "argv",
    [
        ("issue_token", "--user", "nobody", "--name", "x"),
        ("issue_token", "--user", "admin", "--name", "x", "--days", "0"),
        ("issue_token", "--user", "admin", "--name", "\n"),
        ("login_link", "--user", "nobody"),
    ],
)
def test_a_command_that_cannot_be_done_says_so(argv: tuple[str, ...]) -> None:
    run("init_cloud")
    with pytest.raises(CommandError):
        run(*argv)


@pytest.mark.django_db
def test_recount_tells_drift_and_mends_it_when_asked() -> None:
    zone = factories.make_zone(hosts=1)
    assert run("recount") == "0 drifted"
    Host.objects.filter(zone=zone).update(allocated_vcpus=3)
    with pytest.raises(SystemExit):
        run("recount")
    assert "allocated_vcpus is 3, rows say 0" in run("recount", "--fix")
    assert run("recount") == "0 drifted"
