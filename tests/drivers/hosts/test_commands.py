"""What holds for commands and files alike on this machine and over SSH."""

from __future__ import annotations

import errno
from functools import partial
from pathlib import Path

import pytest

from tests.drivers.hosts.conftest import Place
from tests.lab.host import wait_for
from workers.drivers.errors import (
    CommandFailed,
    DeadlineExceeded,
    HypervisorRefused,
    ObjectMissing,
    PoolFull,
)
from workers.drivers.hosts.local import LocalCommands, from_os_error
from workers.drivers.hosts.rules import INPUT_LIMIT, OUTPUT_LIMIT

AWKWARD = ["a b", "", "$(id)", "`id`", "'\"", "\n", "*", "~", "-n", ";&|<>", "é Ω", "\\", "${HOME}", "!x"]


def gone(place: Place, pid: str) -> bool:
    return place.commands.run(["kill", "-0", pid]).exit_code != 0


def test_output_and_exit_code_are_kept_apart(place: Place) -> None:
    done = place.commands.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


def test_arguments_arrive_byte_for_byte(place: Place) -> None:
    done = place.commands.run(["printf", r"%s\0", *AWKWARD])
    assert done.stdout.decode().split("\0")[:-1] == AWKWARD


def test_binary_input_and_output_are_unchanged(place: Place) -> None:
    data = bytes(range(256)) * 8192
    assert place.commands.run(["cat"], stdin=data).stdout == data


def test_a_command_that_does_not_read_its_input_is_no_error(place: Place) -> None:
    done = place.commands.run(["sh", "-c", "exec 0<&-; echo done"], stdin=b"x" * 1_000_000)
    assert (done.exit_code, done.stdout) == (0, b"done\n")


def test_a_command_without_input_reads_an_end_of_file(place: Place) -> None:
    assert place.commands.run(["cat"]).stdout == b""


def test_a_program_that_is_not_there_ends_with_127(place: Place) -> None:
    done = place.commands.run(["no-such-program"])
    assert done.exit_code == 127
    assert b"no-such-program" in done.stderr


def test_a_file_that_is_no_program_ends_with_126(place: Place) -> None:
    place.commands.write_file(f"{place.folder}/plain", b"text", mode=0o600)
    assert place.commands.run([f"{place.folder}/plain"]).exit_code == 126


@pytest.mark.parametrize(("signal", "code"), [("TERM", 143), ("KILL", 137)])
def test_death_by_a_signal_is_128_and_its_number(place: Place, signal: str, code: int) -> None:
    assert place.commands.run(["sh", "-c", f"kill -{signal} $$"]).exit_code == code


def test_past_its_deadline_a_command_and_its_children_are_ended(place: Place) -> None:
    script = f"sleep 300 & echo $! > {place.folder}/child; echo $$ > {place.folder}/parent; wait"
    with pytest.raises(DeadlineExceeded):
        place.commands.run(["sh", "-c", script], deadline=0.5)
    for name in ("child", "parent"):
        pid = place.commands.read_file(f"{place.folder}/{name}").decode().strip()
        wait_for(f"the {name} to end", partial(gone, place, pid), seconds=10)


def test_a_command_that_closed_its_output_still_has_a_deadline(place: Place) -> None:
    with pytest.raises(DeadlineExceeded):
        place.commands.run(["sh", "-c", "exec 1>&- 2>&-; sleep 300"], deadline=0.5)


def test_a_daemon_that_keeps_the_output_open_holds_nobody_up(place: Place) -> None:
    done = place.commands.run(["sh", "-c", "setsid sleep 300 & echo $!"], deadline=10)
    assert done.exit_code == 0
    assert place.commands.run(["kill", "-KILL", done.stdout.decode().strip()]).exit_code == 0


def test_output_without_end_is_cut_off_with_an_error(place: Place) -> None:
    with pytest.raises(CommandFailed, match=f"more than {OUTPUT_LIMIT}"):
        place.commands.run(["yes"])
    with pytest.raises(CommandFailed, match=f"more than {OUTPUT_LIMIT}"):
        place.commands.run(["sh", "-c", "yes >&2"])
    assert place.commands.run(["echo", "well"]).stdout == b"well\n"


def test_output_up_to_the_limit_is_whole(place: Place) -> None:
    size = str(OUTPUT_LIMIT)
    assert len(place.commands.run(["head", "-c", size, "/dev/zero"]).stdout) == OUTPUT_LIMIT


def test_messages_come_in_english_and_commands_start_in_the_root_folder(place: Place) -> None:
    done = place.commands.run(["sh", "-c", "pwd; echo $LC_ALL; ls /nowhere"])
    assert done.stdout == b"/\nC.UTF-8\n"
    assert b"No such file or directory" in done.stderr


def test_programs_of_the_system_are_found(place: Place) -> None:
    assert "/usr/sbin" in place.commands.run(["sh", "-c", "echo $PATH"]).stdout.decode().split(":")


@pytest.mark.parametrize("argv", [[], [""], ["echo", "a\0b"]])
def test_a_command_that_cannot_be_meant_is_refused(place: Place, argv: list[str]) -> None:
    with pytest.raises(HypervisorRefused):
        place.commands.run(argv)


