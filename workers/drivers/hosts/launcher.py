"""Runs on a host, as a script of its own: starts, watches and ends one detached command a folder.

    python3 launcher.py start|status|cancel|forget FOLDER      (start reads the argv as JSON on stdin)

It answers with one line of JSON: a status {"phase", "percent", "exit_code", "output"}, for cancel
{"ended": bool}, for forget {"forgotten": bool}. It knows only Python 3.9's standard library.

In FOLDER: `owner` (the watcher's pid, its start time and the boot it belongs to), `state`
(percent, end of the output and, at the end, the exit code: one file, so they always agree) and
`cancelled` (somebody asked it to end). All are replaced by renaming. A folder without `owner` is
what a starter that died left behind: it counts as not there.

Every process of the command carries TASK_FOLDER in its environment. That finds them, and never
another process that has got the same pid since.
"""

# ruff: noqa: PTH102, PTH105, PTH108, PTH118, PTH120, PTH123, PTH208
# pathlib would double the time this script takes to start

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, NoReturn

OUTPUT_LIMIT = 16384
SAVE_SECONDS = 0.5
CANCEL_SECONDS = 1.0
PR_SET_PDEATHSIG = 1
PERCENT = re.compile(rb"(\d{1,3}(?:\.\d+)?)\s*(?:/100)?%")


def main() -> None:
    verb, folder = sys.argv[1], os.path.realpath(sys.argv[2])
    answer = {"start": start, "status": status, "cancel": cancel, "forget": forget}[verb](folder)
    print(json.dumps(answer))


