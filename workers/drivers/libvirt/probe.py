"""Which accelerators of a host work: told by booting something on each, never by what is advertised.

/dev/kvm may open, and libvirt may offer kvm, on a machine where nothing boots: inside a virtual
machine whose own hypervisor imitates the processor's virtualisation, for one. There a few
instructions of real mode do run, hundreds of times slower than they should. So what is booted
(`probe.s`) goes where a kernel goes, into 64-bit mode with paging, and computes at length: the right
sum within the deadline takes a processor that really executes the guest.
"""

from __future__ import annotations

import base64
from uuid import uuid4

from workers.drivers.base import HostCommands
from workers.drivers.errors import DeadlineExceeded

ACCELERATORS = ("kvm", "tcg")
"""Best first."""

BOOT_SECONDS = 2.0
"""A working accelerator takes 0.1 to 0.3 s, nearly all of it QEMU's own start."""

PROGRAM = base64.b64decode(
    "ArCtGwAAAQD+T1HkAAAQAAAAEAA+ARAAPgEQACAAEAD6vwAAIACJ/DHAuQAMAAD886vHBQAAIAADECAAxwUAECAAAyAgAMcF"
    "ACAgAIMAAADHBQggIACDACAADwEVOAEQALggBgAADyLguAAAIAAPIti5gAAAwA8yDQABAAAPMA8gwIPg+w0DAACADyLA6pQA"
    "EAAIALgQAAAAjtiO0LmAlpgASLjvzauJZ0UjAUi7LX+VTC30UVhID6/DSAHI/8l19WZID27AZg/vyWYP1MhmSA9+zrkQAAAA"
    "SMHGBInzg+MPuv0DAADsqCB0+4qDDAEQALr4AwAA7v/Jdd26/QMAAOyoQHT7sP7mZPTr/TAxMjM0NTY3ODlhYmNkZWYAAAAA"
    "AAAAAAAAAAAAAAAAAJogAAAAAAAAkgAAFwAgARAA"
)
"""`probe.s`, assembled."""

ANSWER = b"c8fa1025260eef2f"


def working_accelerators(commands: HostCommands, emulator: str, folder: str) -> tuple[str, ...]:
    """Those of `ACCELERATORS` that ran the program on `emulator`, a path on the host."""
    path = f"{folder}/probe-{uuid4()}.bin"
    commands.write_file(path, PROGRAM)
    try:
        return tuple(name for name in ACCELERATORS if _boots(commands, emulator, name, path))
    finally:
        commands.remove(path)


def _boots(commands: HostCommands, emulator: str, accelerator: str, path: str) -> bool:
    machine = ["-accel", accelerator, "-machine", "q35", "-m", "16", "-nodefaults", "-no-user-config"]
    program = ["-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", path]
    try:
        result = commands.run([emulator, *machine, *program], deadline=BOOT_SECONDS)
    except DeadlineExceeded:
        return False
    return result.exit_code == 0 and ANSWER in result.stdout
