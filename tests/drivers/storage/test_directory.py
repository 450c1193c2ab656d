"""What a folder pool does on a real file system, with real qemu-img."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.lab.host import wait_for
from workers.drivers.base import CommandResult, PoolAddress, TaskPhase
from workers.drivers.errors import CommandFailed, HypervisorRefused, ImageRejected, ObjectMissing, PoolFull
from workers.drivers.hosts.local import LocalCommands
from workers.drivers.hosts.tasks import CommandTasks
from workers.drivers.storage.directory import DirectoryStorage

pytestmark = pytest.mark.lab

MIB = 2**20
SIZE = 32 * MIB


def qemu_img(*arguments: object) -> str:
    done = subprocess.run(["qemu-img", *map(str, arguments)], check=True, capture_output=True, text=True)
    return done.stdout


def info(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(qemu_img("info", "--output=json", path))
    return found


class CountingCommands(LocalCommands):
    """Counts the processes that it starts itself."""

    def __init__(self) -> None:
        self.spawned: list[Sequence[str]] = []

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = 20.0) -> CommandResult:
        self.spawned.append(argv)
        return super().run(argv, stdin=stdin, deadline=deadline)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "pool"
    path.mkdir()
    return path


@pytest.fixture
def commands() -> CountingCommands:
    return CountingCommands()


@pytest.fixture
def tasks(tmp_path: Path, commands: CountingCommands) -> CommandTasks:
    return CommandTasks(commands, str(tmp_path / "tasks"))


@pytest.fixture
def storage(commands: CountingCommands, tasks: CommandTasks, folder: Path) -> DirectoryStorage:
    return DirectoryStorage(commands, tasks, PoolAddress(uuid4(), str(folder)))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A compressed image with 8 MiB of data and a snapshot inside."""
    plain, path = tmp_path / "plain.qcow2", tmp_path / "source.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", plain, SIZE)
    fill = ["qemu-io", "-f", "qcow2", "-c", "write -P 7 1M 8M", str(plain)]
    subprocess.run(fill, check=True, capture_output=True)
    qemu_img("convert", "-c", "-O", "qcow2", plain, path)
    qemu_img("snapshot", "-c", "inside", path)
    return path


def fetch(storage: DirectoryStorage, source: Path, image: str, task_id: str = "import-1") -> None:
    def done() -> bool:
        return storage.import_image(task_id, str(source), image, SIZE).phase is TaskPhase.DONE

    wait_for("the import", done, seconds=60)


@pytest.fixture
def image(storage: DirectoryStorage, source: Path) -> str:
    fetch(storage, source, "tpl-1")
    return "tpl-1"


def hidden(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name.startswith(".")}


def test_an_imported_image_holds_the_same_disk_and_nothing_else(
    storage: DirectoryStorage, source: Path, image: str
) -> None:
    path = Path(storage.path(image))
    qemu_img("compare", source, path)
    assert info(path)["virtual-size"] == SIZE
    assert "snapshots" not in info(path)
    assert qemu_img("map", "--output=json", path).count('"compressed": true') == 0


def test_an_import_leaves_no_task_and_no_temporary_file(
    storage: DirectoryStorage, tasks: CommandTasks, folder: Path, image: str
) -> None:
    assert tasks.status("import-1").phase is TaskPhase.GONE
    assert hidden(folder) == {f".{image}.task"}
    storage.delete(image)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("option", ["backing", "data", "key", "text"])
def test_an_image_that_needs_more_than_itself_is_not_imported(
    storage: DirectoryStorage, folder: Path, tmp_path: Path, option: str
) -> None:
    source = tmp_path / "bad"
    match option:
        case "backing":
            qemu_img("create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/passwd", source, SIZE)
        case "data":
            data = f"data_file={tmp_path}/data,data_file_raw=on"
            qemu_img("create", "-q", "-f", "qcow2", "-o", data, source, SIZE)
        case "key":
            qemu_img("create", "-q", "-f", "qcow2", source, SIZE)
            with source.open("r+b") as file:
                file.seek(35)
                file.write(b"\1")
        case _:
            source.write_text("text" * 100)
    with pytest.raises(ImageRejected):
        storage.import_image("import-1", str(source), "tpl-1", SIZE)
    assert list(folder.iterdir()) == []


