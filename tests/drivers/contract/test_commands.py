"""The contract of commands and files on a host."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.drivers.contract.kit import HostKit
from workers.drivers.errors import DeadlineExceeded, HypervisorRefused, ObjectMissing


@pytest.fixture
def path(kit: HostKit) -> str:
    return f"{kit.folder}/{uuid4()}"


def test_an_exit_code_is_returned_not_raised(kit: HostKit) -> None:
    assert kit.commands.run(["true"]).exit_code == 0
    assert kit.commands.run(["false"]).exit_code == 1


def test_an_unknown_program_is_exit_code_127(kit: HostKit) -> None:
    assert kit.commands.run(["no-such-program-here"]).exit_code == 127


def test_arguments_reach_the_program_as_they_are(kit: HostKit) -> None:
    arguments = ["a b", "$(id)", "`id`", "'", '"', "*", ";", "&&", "Ω", "a\nb", ""]
    result = kit.commands.run(["echo", *arguments])
    assert result.stdout.decode() == " ".join(arguments) + "\n"


def test_input_and_output_are_bytes(kit: HostKit) -> None:
    data = bytes(range(256)) * 100
    assert kit.commands.run(["cat"], stdin=data).stdout == data


def test_complaints_come_apart_from_output(kit: HostKit, path: str) -> None:
    result = kit.commands.run(["cat", path])
    assert result.exit_code == 1
    assert result.stdout == b""
    assert path.encode() in result.stderr


def test_a_command_that_takes_too_long_is_given_up(kit: HostKit) -> None:
    with pytest.raises(DeadlineExceeded):
        kit.commands.run(["sleep", "600"], deadline=0.3)


def test_a_file_reads_back_as_written(kit: HostKit, path: str) -> None:
    data = bytes(range(256))
    kit.commands.write_file(path, data)
    assert kit.commands.read_file(path) == data
    assert kit.commands.run(["cat", path]).stdout == data


def test_writing_a_file_replaces_it(kit: HostKit, path: str) -> None:
    kit.commands.write_file(path, b"a longer first text")
    kit.commands.write_file(path, b"second")
    assert kit.commands.read_file(path) == b"second"


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [(0, 4, b"0123"), (8, 4, b"89"), (-3, 2, b"78"), (-100, 3, b"012"), (10, 5, b""), (99, 5, b"")],
)
def test_a_part_of_a_file_can_be_read(
    kit: HostKit, path: str, offset: int, limit: int, expected: bytes
) -> None:
    kit.commands.write_file(path, b"0123456789")
    assert kit.commands.read_file(path, offset=offset, limit=limit) == expected


@pytest.mark.parametrize("path", ["", "relative", "/tmp/../etc/shadow", "/tmp/a\0b"])
def test_a_path_that_is_not_absolute_and_plain_is_refused(kit: HostKit, path: str) -> None:
    acts: list[Callable[[], object]] = [
        lambda: kit.commands.read_file(path),
        lambda: kit.commands.write_file(path, b""),
        lambda: kit.commands.remove(path),
    ]
    for act in acts:
        with pytest.raises(HypervisorRefused):
            act()


@pytest.mark.parametrize("path", ["/", "/etc", "//etc/", "/./"])
def test_a_folder_of_the_root_is_never_removed(kit: HostKit, path: str) -> None:
    with pytest.raises(HypervisorRefused):
        kit.commands.remove(path)


@pytest.mark.parametrize("argv", [[], [""], ["echo", "a\0b"]])
def test_a_command_that_cannot_be_said_is_refused(kit: HostKit, argv: list[str]) -> None:
    with pytest.raises(HypervisorRefused):
        kit.commands.run(argv)


def test_a_missing_file_cannot_be_read(kit: HostKit, path: str) -> None:
    with pytest.raises(ObjectMissing):
        kit.commands.read_file(path)


def test_removing_may_be_repeated(kit: HostKit, path: str) -> None:
    kit.commands.write_file(path, b"x")
    kit.commands.remove(path)
    kit.commands.remove(path)
    with pytest.raises(ObjectMissing):
        kit.commands.read_file(path)


def test_removing_a_file_leaves_its_namesakes(kit: HostKit, path: str) -> None:
    kit.commands.write_file(path, b"x")
    kit.commands.write_file(f"{path}-kept", b"y")
    kit.commands.remove(path)
    assert kit.commands.read_file(f"{path}-kept") == b"y"
