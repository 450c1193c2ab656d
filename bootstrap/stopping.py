"""`make down`, `make status`, `make logs`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bootstrap import libvirtd
from bootstrap.bridge import Bridge
from bootstrap.context import Context
from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation
from bootstrap.portal import DAEMONS
from bootstrap.services import await_answer
from bootstrap.terminal import say, tail

LINES_SHOWN = 4000


def down(installations: Sequence[Installation], *, purge: bool) -> None:
    """Stop everything we started. Machines go on running; with `purge` they, the bridge and all
    files of the installation go too."""
    if not installations:
        say("Nothing is installed here.")
    for installation in installations:
        context = Context.of(installation)
        if purge and installation.memory.kind == "kvm":
            _remove_machines(context)
        if context.supervisor.is_running():
            left = _daemons_others_need(context)
            context.supervisor.stop()
            say(f"{installation.var}: stopped{'' if purge else _what_goes_on(installation)}")
            for daemon in left:
                libvirtd.start_alone(daemon, installation.log / "install.log")
                say(f"{daemon} goes on by itself: others' machines are defined here")
        else:
            say(f"{installation.var}: was not running")
        if purge:
            _remove(installation)
            say(f"{installation.var}: removed")
        else:
            installation.memory.stopped = True
            installation.save()


def _what_goes_on(installation: Installation) -> str:
    if installation.memory.kind != "kvm":
        return ""
    return "; its machines and their bridge stay up (PURGE=1 make down removes them)"


def _daemons_others_need(context: Context) -> list[str]:
    """Which of the daemons that we run must outlive us: all, where machines are defined that are not ours."""
    installation = context.installation
    if not installation.memory.own_daemons or not libvirtd.answers("libvirtd"):
        return []
    others = libvirtd.others_machines(installation.storage)
    return installation.memory.own_daemons if others else []


def _remove_machines(context: Context) -> None:
    installation = context.installation
    if not installation.storage.exists() or not shutil.which("virsh"):
        return
    if not libvirtd.answers("libvirtd"):
        if not context.portal.is_installed():
            repair = "make up && PURGE=1 make down"
            raise CheckFailed("machines may be left here, and libvirtd does not run", repair=repair)
        installation.memory.own_daemons = libvirtd.wanted_daemons([], supervised=False)
        libvirtd.start_by_systemd(installation.log / "install.log")
        daemons = [program for program in context.portal.programs() if program.name in DAEMONS]
        context.supervisor.start(daemons)
        libvirtd.await_answer()
    for uuid in libvirtd.own_machines(installation.storage):
        libvirtd.remove_machine(uuid)
        say(f"machine {uuid}: removed")


def _remove(installation: Installation) -> None:
    memory = installation.memory
    if memory.bridge:
        Bridge(memory.bridge, memory.subnet, memory.name).remove()
    if memory.kind == "kvm" and installation.storage.exists():
        shutil.rmtree(installation.storage)
        if not any(installation.storage.parent.iterdir()):
            installation.storage.parent.rmdir()
    if installation.socket.parent != installation.run:
        shutil.rmtree(installation.socket.parent, ignore_errors=True)
    shutil.rmtree(installation.var)


def status(installations: Sequence[Installation]) -> None:
    """Show every process and whether the portal answers; CheckFailed if something is amiss.
    A demo that `make down` stopped is not."""
    if not installations:
        raise CheckFailed("nothing is installed here", repair="make up  (or: make demo)")
    shown = [(installation.memory.kind, _show(installation)) for installation in installations]
    amiss = [problem for _kind, problems in shown for problem in problems]
    if amiss:
        real = any(problems for kind, problems in shown if kind == "kvm")
        raise CheckFailed("; ".join(amiss), repair="make up" if real else "make demo")


def _show(installation: Installation) -> list[str]:
    context = Context.of(installation)
    kind = "real hosts" if installation.memory.kind == "kvm" else "simulator"
    say(f"{installation.var} ({kind})  {installation.url}/")
    rows = context.supervisor.statuses()
    if not rows:
        if installation.memory.kind == "simulator" and installation.memory.stopped:
            say("  The demo is stopped. Start it: make demo")
            return []
        say("  not running")
        return [f"{installation.var} is not running"]
    for row in rows:
        say(f"  {row.name:14} {row.state:9} pid {row.pid:<8} up {_duration(row.up_seconds)}")
    amiss = [f"{row.name} is {row.state}" for row in rows if row.state != "RUNNING"]
    try:
        await_answer(installation, seconds=5)
    except CheckFailed as failure:
        amiss.append(failure.what)
    memory = installation.memory
    if memory.kind == "kvm":
        if not libvirtd.answers("libvirtd"):
            amiss.append("libvirtd does not answer")
        if memory.bridge and not Bridge(memory.bridge, memory.subnet, memory.name).is_up():
            amiss.append(f"bridge {memory.bridge} is not up")
    return amiss


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h {rest // 60:02} min" if hours else f"{rest // 60} min {rest % 60:02} s"


def logs(installations: Sequence[Installation]) -> None:
    """The end of every log; with FOLLOW=1 they are followed until interrupted."""
    every = [path for found in installations for path in sorted(found.log.glob("*.log"))]
    files = [path for path in every if path.stat().st_size]
    if not files:
        raise CheckFailed("there are no logs here", repair="make up  (or: make demo)")
    if os.environ.get("FOLLOW") == "1":
        subprocess.run(["tail", "-n", "20", "-F", *map(str, files)], check=False)
        return
    for path in files:
        say(f"==> {path} <==")
        sys.stdout.write(_whole_lines(path))
        say()


def _whole_lines(path: Path) -> str:
    text = tail(path, LINES_SHOWN)
    if path.stat().st_size > LINES_SHOWN:
        text = text.partition("\n")[2]
    return text if text.endswith("\n") else text + "\n"
