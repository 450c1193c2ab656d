"""The private servers that tests and measurements run on."""

import socket
from pathlib import Path

import pytest

from bootstrap import redis
from bootstrap.postgres import PrivatePostgres
from bootstrap.python_env import PythonEnvironment
from tests.architecture.tree import ROOT


def ask(server: PrivatePostgres, statement: str) -> str:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(server.url) as connection:
        (answer,) = connection.execute(statement).fetchone()
    return str(answer)


@pytest.mark.postgres
def test_a_private_cluster_keeps_its_data_over_a_crash_and_leaves_nothing() -> None:
    with PrivatePostgres(durable=True) as server:
        assert ask(server, "show fsync") == "on"
        ask(server, "select 1")
        server.stop()
        server.start()
        assert ask(server, "select current_database()") == "cloudportal"
        folder = server._folder
        port = server.port
    assert not folder.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.postgres
def test_a_cluster_for_tests_does_not_wait_for_disks() -> None:
    with PrivatePostgres() as server:
        assert ask(server, "show fsync") == "off"


@pytest.mark.postgres
def test_a_private_redis_asks_for_its_password_and_ends_with_its_block() -> None:
    client = pytest.importorskip("redis")
    python = PythonEnvironment(ROOT, ROOT / "var" / "log" / "install.log")
    python.ensure(["redis"])
    with redis.PrivateRedis(python) as server:
        with client.Redis.from_url(server.url) as known:
            assert known.ping()
        with client.Redis(port=server.port) as stranger, pytest.raises(client.AuthenticationError):
            stranger.ping()
        process = server._process
    assert process is not None
    assert process.returncode is not None


def test_redis_listens_on_loopback_and_keeps_nothing(tmp_path: Path) -> None:
    text = redis.configuration(port=6390, password="planted", folder=tmp_path)
    assert "bind 127.0.0.1\n" in text
    assert "requirepass planted\n" in text
    assert 'save ""\nappendonly no\n' in text
