"""`make up` and `make demo`, whole, in a fresh checkout."""

import contextlib
import http.cookiejar
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import ROOT, files

MINUTES = 60
ADMIN_PAGES = {
    "sofia": {"infrastructure"},
    "dimitra": {"domains"},
    "giorgos": {"infrastructure", "domains", "directories"},
}
OURS = {"CLOUDPORTAL_VAR", "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "MAKEFLAGS", "MAKELEVEL"}


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """The files of the product where nothing was ever made; taken down and purged at the end."""
    tree = tmp_path / "checkout"
    for path in files():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tree / path)
    yield tree
    make(tree, "down", PURGE="1")
    assert not (tree / "var").exists()


def make(tree: Path, target: str, **environment: str) -> str:
    """What `make target` said, without what the tests and the make above them are told."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        ["make", target],
        cwd=tree,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=15 * MINUTES,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def facts(path: Path) -> dict[str, Any]:
    assert path.stat().st_mode & 0o777 == 0o600
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def get(facts: dict[str, Any], path: str) -> Any:
    request = urllib.request.Request(
        f"{facts['url']}api/v1/{path}", headers={"Authorization": f"Token {facts['api_token']}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def logs_with(var: Path, secret: str) -> list[str]:
    return [str(log) for log in (var / "log").iterdir() if secret in log.read_text(errors="replace")]


def log_in(url: str, name: str, password: str) -> tuple[urllib.request.OpenerDirector, set[str]]:
    """Log in by the form, as a browser does; that browser, and the cookies that it has then."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{url}login/", timeout=20).read().decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = {"csrfmiddlewaretoken": token, "username": name, "password": password}
    asked = urllib.request.Request(
        f"{url}login/", urllib.parse.urlencode(form).encode(), {"Referer": f"{url}login/"}
    )
    with contextlib.suppress(urllib.error.HTTPError):
        browser.open(asked, timeout=20).close()
    return browser, {cookie.name for cookie in jar}


def open_pages(browser: urllib.request.OpenerDirector, url: str) -> set[str]:
    """Which of the admins' pages there are for who is logged in."""
    found = set()
    for path in ("infrastructure", "domains", "directories"):
        with contextlib.suppress(urllib.error.HTTPError):
            browser.open(f"{url}{path}/", timeout=20).close()
            found.add(path)
    return found


@pytest.mark.long
@pytest.mark.lab
@pytest.mark.timeout(30 * MINUTES)
def test_up_boots_a_machine_and_a_second_up_changes_nothing(checkout: Path) -> None:
    assert os.geteuid() == 0
    make(checkout, "up")
    first = facts(checkout / "var" / "up.json")
    assert first["vm"]["booted"] is True
    assert first["vm"]["state"] == "Running"
    with urllib.request.urlopen(f"http://{first['vm']['ip']}/", timeout=10) as answer:
        assert first["vm"]["name"].encode() in answer.read()

    assert {person["username"] for person in first["campus"]["people"]} >= {"anna", "maria", "giorgos"}
    for person in first["campus"]["people"]:
        browser, cookies = log_in(first["url"], person["username"], person["password"])
        assert "sessionid" in cookies
        wanted = ADMIN_PAGES.get(person["username"], set())
        assert open_pages(browser, first["url"]) == wanted, person["username"]
    assert "sessionid" not in log_in(first["url"], "anna", "not hers")[1]
    courses = {row["name"] for row in get(first, "projects/")["results"]}
    assert courses == {"Computational physics", "Law of data"}

    said = make(checkout, "up")
    assert "Nothing had to be changed." in said
    second = facts(checkout / "var" / "up.json")
    assert second["vm"] == first["vm"]
    assert second["api_token"] == first["api_token"]
    assert second["login_url"] != first["login_url"]

    make(checkout, "status")
    secrets = [first["api_token"], first["login_url"].partition("#")[2]]
    secrets += [person["password"] for person in first["campus"]["people"]]
    assert [log for secret in secrets for log in logs_with(checkout / "var", secret)] == []

    make(checkout, "down")
    make(checkout, "up")
    assert facts(checkout / "var" / "up.json")["vm"] == first["vm"]


@pytest.mark.long
@pytest.mark.timeout(15 * MINUTES)
def test_the_demo_brings_a_campus_on_simulated_hosts(checkout: Path) -> None:
    make(checkout, "demo")
    demo = facts(checkout / "var" / "demo" / "up.json")
    totals = {name: get(demo, f"{name}/")["total"] for name in ("zones", "hosts", "virtual-machines")}
    assert totals == {"zones": 3, "hosts": 40, "virtual-machines": 600}
    assert "Nothing had to be changed." in make(checkout, "demo")
    with urllib.request.urlopen(f"{demo['url']}docs/el/user/trash/", timeout=10) as answer:
        assert "Ο κάδος" in answer.read().decode()
    link = make(checkout, "login").strip()
    assert link.startswith(demo["url"])
    assert link != demo["login_url"]
