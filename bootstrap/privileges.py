"""Becoming root where a command needs it, and giving back what is not root's to keep."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.terminal import say, succeeds

PASSED_PREFIXES = ("CLOUDPORTAL_", "PIP_", "NPM_CONFIG_", "npm_config_")
PASSED = frozenset(
    {
        *("BIND", "PORT", "DATABASE_URL", "REDIS_URL", "PURGE", "FOLLOW", "CHROMIUM", "TMPDIR"),
        *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    }
)
"""What a command must see whoever runs it: our own variables, and how this site reaches the network."""


def is_root() -> bool:
    return os.geteuid() == 0


def passed_on(names: Iterable[str]) -> list[str]:
    """Which of the environment's variables go with us through sudo."""
    return sorted(name for name in names if name in PASSED or name.startswith(PASSED_PREFIXES))


def become_root() -> None:
    """Run this command again through sudo where we are not root; returns only as root."""
    if is_root():
        return
    if not succeeds(["sudo", "-V"]):
        target = sys.argv[1] if len(sys.argv) > 1 else "up"
        raise CheckFailed("this needs root, and there is no sudo here", repair=f"su -c 'make {target}'")
    say("This needs root: going on through sudo.")
    preserved = f"--preserve-env={','.join(passed_on(os.environ))}"
    command = ["sudo", preserved, sys.executable, "-m", "bootstrap", *sys.argv[1:]]
    os.execvp("sudo", command)  # noqa: S606 - an argument list, and the same command again


def give_back(checkout: Path) -> None:
    """Under sudo, make what we left in a checkout its user's again, who works on in it without root.
    In var/ only the cache is: an installation stays root's. Links are not followed."""
    owner, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if not is_root() or owner is None or group is None:
        return
    var = checkout / "var"
    tops = [path for path in checkout.iterdir() if path != var]
    tops += [var / "cache"] if (var / "cache").exists() else []
    for path in [var, *(found for top in tops for found in (top, *top.rglob("*")))]:
        if os.path.lexists(path) and path.lstat().st_uid == 0:
            os.lchown(path, int(owner), int(group))
