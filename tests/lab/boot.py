"""The first process of a lab host: mounts what is private to it, starts its daemons, becomes init.

Runs as a plain script inside fresh mount, uts, pid and net namespaces, so it knows only the
standard library. Init must be a program that reaps orphans: libvirt waits 40 s and more for a
QEMU that stays a zombie.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

SERVICES = {
    "sshd": ["-f", "/etc/ssh/sshd_config", "-E", "/var/log/libvirt/sshd.log"],
    "virtlogd": ["--daemon"],
    "libvirtd": ["--daemon"],
}
"""Each turns itself into a daemon and writes /run/<name>.pid."""


HOME = "/run/root"


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def main(plan_path: str) -> None:
    """The plan: {"hostname", "binds": [[source, target]], "programs": {service: absolute path}}."""
    plan = json.loads(Path(plan_path).read_text())
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "tmpfs", "/run")
    for folder in ("/run/sshd", "/run/libvirt", "/run/lock", HOME):
        Path(folder).mkdir()
    for source, target in plan["binds"]:
        mount("--bind", source, target)
    socket.sethostname(plan["hostname"])
    os.environ["HOME"] = HOME
    for service, arguments in SERVICES.items():
        subprocess.Popen([plan["programs"][service], *arguments])
    os.chdir("/")
    os.execvp(plan["programs"]["tini"], ["tini", "--", "sleep", "infinity"])


if __name__ == "__main__":
    main(sys.argv[1])
