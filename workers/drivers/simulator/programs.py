"""The few programs that a simulated host has. Others are answered as ordered
(`Simulator.answer`), or with exit code 127 as a shell would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from workers.drivers.base import CommandResult
from workers.drivers.simulator.state import Transaction


def sleep_seconds(argv: Sequence[str]) -> float:
    """How long a command takes by itself: only `sleep` does."""
    try:
        return float(argv[1]) if argv[0] == "sleep" else 0.0
    except (IndexError, ValueError):
        return 0.0


def run_program(
    tx: Transaction, host: str, hostname: str, argv: Sequence[str], stdin: bytes = b""
) -> CommandResult:
    name, arguments = PurePosixPath(argv[0]).name, argv[1:]
    ordered = tx.execute(
        "SELECT exit_code, stdout, stderr FROM answers WHERE program = ?", (name,)
    ).fetchone()
    if ordered:
        return CommandResult(*ordered)
    if name == "cat":
        return _cat(tx, host, arguments, stdin)
    outputs = {
        "true": "",
        "sleep": "",
        "false": "",
        "echo": f"{' '.join(arguments)}\n",
        "hostname": f"{hostname}\n",
    }
    if name in outputs:
        return CommandResult(int(name == "false"), outputs[name].encode(), b"")
    return CommandResult(127, b"", f"{argv[0]}: command not found\n".encode())


def _cat(tx: Transaction, host: str, paths: Sequence[str], stdin: bytes) -> CommandResult:
    found, complaints = [], []
    for path in paths or ["-"]:
        row = tx.execute("SELECT data FROM files WHERE host = ? AND path = ?", (host, path)).fetchone()
        if path == "-":
            found.append(stdin)
        elif row:
            found.append(row[0])
        else:
            complaints.append(f"cat: {path}: No such file or directory\n")
    return CommandResult(int(bool(complaints)), b"".join(found), "".join(complaints).encode())