def test_too_much_input_is_refused_before_it_is_sent(place: Place) -> None:
    data = bytes(INPUT_LIMIT + 1)
    with pytest.raises(HypervisorRefused):
        place.commands.run(["cat"], stdin=data)
    with pytest.raises(HypervisorRefused):
        place.commands.write_file(f"{place.folder}/f", data)


def test_a_file_is_written_with_its_mode_and_replaces_another(place: Place) -> None:
    path = f"{place.folder}/a file"
    for data, mode in ((b"one", 0o640), (bytes(range(256)) * 2000, 0o600)):
        place.commands.write_file(path, data, mode=mode)
        assert place.commands.read_file(path, limit=1_000_000) == data
        assert place.commands.run(["stat", "-c", "%a", path]).stdout.decode().strip() == f"{mode:o}"
    assert place.commands.run(["ls", "-A", place.folder]).stdout == b"a file\n"


def test_writing_through_a_link_replaces_the_link(place: Place) -> None:
    place.commands.write_file(f"{place.folder}/kept", b"kept")
    place.commands.run(["ln", "-s", f"{place.folder}/kept", f"{place.folder}/link"])
    place.commands.write_file(f"{place.folder}/link", b"new")
    assert place.commands.read_file(f"{place.folder}/kept") == b"kept"
    assert place.commands.read_file(f"{place.folder}/link") == b"new"


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [(0, 4, b"0123"), (7, 9, b"789"), (-3, 9, b"789"), (-3, 2, b"78"), (-99, 9, b"012345678"), (99, 9, b"")],
)
def test_a_part_of_a_file_can_be_read(place: Place, offset: int, limit: int, expected: bytes) -> None:
    place.commands.write_file(f"{place.folder}/f", b"0123456789")
    assert place.commands.read_file(f"{place.folder}/f", offset=offset, limit=limit) == expected


def test_a_file_of_the_kernel_can_be_read(place: Place) -> None:
    assert place.commands.read_file("/sys/class/net/lo/address") == b"00:00:00:00:00:00\n"


def test_reading_what_is_not_there_is_object_missing(place: Place) -> None:
    place.commands.write_file(f"{place.folder}/f", b"")
    for path in (f"{place.folder}/none", f"{place.folder}/none/f"):
        with pytest.raises(ObjectMissing):
            place.commands.read_file(path)


def test_writing_into_a_folder_that_is_not_there_is_object_missing(place: Place) -> None:
    with pytest.raises(ObjectMissing):
        place.commands.write_file(f"{place.folder}/none/f", b"")


def test_only_regular_files_are_read(place: Place) -> None:
    place.commands.run(["mkfifo", f"{place.folder}/pipe"])
    for path in ("/dev/zero", f"{place.folder}/pipe", place.folder):
        with pytest.raises(CommandFailed, match="not a regular file"):
            place.commands.read_file(path)


def test_a_write_that_fails_leaves_nothing_behind(place: Place) -> None:
    place.commands.run(["mkdir", f"{place.folder}/taken"])
    with pytest.raises(CommandFailed):
        place.commands.write_file(f"{place.folder}/taken", b"data")
    assert place.commands.run(["ls", "-A", place.folder]).stdout == b"taken\n"


def test_remove_takes_files_trees_and_nothing(place: Place) -> None:
    place.commands.run(["mkdir", "-p", f"{place.folder}/tree/deep"])
    place.commands.write_file(f"{place.folder}/tree/deep/f", b"")
    place.commands.write_file(f"{place.folder}/-rf", b"")
    for name in ("tree", "-rf", "never-there"):
        place.commands.remove(f"{place.folder}/{name}")
        place.commands.remove(f"{place.folder}/{name}")
    assert place.commands.run(["ls", "-A", place.folder]).stdout == b""


def test_remove_takes_a_link_but_not_what_it_points_at(place: Place) -> None:
    place.commands.run(["mkdir", f"{place.folder}/kept"])
    place.commands.run(["ln", "-s", f"{place.folder}/kept", f"{place.folder}/link"])
    place.commands.remove(f"{place.folder}/link")
    assert place.commands.run(["ls", "-A", place.folder]).stdout == b"kept\n"


@pytest.mark.parametrize("path", ["relative", "", "/a/../etc", "/a\0b"])
def test_a_path_that_could_lead_elsewhere_is_refused(place: Place, path: str) -> None:
    for act in (place.commands.read_file, place.commands.remove):
        with pytest.raises(HypervisorRefused):
            act(path)
    with pytest.raises(HypervisorRefused):
        place.commands.write_file(path, b"")


@pytest.mark.parametrize("path", ["/", "//", "/etc", "/home/", "/./var"])
def test_a_folder_of_the_system_is_never_removed(place: Place, path: str) -> None:
    with pytest.raises(HypervisorRefused):
        place.commands.remove(path)


def test_a_local_command_inherits_nothing_of_the_workers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://user:sentinel@db/x")
    assert b"sentinel" not in LocalCommands().run(["env"]).stdout


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_pool_full(number: int) -> None:
    assert isinstance(from_os_error(OSError(number, "full"), "write"), PoolFull)


def test_a_local_file_that_may_not_be_read_is_a_failed_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(CommandFailed, match="Permission denied"):
        LocalCommands().read_file(str(tmp_path / "f"))
