import json
import sys
from pathlib import Path

import pytest

from bootstrap import debian
from bootstrap.assets import Assets
from bootstrap.failures import CheckFailed
from bootstrap.python_env import PythonEnvironment


@pytest.fixture
def python(tmp_path: Path) -> PythonEnvironment:
    """An environment whose records say that both of its locks are installed."""
    made = PythonEnvironment(tmp_path, tmp_path / "log")
    (tmp_path / "requirements").mkdir()
    for lock in ("base", "redis"):
        made.lock_file(lock).write_text(f"{lock}==1\n")
    made.python.parent.mkdir(parents=True)
    made.python.symlink_to(sys.executable)
    records = {lock: made._fingerprint(lock) for lock in ("base", "redis")}
    made._record.write_text(json.dumps(records))
    return made


def test_an_installed_lock_needs_nothing(python: PythonEnvironment) -> None:
    assert python.missing(["base", "redis"]) == []
    assert python.ensure(["base", "redis"]) is False


def test_a_lock_that_changed_is_missing(python: PythonEnvironment) -> None:
    python.lock_file("redis").write_text("redis==2\n")
    assert python.missing(["base", "redis"]) == ["redis"]


def test_everything_is_missing_where_the_interpreter_is_gone(python: PythonEnvironment) -> None:
    python.python.unlink()
    python.python.symlink_to("/nowhere/python")
    assert python.missing(["base", "redis"]) == ["base", "redis"]


@pytest.fixture
def assets(python: PythonEnvironment, tmp_path: Path) -> Assets:
    (tmp_path / "package.json").write_text(json.dumps({"serve": {"lib/dist/lib.js": "lib.js"}}))
    (tmp_path / "package-lock.json").write_text("{}")
    return Assets(python, tmp_path / "cache")


def plant_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, writes: str) -> None:
    """An npm that only makes the folders it was told to."""
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(f'#!/bin/sh\n[ "$1" = ci ] && mkdir -p node_modules/lib/dist && echo x > {writes}\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_this_machine_is_a_host_with_its_workers() -> None:
    packages = Path(__file__).parents[2] / "packages"
    asked = {package.name for package in debian.lists(packages.parent, ["host"])}
    host, workers = (
        {package.name for package in debian.read_list(packages / f"{name}.txt")}
        for name in ("host", "workers")
    )
    assert asked >= host | workers
    assert "python3" in host
    assert not host & {"gcc", "libc6-dev", "libvirt-dev", "pkg-config", "bubblewrap"}


def test_only_what_we_serve_is_kept(assets: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant_npm(tmp_path / "bin", monkeypatch, "node_modules/lib/dist/lib.js")
    assert assets.missing()
    assets.ensure()
    assert not assets.missing()
    assert sorted(path.name for path in assets.vendor.iterdir()) == [".installed", "lib.js"]


def test_a_served_file_that_vanished_or_a_new_lock_is_noticed(
    assets: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_npm(tmp_path / "bin", monkeypatch, "node_modules/lib/dist/lib.js")
    assets.ensure()
    (assets.vendor / "lib.js").unlink()
    assert assets.missing()
    assets.ensure()
    (tmp_path / "package-lock.json").write_text('{"new": 1}')
    assert assets.missing()


def test_a_file_that_no_package_brings_is_named(
    assets: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_npm(tmp_path / "bin", monkeypatch, "node_modules/lib/other.js")
    with pytest.raises(CheckFailed, match=r"lib/dist/lib\.js is not in node_modules"):
        assets.ensure()


def test_without_npm_the_one_from_the_wheel_is_used(
    assets: Assets, python: PythonEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[list[str]] = []
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(python, "ensure", lambda locks: installed.append(list(locks)))
    node, npm = assets._npm()
    assert installed == [["assets"]]
    assert (Path(node).name, Path(npm).name) == ("node", "npm-cli.js")


def test_lists_are_joined_without_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", "/opt/python")
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/one.txt").write_text("# list\nqemu-utils  # images\n")
    (tmp_path / "packages/two.txt").write_text("qemu-utils  # disks\ntini  # reaps\n")
    names = [package.name for package in debian.lists(tmp_path, ["one", "two"])]
    assert names == ["qemu-utils", "tini"]


def test_a_package_that_dpkg_does_not_know_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = tmp_path / "dpkg-query"
    query.write_text("#!/bin/sh\necho 'there installed'\necho 'removed config-files'\nexit 1\n")
    query.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    asked = [debian.Package(name, "because") for name in ("there", "removed", "unknown")]
    assert [package.name for package in debian.missing(asked)] == ["removed", "unknown"]


def test_a_machine_without_dpkg_is_told_what_works_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CheckFailed) as caught:
        debian.missing([debian.Package("tini", "reaps")])
    assert caught.value.repair.startswith("make demo")