def test_an_image_of_another_size_than_expected_is_not_kept(
    storage: DirectoryStorage, folder: Path, source: Path
) -> None:
    def rejected() -> bool:
        try:
            storage.import_image("import-1", str(source), "tpl-1", SIZE // 2)
        except ImageRejected:
            return True
        return False

    wait_for("the rejection", rejected, seconds=60)
    assert list(folder.iterdir()) == []


def test_a_damaged_source_fails_and_leaves_nothing(
    storage: DirectoryStorage, folder: Path, source: Path
) -> None:
    with source.open("r+b") as file:
        file.seek(5 * 65536)
        file.write(b"\xff" * 4096)

    def failed() -> bool:
        try:
            storage.import_image("import-1", str(source), "tpl-1", SIZE)
        except CommandFailed:
            return True
        return False

    wait_for("the failure", failed, seconds=60)
    assert list(folder.iterdir()) == []


@pytest.fixture
def slow(storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Imports stop before they begin to copy; calling it lets new ones through again."""
    script = "workers.drivers.storage.directory._IMPORT"
    monkeypatch.setattr(script, ': >"$2"; exec sleep 600')
    return monkeypatch.undo


def running(storage: DirectoryStorage, source: Path, folder: Path) -> None:
    assert storage.import_image("import-1", str(source), "tpl-1", SIZE).phase is TaskPhase.RUNNING
    wait_for("the copy to begin", lambda: bool(hidden(folder)), seconds=20)


def cancelled(storage: DirectoryStorage, task_id: str = "import-1") -> None:
    wait_for("the end of the copy", lambda: storage.cancel_import(task_id, "tpl-1"), seconds=20)


def test_a_cancelled_copy_leaves_nothing(
    storage: DirectoryStorage, tasks: CommandTasks, folder: Path, source: Path, slow: Any
) -> None:
    running(storage, source, folder)
    cancelled(storage)
    assert list(folder.iterdir()) == []
    assert tasks.status("import-1").phase is TaskPhase.GONE


def test_a_copy_whose_watcher_died_is_begun_anew(
    storage: DirectoryStorage, folder: Path, source: Path, tmp_path: Path, slow: Callable[[], None]
) -> None:
    running(storage, source, folder)
    owner = json.loads((tmp_path / "tasks" / "import-1" / "owner").read_text())
    os.kill(owner["pid"], 9)
    slow()
    fetch(storage, source, "tpl-1")
    assert hidden(folder) == {".tpl-1.task"}


def test_cancelling_removes_an_image_that_this_task_completed(
    storage: DirectoryStorage, folder: Path, image: str
) -> None:
    cancelled(storage)
    assert list(folder.iterdir()) == []


def test_cancelling_leaves_an_image_that_another_task_completed(
    storage: DirectoryStorage, source: Path, image: str
) -> None:
    fetch(storage, source, image, task_id="import-2")
    cancelled(storage, "import-2")
    assert image in storage.names()


def test_a_clone_is_one_process_and_a_thin_layer_on_its_image(
    storage: DirectoryStorage, commands: CountingCommands, folder: Path, image: str
) -> None:
    commands.spawned.clear()
    storage.clone(image, "vol-1", 2 * SIZE)
    assert len(commands.spawned) == 1
    found = info(folder / "vol-1")
    assert (found["format"], found["virtual-size"]) == ("qcow2", 2 * SIZE)
    assert (found["backing-filename"], found["backing-filename-format"]) == (image, "qcow2")
    assert (folder / "vol-1").stat().st_blocks * 512 < MIB
    assert hidden(folder) == {f".{image}.task"}


def test_a_pool_keeps_working_under_another_path(
    storage: DirectoryStorage, folder: Path, tmp_path: Path, image: str
) -> None:
    storage.clone(image, "vol-1", SIZE)
    folder.rename(tmp_path / "moved")
    assert qemu_img("compare", tmp_path / "moved" / image, tmp_path / "moved" / "vol-1")


def test_a_volume_that_exists_keeps_what_is_on_it(
    storage: DirectoryStorage, folder: Path, image: str
) -> None:
    storage.clone(image, "vol-1", SIZE)
    write = ["qemu-io", "-f", "qcow2", "-c", "write -P 9 0 64k", str(folder / "vol-1")]
    subprocess.run(write, check=True, capture_output=True)
    before = (folder / "vol-1").read_bytes()
    storage.clone(image, "vol-1", 2 * SIZE)
    (folder / image).unlink()
    storage.clone(image, "vol-1", SIZE)
    assert (folder / "vol-1").read_bytes() == before


def test_a_volume_smaller_than_its_image_is_refused(
    storage: DirectoryStorage, folder: Path, image: str
) -> None:
    with pytest.raises(HypervisorRefused):
        storage.clone(image, "vol-1", SIZE - 512)
    assert "vol-1" not in storage.names()


def test_clones_that_race_make_one_whole_volume(storage: DirectoryStorage, folder: Path, image: str) -> None:
    barrier = threading.Barrier(4)

    def act(_: int) -> None:
        barrier.wait()
        storage.clone(image, "vol-1", SIZE)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(act, range(4)))
    assert info(folder / "vol-1")["backing-filename"] == image
    assert hidden(folder) == {f".{image}.task"}


def test_deleting_takes_what_dead_makers_left(storage: DirectoryStorage, folder: Path) -> None:
    for name in ("vol-1", ".vol-1.abc.tmp", ".vol-1.def.tmp", "vol-12", ".vol-12.abc.tmp"):
        (folder / name).touch()
    storage.delete("vol-1")
    assert {path.name for path in folder.iterdir()} == {"vol-12", ".vol-12.abc.tmp"}


def test_only_whole_objects_of_ours_are_listed(storage: DirectoryStorage, folder: Path) -> None:
    for name in ("vol-1", ".vol-2.abc.tmp", "lost+found", "tpl-3", "notes.txt", "vol-", "seed-a\nvol-b"):
        (folder / name).touch()
    assert storage.names() == {"vol-1", "tpl-3"}


def test_a_seed_is_readable_by_nobody_else(storage: DirectoryStorage, folder: Path) -> None:
    storage.write_seed("seed-1", b"secret")
    assert (folder / "seed-1").read_bytes() == b"secret"
    assert (folder / "seed-1").stat().st_mode & 0o777 == 0o600
    assert hidden(folder) == set()


def test_a_pool_whose_folder_is_missing_is_not_made(
    storage: DirectoryStorage, folder: Path, source: Path
) -> None:
    folder.rmdir()
    for act in (
        storage.facts,
        storage.names,
        lambda: storage.delete("vol-1"),
        lambda: storage.write_seed("seed-1", b""),
        lambda: storage.clone("tpl-1", "vol-1", SIZE),
        lambda: fetch(storage, source, "tpl-1"),
    ):
        with pytest.raises(ObjectMissing):
            act()
    assert not folder.exists()


@pytest.mark.parametrize("path", ["", "pool", "/a/../b", "/a/", "/a//b", "/a\0"])
def test_a_pool_has_an_absolute_normal_path(
    commands: CountingCommands, tasks: CommandTasks, path: str
) -> None:
    with pytest.raises(HypervisorRefused):
        DirectoryStorage(commands, tasks, PoolAddress(uuid4(), path)).names()


@pytest.fixture
def tiny(tmp_path: Path, folder: Path) -> Any:
    """The pool becomes a file system of 2 MiB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_pool_without_room_says_so_and_stays_empty(
    storage: DirectoryStorage, source: Path, tiny: Path
) -> None:
    with pytest.raises(PoolFull):
        fetch(storage, source, "tpl-1")
    with pytest.raises(PoolFull):
        storage.write_seed("seed-1", bytes(3 * MIB))
    assert list(tiny.iterdir()) == []
    facts = storage.facts()
    assert facts.capacity_bytes == 2 * MIB
    assert facts.used_bytes < MIB


def test_a_clone_that_does_not_fit_leaves_nothing(
    storage: DirectoryStorage, source: Path, tiny: Path
) -> None:
    qemu_img("create", "-q", "-f", "qcow2", tiny / "tpl-1", SIZE)
    (tiny / "filler").write_bytes(bytes(2 * MIB - (tiny / "tpl-1").stat().st_blocks * 512 - 8192))
    with pytest.raises(PoolFull):
        storage.clone("tpl-1", "vol-1", SIZE)
    assert {path.name for path in tiny.iterdir()} == {"tpl-1", "filler"}
