"""Whatever we depend on is listed with its reason, and locked by hash."""

import json
import re
from pathlib import Path

import pytest

from bootstrap.debian import read_list
from bootstrap.failures import CheckFailed
from tests.architecture.tree import ROOT, files, text

LOCKS = sorted(path.stem for path in (ROOT / "requirements").glob("*.in"))
REGISTRIES = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("debian", "org"),
    ("ubuntu", "com"),
    ("jsdelivr", "net"),
    ("unpkg", "com"),
    ("cloudflare", "com"),
)
"""Host names in two parts, so that this list is not a finding of its own."""


def pins(lock: str) -> dict[str, str]:
    content = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", content, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_python_dependency_has_a_reason(lock: str) -> None:
    lines = (ROOT / "requirements" / f"{lock}.in").read_text().splitlines()
    bare = [line for line in lines if line and not line.startswith(("#", "-c ")) and "# " not in line]
    assert bare == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash(lock: str) -> None:
    content = (ROOT / "requirements" / f"{lock}.txt").read_text()
    blocks = re.split(r"(?m)^(?=[a-z0-9])", content)[1:]
    assert blocks
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_named_dependency_is_locked(lock: str) -> None:
    lines = (ROOT / "requirements" / f"{lock}.in").read_text().splitlines()
    named = {re.split(r"[\[~=<> ]", line)[0] for line in lines if line and not line.startswith(("#", "-c "))}
    assert named - set(pins(lock)) == set()


def test_locks_agree_on_every_version() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in pins(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_every_debian_package_has_a_reason() -> None:
    lists = {path.name: read_list(path) for path in (ROOT / "packages").glob("*.txt")}
    assert {"host.txt", "guest.txt", "lab.txt", "test.txt"} <= set(lists)
    for packages in lists.values():
        assert packages
        assert len({package.name for package in packages}) == len(packages)


def test_a_debian_package_without_a_reason_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# heading\ngood  # because\nbare\n")
    with pytest.raises(CheckFailed, match="bare has no reason"):
        read_list(tmp_path / "list.txt")


def test_the_front_end_lock_names_no_host_and_hashes_all() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    fetched = {name: entry for name, entry in packages.items() if name}
    assert fetched
    assert [name for name, entry in fetched.items() if "integrity" not in entry or "resolved" in entry] == []


def registries_named_in(content: str) -> list[str]:
    return [".".join(host) for host in REGISTRIES if ".".join(host) in content]


def test_no_file_names_a_package_registry() -> None:
    named = {str(path): found for path in files() if (found := registries_named_in(text(path) or ""))}
    assert named == {}


def test_the_check_sees_a_registry() -> None:
    assert registries_named_in("https://files." + "pythonhosted" + ".org/x") == ["pythonhosted" + ".org"]