@contextlib.contextmanager
def locked(folder: str) -> Iterator[int]:
    """Starters and removers of all tasks take turns: each needs some milliseconds."""
    handle = os.open(os.path.join(os.path.dirname(folder), ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def start(folder: str) -> dict[str, Any]:
    argv = json.load(sys.stdin)
    with locked(folder):
        if read(folder, "owner") is None:
            remove_tree(folder)
            os.mkdir(folder, 0o700)
            detach(folder, argv)
    return status(folder)


def detach(folder: str, argv: list[str]) -> None:
    """Returns once the watcher has written `owner`. It inherits the lock and holds it until then, so
    if the starter is killed in between, nobody takes the folder for a dead one's."""
    ready, tell = os.pipe()
    if os.fork():
        os.close(tell)
        if os.read(ready, 1) != b"1":
            raise SystemExit("the watcher did not start")
        os.close(ready)
        return
    try:
        os.setsid()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        null = os.open("/dev/null", os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        write(folder, "owner", identity(os.getpid()))
        os.write(tell, b"1")
        os.closerange(3, 256)
        watch(folder, argv)
        os._exit(0)
    except BaseException:
        os._exit(1)


def watch(folder: str, argv: list[str]) -> None:
    ready, output = os.pipe()
    os.set_blocking(ready, False)
    watcher = os.getpid()
    child = os.fork()
    if not child:
        become(folder, argv, output, watcher)
    os.close(output)
    pidfd = os.pidfd_open(child)
    kept, saved = b"", 0.0
    percent: int | None = None
    exited, changed, sources = False, False, [ready, pidfd]
    while not exited:
        found = select.select(sources, [], [], SAVE_SECONDS if changed else None)[0]
        exited = pidfd in found
        chunk = take(ready)
        if chunk:
            kept = (kept + chunk)[-OUTPUT_LIMIT:]
            percent = last_percent(kept[-len(chunk) - 16 :], percent)
            changed = True
        elif ready in found:
            sources = [pidfd]
        if changed and time.monotonic() - saved > SAVE_SECONDS:
            save(folder, percent, kept, None)
            changed, saved = False, time.monotonic()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    save(folder, percent, kept, code if code >= 0 else 128 - code)


def become(folder: str, argv: list[str], output: int, watcher: int) -> NoReturn:
    """Turn into the command. It dies with its watcher, for nobody else could tell how it ended."""
    try:
        import ctypes  # noqa: PLC0415 - slow, and only the child needs it

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != watcher:
            os._exit(1)
        os.setpgid(0, 0)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.closerange(3, 256)
        os.chdir(folder)
        os.execvpe(argv[0], argv, dict(os.environ, TASK_FOLDER=folder))  # noqa: S606
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode(errors="replace"))
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def take(pipe: int) -> bytes:
    """What is in the pipe now, at most the part that would be kept of it."""
    taken = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            chunk = os.read(pipe, 65536)
            taken = (taken + chunk)[-OUTPUT_LIMIT:]
            if not chunk or len(taken) == OUTPUT_LIMIT:
                return taken
    return taken


def last_percent(text: bytes, before: int | None) -> int | None:
    """The last "42%", "42.5 %" or "(42.50/100%)" in the text."""
    found = PERCENT.findall(text)
    return min(100, int(float(found[-1]))) if found else before


def save(folder: str, percent: int | None, kept: bytes, exit_code: int | None) -> None:
    """A progress bar draws over itself: only what it drew last is output."""
    lines = kept.decode(errors="replace").replace("\0", "").replace("\r\n", "\n").split("\n")
    shown = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
    with contextlib.suppress(OSError):
        write(folder, "state", {"percent": percent, "output": shown, "exit_code": exit_code})


def status(folder: str) -> dict[str, Any]:
    if read(folder, "owner") is None:
        return {"phase": "gone", "percent": None, "exit_code": None, "output": ""}
    alive = not ended(folder)
    state = read(folder, "state") or {"percent": None, "output": "", "exit_code": None}
    code = state["exit_code"]
    if code is None and alive:
        return dict(state, phase="running")
    return dict(state, phase="done" if code == 0 else "failed")


def cancel(folder: str) -> dict[str, Any]:
    deadline = time.monotonic() + CANCEL_SECONDS
    if read(folder, "owner") is None:
        return {"ended": True}
    by_force = read(folder, "cancelled") is not None
    write(folder, "cancelled", True)
    for pid in members(folder):
        end(pid, folder, signal.SIGKILL if by_force else signal.SIGTERM)
    while not ended(folder):
        if time.monotonic() > deadline:
            return {"ended": False}
        time.sleep(0.02)
    return {"ended": True}


def forget(folder: str) -> dict[str, Any]:
    with locked(folder):
        if read(folder, "owner") is not None:
            if not ended(folder):
                return {"forgotten": False}
            os.unlink(os.path.join(folder, "owner"))
        remove_tree(folder)
    return {"forgotten": True}


def ended(folder: str) -> bool:
    """The command's processes are gone, and so is the watcher, or it has written its last word."""
    owner = read(folder, "owner")
    if owner is None:
        return True
    watched = identity(owner["pid"]) == owner and (read(folder, "state") or {}).get("exit_code") is None
    return not watched and not members(folder)


def identity(pid: int) -> dict[str, Any] | None:
    """What tells a live process from a later one of the same pid; None once it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except OSError:
        return None
    if fields[0] in (b"Z", b"X"):
        return None
    with open("/proc/sys/kernel/random/boot_id") as file:
        return {"pid": pid, "started": int(fields[19]), "boot": file.read().strip()}


def members(folder: str) -> list[int]:
    """Pids of the live processes that the command in this folder is made of."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if marked(pid, folder) and identity(pid)]


def marked(pid: int, folder: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return b"TASK_FOLDER=" + os.fsencode(folder) in file.read().split(b"\0")
    except OSError:
        return False


def end(pid: int, folder: str, number: signal.Signals) -> None:
    """Signal a process that is still a member: a pidfd cannot come to mean another one."""
    with contextlib.suppress(OSError):
        pidfd = os.pidfd_open(pid)
        if marked(pid, folder):
            signal.pidfd_send_signal(pidfd, number)
        os.close(pidfd)


def write(folder: str, name: str, value: object) -> None:
    path = os.path.join(folder, name)
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w") as file:
        json.dump(value, file)
    os.replace(temporary, path)


def read(folder: str, name: str) -> Any:
    try:
        with open(os.path.join(folder, name)) as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def remove_tree(folder: str) -> None:
    import shutil  # noqa: PLC0415 - slow, and seldom needed

    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
