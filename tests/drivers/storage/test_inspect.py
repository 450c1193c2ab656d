"""Every hostile image of the lab is refused for its own reason, before or inside the sandbox."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from workers.drivers.errors import CommandFailed, ImageRejected, ObjectMissing
from workers.drivers.storage import inspect
from workers.drivers.storage.inspect import ImageFacts, inspect_image

pytestmark = pytest.mark.lab

MIB = 2**20
Maker = Callable[[Path], None]


def qemu_img(*arguments: object) -> None:
    subprocess.run(["qemu-img", *map(str, arguments)], check=True, capture_output=True)


def good(path: Path) -> None:
    qemu_img("create", "-q", "-f", "qcow2", path, "64M")
    fill = ["qemu-io", "-f", "qcow2", "-c", "write -P 7 1M 4M", str(path)]
    subprocess.run(fill, check=True, capture_output=True)


def judged(path: Path, format: str = "qcow2", **bounds: int) -> ImageFacts:  # noqa: A002
    bounds = {"max_bytes": 100 * MIB, "max_virtual_bytes": 1024 * MIB} | bounds
    return inspect_image(path, format=format, **bounds)  # type: ignore[arg-type]


def reason(path: Path, format: str = "qcow2", **bounds: int) -> str:  # noqa: A002
    with pytest.raises(ImageRejected) as caught:
        judged(path, format, **bounds)
    assert caught.value.technical
    return str(caught.value.params["reason"])


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    good(path)
    return path


def test_a_good_image_is_described(image: Path) -> None:
    assert judged(image) == ImageFacts("qcow2", 64 * MIB, image.stat().st_size)


def test_an_image_with_internal_snapshots_is_good(image: Path) -> None:
    qemu_img("snapshot", "-c", "before", image)
    assert judged(image).virtual_size_bytes == 64 * MIB


def test_a_bootable_raw_image_is_good(tmp_path: Path) -> None:
    path = tmp_path / "raw"
    path.write_bytes(bytes(510) + b"\x55\xaa" + bytes(MIB - 512))
    assert judged(path, "raw") == ImageFacts("raw", MIB, MIB)


def backed_by(target: str) -> Maker:
    return lambda path: qemu_img("create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", target, path, "1M")


def with_data_file(path: Path) -> None:
    options = f"data_file={path}.data,data_file_raw=on"
    qemu_img("create", "-q", "-f", "qcow2", "-o", options, path, "1M")


def encrypted(path: Path) -> None:
    """The header says AES. Making a real one takes seconds of key stretching."""
    good(path)
    patch(path, 32, b"\0\0\0\1")


def luks_container(path: Path) -> None:
    path.write_bytes(b"LUKS\xba\xbe\0\1" + bytes(MIB))


def patch(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def cut_off(path: Path) -> None:
    good(path)
    os.truncate(path, path.stat().st_size // 2)


def cut_in_its_header(path: Path) -> None:
    good(path)
    os.truncate(path, 80)


def with_wild_tables(path: Path) -> None:
    good(path)
    patch(path, 3 * 65536 + 2, b"\xff\xff\xff")


def marked_corrupt(path: Path) -> None:
    good(path)
    patch(path, 79, b"\x02")


def vmdk_with_a_foreign_extent(path: Path) -> None:
    path.write_text(
        '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="monolithicFlat"\n'
        'RW 4 FLAT "/etc/passwd" 0\n'
    )


def of_format(name: str) -> Maker:
    return lambda path: qemu_img("create", "-q", "-f", name, path, "8M")


def text(path: Path) -> None:
    path.write_text("root:x:0:0:root:/root:/bin/bash\n" * 100)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (backed_by("/etc/passwd"), "backing_file"),
        (backed_by('json:{"driver":"file","filename":"/etc/shadow"}'), "backing_file"),
        (backed_by("nbd://192.0.2.1:9/x"), "backing_file"),
        (with_data_file, "data_file"),
        (encrypted, "encrypted"),
        (luks_container, "encrypted"),
        (cut_off, "damaged"),
        (cut_in_its_header, "damaged"),
        (with_wild_tables, "damaged"),
        (marked_corrupt, "damaged"),
        (vmdk_with_a_foreign_extent, "wrong_format"),
        (of_format("vmdk"), "wrong_format"),
        (of_format("vdi"), "wrong_format"),
        (of_format("vhdx"), "wrong_format"),
        (of_format("vpc"), "wrong_format"),
        (of_format("qed"), "wrong_format"),
        (text, "not_an_image"),
        (Path.touch, "not_an_image"),
        (os.mkfifo, "not_an_image"),
        (Path.mkdir, "not_an_image"),
        (lambda path: path.symlink_to("/etc/passwd"), "not_an_image"),
    ],
)
def test_an_image_that_may_not_be_used_is_refused(tmp_path: Path, make: Maker, expected: str) -> None:
    path = tmp_path / "image"
    make(path)
    assert reason(path) == expected


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (good, "wrong_format"),
        (vmdk_with_a_foreign_extent, "wrong_format"),
        (of_format("vpc"), "wrong_format"),
        (luks_container, "encrypted"),
        (text, "not_an_image"),
        (Path.touch, "not_an_image"),
    ],
)
def test_not_every_file_is_a_raw_image(tmp_path: Path, make: Maker, expected: str) -> None:
    path = tmp_path / "image"
    make(path)
    assert reason(path, "raw") == expected


def test_a_file_that_is_too_large_is_refused(image: Path) -> None:
    assert reason(image, max_bytes=image.stat().st_size - 1) == "too_large"


@pytest.mark.parametrize("size", ["2G", "1P"])
def test_a_disk_that_claims_too_much_is_refused(tmp_path: Path, size: str) -> None:
    path = tmp_path / "huge"
    qemu_img("create", "-q", "-f", "qcow2", path, size)
    assert reason(path) == "too_large"


def test_a_file_that_unpacks_to_more_than_it_may_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    zeros = tmp_path / "zeros"
    zeros.touch()
    os.truncate(zeros, 256 * MIB)
    qemu_img("convert", "-c", "-O", "qcow2", "-S", "0", zeros, path)
    assert path.stat().st_size < 4 * MIB
    assert reason(path, max_virtual_bytes=64 * MIB) == "too_large"


def test_an_image_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing):
        judged(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (backed_by("/etc/passwd"), "backing_file"),
        (with_data_file, "data_file"),
        (vmdk_with_a_foreign_extent, "damaged"),
        (encrypted, "encrypted"),
        (with_wild_tables, "damaged"),
    ],
)
def test_the_sandbox_alone_would_refuse_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Maker, expected: str
) -> None:
    path = tmp_path / "image"
    make(path)
    monkeypatch.setattr(inspect, "_judge_qcow2_head", lambda head, max_virtual_bytes: None)
    assert reason(path) == expected


@pytest.mark.parametrize(
    "argv",
    [
        ["cat", "/etc/passwd"],
        ["ls", "/home"],
        ["touch", "/image"],
        ["touch", "/file"],
        ["touch", "/dev/shm/file"],
        ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", "/image", "/dev/stdout"],
        ["python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 1))"],
        ["python3", "-c", "x = bytearray(4 << 30)"],
        ["python3", "-c", "import sys; sys.stdout.write('x' * (2 << 20))"],
    ],
)
def test_the_sandbox_holds_the_image_and_nothing_to_harm(tmp_path: Path, argv: list[str]) -> None:
    path = tmp_path / "image"
    backed_by("/etc/passwd")(path)
    code, output, _ = inspect.run_confined(path, argv)
    assert code != 0
    assert "root:" not in output
    assert len(output) <= inspect.OUTPUT_BYTES


def test_the_sandbox_has_a_view_of_the_image(image: Path) -> None:
    code, output, _ = inspect.run_confined(image, ["ls", "-A", "/"])
    assert (code, set(output.split())) == (0, {"bin", "dev", "image", "lib", "lib64", "usr"})
    code, output, _ = inspect.run_confined(image, ["env"])
    assert "SECRET" not in output
    assert {line.partition("=")[0] for line in output.splitlines()} <= {"PATH", "LC_ALL", "PWD"}


def test_work_without_end_is_ended(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect, "CPU_SECONDS", 1)
    code, _, _ = inspect.run_confined(image, ["python3", "-c", "while True: pass"])
    assert code != 0


def test_a_machine_that_cannot_make_a_sandbox_does_not_blame_the_image(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandFailed):
        judged(image)
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: no' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    with pytest.raises(CommandFailed):
        judged(image)
