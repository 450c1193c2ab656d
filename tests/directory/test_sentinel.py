"""Secrets that go through a whole portal of real processes, and are found nowhere behind it: not in its
database, in Redis nor in anything that was sent to it, in a log, or in a list of processes."""

from __future__ import annotations

import contextlib
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.directory.campus import READER_PASSWORD, Campus, password_of
from tests.stack import Stack

pytestmark = pytest.mark.servers
LOCAL = "nine green kettles 6f1d2c"
WRONG = "mistyped-6f1d2c"


class Browser:
    """Somebody at the portal's pages."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, path: str) -> str:
        with self._opener.open(self.url + path, timeout=60) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **fields: str) -> str:
        """The page that it leads to; with its reason where it is refused."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path))
        assert found
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": found[1], **fields}).encode()
        request = urllib.request.Request(self.url + path, data, {"Referer": self.url + path})
        try:
            with self._opener.open(request, timeout=60) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as refused:
            return str(refused.read().decode())

    @property
    def session(self) -> str:
        return next((cookie.value or "" for cookie in self.jar if cookie.name == "sessionid"), "")


class Watch:
    """What is said to Redis, and what processes show of themselves, from beginning to end."""

    def __init__(self, url: str) -> None:
        self.said: list[str] = []
        self.processes: set[str] = set()
        self._over = threading.Event()
        self._client = redis.Redis.from_url(url)
        self._threads = [threading.Thread(target=act, daemon=True) for act in (self._listen, self._look)]

    def __enter__(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._client.set("the watch", "ends")
        for thread in self._threads:
            thread.join(10)

    def _listen(self) -> None:
        with self._client.monitor() as monitor:  # type: ignore[no-untyped-call]
            for command in monitor.listen():
                self.said.append(str(command["command"]))
                if self._over.is_set():
                    return

    def _look(self) -> None:
        while not self._over.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        self.processes.add((process / name).read_bytes().decode("latin-1"))
            time.sleep(0.05)

    def kept(self) -> str:
        """Every value that Redis holds now."""
        found = []
        for key in self._client.scan_iter(count=1000):
            with contextlib.suppress(redis.ResponseError):
                found.append(f"{key!r} {self._client.dump(key)!r}")
        return "\n".join(found)


def bytes_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file of the portal's folder but its key ring: database, logs, heads of the record."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size:
            yield str(path.relative_to(folder)), path.read_bytes().decode("latin-1")


def use(stack: Stack, campus: Campus) -> dict[str, str]:
    """All that takes a secret: what went in or came out."""
    directory = stack.post("directories/", campus.settings())
    path = f"directories/{directory['id']}/"
    stack.job(stack.post(f"{path}test/"))
    stack.wait(lambda: stack.get(path)["tested_at"], "the connection is tested")
    anna, ada = Browser(stack.url), Browser(stack.url)
    assert "do not go together" in anna.post("/login/", username="anna", password=WRONG)
    assert "do not go together" not in anna.post("/login/", username="anna", password=password_of("anna"))
    made = stack.python(
        "from apps.accounts.actor import Actor\n"
        "from apps.accounts.models import User\n"
        "from apps.accounts.passwords import create_password_link\n"
        "from apps.accounts.tokens import create_login_link\n"
        "system = Actor.system('a test')\n"
        "user = User.objects.create_user('ada', is_super_admin=True)\n"
        "print(create_password_link(system, user=user))\n"
        "print(create_login_link(system, user=User.objects.get(username='admin')))\n"
    )
    password_path, login_path = made.split()
    page, _hash, password_token = password_path.partition("#")
    ada.post(page, token=password_token, new_password=LOCAL, again=LOCAL)
    ada.post("/login/", username="ada", password=LOCAL)
    page, _hash, login_token = login_path.partition("#")
    admin = Browser(stack.url)
    admin.post(page, token=login_token)
    sessions = {name: browser.session for name, browser in (("anna", anna), ("ada", ada), ("admin", admin))}
    assert all(sessions.values()), sessions
    token = stack.post("tokens/", {"name": "second", "verbs": ["*.read"]})
    stack.job(stack.post(f"{path}test/"))
    return {
        "bind password": READER_PASSWORD,
        "a person's password": password_of("anna"),
        "what was mistyped": WRONG,
        "a local password": LOCAL,
        "password link": password_token,
        "login link": login_token,
        "token": stack.token,
        "second token": token["token"],
        **{f"session of {name}": key for name, key in sessions.items()},
    }


def found_in(needles: dict[str, str], hays: dict[str, Any]) -> list[tuple[str, str]]:
    return [(what, where) for what, needle in needles.items() for where, hay in hays.items() if needle in hay]


def test_secrets_leave_no_trace_in_a_whole_portal(own_campus: Campus, tmp_path: Path) -> None:
    with Stack(tmp_path / "stack") as stack, Watch(stack.redis.url) as watch:
        needles = use(stack, own_campus)
        kept = watch.kept()
        watch._client.set(needles["token"], "planted")
        time.sleep(0.2)
    hays = dict(bytes_of(stack.folder))
    hays["processes"] = "\n".join(text for text in watch.processes if "PYTEST_CURRENT_TEST" not in text)
    hays["Redis"] = kept
    planted = [line for line in watch.said if line.startswith("SET ") and line.endswith("planted")]
    hays["said to Redis"] = "\n".join(line for line in watch.said if line not in planted)
    assert all(len(needle) > 8 for needle in needles.values())
    assert planted, "the watch hears nothing"
    assert "workers.run_job" in hays["said to Redis"]
    assert "celery" in hays["processes"]
    assert any("Demo campus" in text for text in hays.values())
    assert found_in(needles, hays) == []
