"""Judge a disk image that somebody uploaded, on the worker's own machine.

A disk image is a program for a large parser: it can name other files of the host (a backing file,
a data file, extents) and so carry them out, claim sizes that fill a pool, or attack the parser. So
its first bytes are read here, QEMU is told the format and never asked to guess it, and it runs in
a sandbox (bubblewrap) that holds this one file, no network and bounded memory, time and output.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from workers.drivers.errors import CommandFailed, DeadlineExceeded, ImageRejected, ObjectMissing
from workers.drivers.storage.qcow2 import MAGIC, parse_header

Format = Literal["qcow2", "raw"]

CPU_SECONDS = 30
WALL_SECONDS = 60
MEMORY_BYTES = 2 * 2**30
OUTPUT_BYTES = 1 * 2**20

_HEAD_BYTES = 64 * 1024
_IMAGE = "/image"
_XCPU_EXIT = 128 + 24

_OTHER_FORMATS: Sequence[tuple[int, bytes]] = (
    (0, MAGIC),
    (0, b"KDMV"),
    (0, b"COWD"),
    (0, b"# Disk DescriptorFile"),
    (0, b"vhdxfile"),
    (0, b"conectix"),
    (0, b"QED\0"),
    (0, b"WithoutFreeSpace"),
    (0, b"WithouFreSpacExt"),
    (0x40, b"\x7f\x10\xda\xbe"),
    (0x8001, b"CD001"),
    (0, b"\x1f\x8b"),
    (0, b"\xfd7zXZ\0"),
    (0, b"\x28\xb5\x2f\xfd"),
    (0, b"BZh"),
    (0, b"PK\x03\x04"),
)
"""Offset and magic of images and archives: qcow2, VMDK (four ways), VHDX, VPC, QED, Parallels (two),
VDI, ISO 9660, gzip, xz, zstd, bzip2, zip."""

_LUKS = b"LUKS\xba\xbe"
_BOOT_SIGNATURE = (510, b"\x55\xaa")


@dataclass(frozen=True, slots=True)
class ImageFacts:
    format: Format
    virtual_size_bytes: int
    file_size_bytes: int


def inspect_image(path: Path, *, format: Format, max_bytes: int, max_virtual_bytes: int) -> ImageFacts:  # noqa: A002
    """`max_bytes` bounds the file, `max_virtual_bytes` what a guest would see.

    `ImageRejected(reason=...)` for an image that may not be used, `CommandFailed` if this machine
    cannot inspect (bubblewrap or qemu-img is missing, or may not make a sandbox).
    """
    head, file_size = _read_head(path)
    if file_size > max_bytes:
        _reject("too_large", f"{file_size} bytes, at most {max_bytes} are allowed")
    if format == "qcow2":
        _judge_qcow2_head(head, max_virtual_bytes)
    else:
        _judge_raw_head(head)
    info = _json(path, ["info", "-f", format, "--output=json", _IMAGE])
    _judge_info(info, format)
    virtual_size = int(info["virtual-size"])
    _judge_virtual_size(virtual_size, max_virtual_bytes)
    if format == "qcow2":
        _judge_check(_json(path, ["check", "-f", format, "--output=json", _IMAGE]))
    return ImageFacts(format, virtual_size, file_size)


def _reject(reason: str, technical: str) -> NoReturn:
    raise ImageRejected(technical, reason=reason)


def _read_head(path: Path) -> tuple[bytes, int]:
    """The first bytes and the size of a regular file; never follows a link, never waits."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise ObjectMissing(f"{path} is not there") from error
    except OSError as error:
        raise ImageRejected(f"{path}: {error.strerror}", reason="not_an_image") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            _reject("not_an_image", f"{path} is not a regular file")
        return os.read(handle, _HEAD_BYTES), status.st_size
    finally:
        os.close(handle)


def _looks_like_another(head: bytes) -> bool:
    return any(head.startswith(magic, offset) for offset, magic in _OTHER_FORMATS)


def _bootable(head: bytes) -> bool:
    offset, signature = _BOOT_SIGNATURE
    return head.startswith(signature, offset)


