"""An accelerator counts only if it booted something and that computed the right answer."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from workers.drivers.base import CommandResult
from workers.drivers.errors import DeadlineExceeded, HostUnreachable
from workers.drivers.hosts.local import LocalCommands
from workers.drivers.libvirt import probe

SOURCE = Path(probe.__file__).with_name("probe.s")


class FakeHost(LocalCommands):
    """A host whose QEMU answers as told, by accelerator."""

    def __init__(self, **answers: CommandResult | Exception) -> None:
        self.answers = answers

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = 20.0) -> CommandResult:
        answer = self.answers[argv[argv.index("-accel") + 1]]
        if isinstance(answer, Exception):
            raise answer
        return answer


RIGHT = CommandResult(0, probe.ANSWER, b"")


@pytest.mark.parametrize(
    ("kvm", "expected"),
    [
        (RIGHT, ("kvm", "tcg")),
        (DeadlineExceeded(), ("tcg",)),
        (CommandResult(1, b"", b"Could not access KVM kernel module"), ("tcg",)),
        (CommandResult(0, b"", b"it reset without a word"), ("tcg",)),
        (CommandResult(0, b"0123456789abcdef", b"it computed something else"), ("tcg",)),
        (CommandResult(134, probe.ANSWER, b"it crashed after all"), ("tcg",)),
    ],
)
def test_an_accelerator_has_to_give_the_answer(
    tmp_path: Path, kvm: CommandResult | Exception, expected: tuple[str, ...]
) -> None:
    host = FakeHost(kvm=kvm, tcg=RIGHT)
    assert probe.working_accelerators(host, "qemu", str(tmp_path)) == expected
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_gone_is_not_taken_for_one_without_accelerators(tmp_path: Path) -> None:
    host = FakeHost(kvm=HostUnreachable(), tcg=HostUnreachable())
    with pytest.raises(HostUnreachable):
        probe.working_accelerators(host, "qemu", str(tmp_path))


def test_the_answer_is_what_the_program_computes() -> None:
    value = 0x0123456789ABCDEF
    for count in range(10_000_000, 0, -1):
        value = (value * 6364136223846793005 + count) & 0xFFFFFFFFFFFFFFFF
    assert f"{value:016x}".encode() == probe.ANSWER


@pytest.mark.lab
def test_emulation_gives_the_answer(tmp_path: Path) -> None:
    assert "tcg" in probe.working_accelerators(LocalCommands(), "qemu-system-x86_64", str(tmp_path))


@pytest.mark.lab
def test_a_program_that_computes_wrongly_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    factor = (6364136223846793005).to_bytes(8, "little")
    assert factor in probe.PROGRAM
    monkeypatch.setattr(probe, "PROGRAM", probe.PROGRAM.replace(factor, factor[::-1]))
    assert probe.working_accelerators(LocalCommands(), "qemu-system-x86_64", str(tmp_path)) == ()


@pytest.mark.lab
def test_the_program_is_its_source_assembled(tmp_path: Path) -> None:
    built, linked = tmp_path / "probe.o", tmp_path / "probe.bin"
    subprocess.run(["as", "--64", "-o", built, SOURCE], check=True)
    link = ["ld", "-Ttext", "0x100000", "--oformat", "binary", "-o", str(linked), str(built)]
    subprocess.run(link, check=True, capture_output=True)
    assert linked.read_bytes() == probe.PROGRAM
