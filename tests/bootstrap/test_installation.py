import json
import os
import socket
import stat
from pathlib import Path

import pytest

from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation, free_port, is_free, write_private


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation(tmp_path, tmp_path / "var")
    made.create()
    made.save()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def again(installation: Installation) -> Installation:
    return Installation(installation.root, installation.var)


def test_a_variable_given_once_is_remembered(installation: Installation) -> None:
    installation.remember_environment({"DATABASE_URL": "postgres://u:p@h/d", "CLOUDPORTAL_SECURE": "1"})
    installation.save()
    assert again(installation).database_url == "postgres://u:p@h/d"
    assert again(installation).environment()["CLOUDPORTAL_SECURE"] == "1"


def test_the_installer_reaches_a_portal_whatever_names_people_use(installation: Installation) -> None:
    installation.memory.port = 8000
    assert installation.environment()["CLOUDPORTAL_HOSTS"] == "127.0.0.1,localhost,[::1]"
    assert (installation.public_url, installation.headers) == ("http://127.0.0.1:8000", {})
    installation.remember_environment({"CLOUDPORTAL_HOSTS": "cloud.example.org,cloud"})
    hosts = installation.environment()["CLOUDPORTAL_HOSTS"]
    assert hosts == "cloud.example.org,cloud,127.0.0.1,localhost,[::1]"
    assert installation.public_url == "http://127.0.0.1:8000"
    installation.remember_environment({"BIND": "0.0.0.0"})
    assert installation.public_url == "http://cloud.example.org:8000"
    installation.remember_environment({"CLOUDPORTAL_SECURE": "1"})
    assert installation.public_url == "https://cloud.example.org"
    assert installation.headers == {"X-Forwarded-Proto": "https"}
    assert installation.url == "http://127.0.0.1:8000"


def test_what_is_in_the_folder_is_for_its_owner_only(installation: Installation) -> None:
    assert mode(installation.var) == 0o700


def test_an_empty_variable_forgets_it(installation: Installation) -> None:
    installation.remember_environment({"REDIS_URL": "redis://elsewhere/0"})
    assert not installation.own_redis
    installation.remember_environment({"REDIS_URL": ""})
    assert installation.own_redis


def test_other_variables_are_not_remembered(installation: Installation) -> None:
    installation.remember_environment({"AWS_SECRET": "x", "CLOUDPORTAL_VAR": "/elsewhere"})
    assert installation.memory.environment == {}


def test_nothing_of_the_callers_shell_reaches_the_processes(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "planted")
    environment = installation.environment()
    assert "SOME_TOKEN" not in environment
    assert environment["CLOUDPORTAL_VAR"] == str(installation.var)
    assert environment["PATH"] == os.environ["PATH"]


def test_the_portal_listens_elsewhere_only_with_the_names_people_use(installation: Installation) -> None:
    with pytest.raises(CheckFailed, match="names it knows") as caught:
        installation.remember_environment({"BIND": "0.0.0.0"})
    assert caught.value.repair.startswith("CLOUDPORTAL_HOSTS=")
    installation.remember_environment({"BIND": "0.0.0.0", "CLOUDPORTAL_HOSTS": "portal.example.org"})
    installation.memory.port = 8000
    assert installation.url == "http://127.0.0.1:8000"


def test_an_address_that_the_supervisor_cannot_bind_is_refused(installation: Installation) -> None:
    with pytest.raises(CheckFailed, match="IPv6"):
        installation.remember_environment({"BIND": "::1"})


def test_files_with_secrets_are_for_their_owner_only(installation: Installation) -> None:
    installation.redis_password()
    write_private(installation.up_file, "{}")
    assert mode(installation.var / "site.json") == 0o600
    assert mode(installation.up_file) == 0o600
    assert mode(installation.secrets / "redis.password") == 0o600
    folders = (installation.secrets, installation.log, installation.run, installation.uploads)
    assert {mode(folder) for folder in folders} == {0o700}


def test_a_private_file_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "up.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (mode(path), path.read_text()) == (0o600, "new")


def test_the_next_free_port_is_taken_and_kept(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        assert not is_free(first)
        assert free_port(first) > first
    installation.choose_ports()
    port = installation.memory.port
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        installation.choose_ports()
        assert installation.memory.port == port
        installation.choose_ports(anew=True)
        assert installation.memory.port not in {0, port}


def test_an_asked_port_is_used(installation: Installation) -> None:
    installation.remember_environment({"PORT": "8123"})
    installation.choose_ports()
    assert installation.memory.port == 8123


def test_the_password_of_redis_stays_and_is_in_its_address(installation: Installation) -> None:
    installation.memory.redis_port = 6390
    password = installation.redis_password()
    assert again(installation).redis_password() == password
    assert installation.redis_url() == f"redis://:{password}@127.0.0.1:6390/0"


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    deep = Installation(tmp_path, tmp_path / ("x" * 120))
    deep.create()
    assert len(os.fsencode(deep.socket)) < 100
    assert mode(deep.socket.parent) == 0o700
    deep.socket.parent.rmdir()


def test_a_damaged_memory_names_the_repair(installation: Installation) -> None:
    (installation.var / "site.json").write_text(json.dumps({"kind": "kvm"})[:-2])
    with pytest.raises(CheckFailed) as caught:
        again(installation)
    assert caught.value.repair.startswith("PURGE=1 make down")