def _judge_qcow2_head(head: bytes, max_virtual_bytes: int) -> None:
    if not head.startswith(MAGIC):
        if head.startswith(_LUKS):
            _reject("encrypted", "a LUKS container")
        another = _looks_like_another(head) or _bootable(head)
        _reject("wrong_format" if another else "not_an_image", "it does not begin as qcow2 does")
    try:
        header = parse_header(head)
    except ValueError as error:
        raise ImageRejected(str(error), reason="damaged") from error
    if header.backing_file:
        _reject("backing_file", "it is a layer on top of another file")
    if header.data_file:
        _reject("data_file", "its data lie in another file")
    if header.encrypted:
        _reject("encrypted", "it is encrypted")
    if header.corrupt:
        _reject("damaged", "QEMU has marked it as corrupt")
    _judge_virtual_size(header.virtual_size_bytes, max_virtual_bytes)


def _judge_virtual_size(virtual_size: int, max_virtual_bytes: int) -> None:
    if virtual_size > max_virtual_bytes:
        _reject("too_large", f"a disk of {virtual_size} bytes, at most {max_virtual_bytes} are allowed")
    if virtual_size == 0:
        _reject("not_an_image", "a disk of no bytes")


def _judge_raw_head(head: bytes) -> None:
    """Any file is a raw image to QEMU; one that can boot has a boot signature, MBR or GPT."""
    if head.startswith(_LUKS):
        _reject("encrypted", "a LUKS container")
    if _looks_like_another(head):
        _reject("wrong_format", "it is an image or archive of another format")
    if not _bootable(head):
        _reject("not_an_image", "it has no boot signature")


def _judge_info(info: dict[str, Any], format_: Format) -> None:
    """What QEMU makes of it must be what its header said."""
    details = info.get("format-specific", {}).get("data", {})
    if info.get("format") != format_:
        _reject("wrong_format", f"QEMU takes it for {info.get('format')}")
    if "backing-filename" in info or "full-backing-filename" in info:
        _reject("backing_file", "it is a layer on top of another file")
    if "data-file" in details or (details.get("data-file-raw")):
        _reject("data_file", "its data lie in another file")
    if info.get("encrypted"):
        _reject("encrypted", "it is encrypted")
    if details.get("corrupt") or info.get("dirty-flag"):
        _reject("damaged", "it was not closed properly")


def _judge_check(check: dict[str, Any]) -> None:
    """Leaked clusters waste room and no more; everything else is damage, a cut-off end included."""
    errors = int(check.get("corruptions", 0)) + int(check.get("check-errors", 0))
    if errors:
        _reject("damaged", f"qemu-img check finds {errors} errors")


def _json(path: Path, arguments: Sequence[str]) -> dict[str, Any]:
    code, output, errors = run_confined(path, ["qemu-img", *arguments])
    if errors.startswith(("bwrap:", "prlimit:")) or code in (126, 127):
        raise CommandFailed(f"cannot inspect images here: {errors}")
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError:
        why = "it takes too long to check" if code == _XCPU_EXIT else errors or f"qemu-img ended with {code}"
        _reject("damaged", why)
    return answer


def run_confined(path: Path, argv: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr. Output goes to files, where RLIMIT_FSIZE bounds it."""
    limits = [f"--as={MEMORY_BYTES}", f"--cpu={CPU_SECONDS}", f"--fsize={OUTPUT_BYTES}", "--core=0"]
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        try:
            done = subprocess.run(
                ["bwrap", *_sandbox(path), "--", "prlimit", *limits, "--", *argv],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                timeout=WALL_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise CommandFailed("bubblewrap is not installed: apt-get install bubblewrap") from error
        except subprocess.TimeoutExpired as error:
            raise DeadlineExceeded(f"inspecting {path.name} took longer than {WALL_SECONDS} s") from error
        stdout.seek(0)
        stderr.seek(0)
        said = stdout.read(OUTPUT_BYTES).decode(errors="replace")
        return done.returncode, said, stderr.read(4000).decode(errors="replace").strip()


def _sandbox(path: Path) -> list[str]:
    arguments = ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    arguments += ["--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LC_ALL", "C"]
    arguments += ["--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    arguments += ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/lib", "/lib64"):
        folder = Path(name)
        if folder.is_symlink():
            arguments += ["--symlink", str(folder.readlink()), name]
        elif folder.exists():
            arguments += ["--ro-bind", name, name]
    arguments += ["--dev", "/dev", "--ro-bind", str(path.absolute()), _IMAGE]
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/"]
