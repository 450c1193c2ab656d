"""Active Directory for tests: Samba's domain controller in net, mount and pid namespaces of its own. It takes
the ports 389 and 636 there, of a loopback that nobody else has."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bootstrap.slapd import make_authority

BASE = "DC=campus,DC=example"
PEOPLE = f"OU=People,{BASE}"
GROUPS = f"OU=Groups,{BASE}"
READER, READER_PASSWORD = f"CN=portal,{PEOPLE}", "Reader-of-Campus-1"
PASSWORD = "Secret-of-{name}-1"
MANY = 1_100
"""People without a password: more than Active Directory puts on a page."""
START_SECONDS = 240.0
_CLONE_NEWNET = 0x40000000

SCRIPT = """\
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/samba /run/lock
ip link set lo up
samba-tool domain provision --server-role=dc --dns-backend=NONE --targetdir={folder}/ad \
  --realm=CAMPUS.EXAMPLE --domain=CAMPUS --adminpass=Adm1n-of-Campus --host-name=dc1 --host-ip=127.0.0.1 \
  --option=interfaces=lo '--option=bind interfaces only=yes'
/usr/bin/python3 {folder}/people.py {folder}/ad/etc/smb.conf
exec samba -F --no-process-group --debug-stdout -M single -s {folder}/ad/etc/smb.conf \
  '--option=server services=ldap' '--option=pid directory=/run/samba' \
  '--option=ncalrpc dir=/run/samba/ncalrpc' '--option=tls keyfile={folder}/server.key' \
  '--option=tls certfile={folder}/server.pem' '--option=tls cafile={folder}/ca.pem'
"""

PEOPLE_SCRIPT = f"""\
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

lp = LoadParm()
lp.load(sys.argv[1])
db = SamDB(url=lp.private_path("sam.ldb"), session_info=system_session(), lp=lp)
db.transaction_start()
db.create_ou("{PEOPLE}")
db.create_ou("{GROUPS}")
for n in range({MANY}):
    name = f"extra{{n:04}}"
    db.add({{"dn": f"CN={{name}},{PEOPLE}", "objectClass": "user", "sAMAccountName": name}})
db.transaction_commit()
db.newuser("portal", "{READER_PASSWORD}", userou="OU=People")
for name in ("anna", "nikos", "lefteris"):
    password = "{PASSWORD}".format(name=name)
    mail = f"{{name}}@campus.example"
    db.newuser(name, password, userou="OU=People", givenname=name.title(), mailaddress=mail)
db.disable_account("(sAMAccountName=lefteris)")
for name in ("physics-students", "students", "campus", "extras"):
    db.newgroup(name, groupou="OU=Groups")
db.add_remove_group_members("physics-students", ["anna", "lefteris"])
db.add_remove_group_members("students", ["physics-students"])
db.add_remove_group_members("campus", ["students"])
db.add_remove_group_members("students", ["campus"])
db.add_remove_group_members("extras", [f"extra{{n:04}}" for n in range({MANY})])
"""


class PrivateSamba:
    """A domain controller that lives as long as the block; `inside` lets this thread reach it."""

    uris = ("ldaps://127.0.0.1", "ldap://127.0.0.1")

    def __enter__(self) -> PrivateSamba:
        self._held = tempfile.TemporaryDirectory(prefix="cloudportal-samba-", ignore_cleanup_errors=True)
        self.folder = Path(self._held.name)
        make_authority(self.folder)
        (self.folder / "people.py").write_text(PEOPLE_SCRIPT)
        (self.folder / "start.sh").write_text(SCRIPT.format(folder=self.folder))
        with (self.folder / "log").open("w") as log:
            argv = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
            self._process = subprocess.Popen(
                [*argv, "sh", str(self.folder / "start.sh")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
            )
        try:
            self._await()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _await(self) -> None:
        limit = time.monotonic() + START_SECONDS
        while not self._listens():
            log = self.folder / "log"
            assert self._process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < limit, log.read_text()[-2000:]
            time.sleep(0.1)

    def _listens(self) -> bool:
        try:
            table = Path(f"/proc/{self._child}/net/tcp").read_text()
        except (OSError, IndexError):
            return False
        return f"0100007F:{636:04X} 00000000:0000 0A" in table

    @property
    def _child(self) -> str:
        pid = self._process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """This thread, and those that it starts, are on the controller's network."""
        libc = ctypes.CDLL(None, use_errno=True)
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self._child}/ns/net", os.O_RDONLY)
        try:
            assert libc.setns(there, _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            yield
        finally:
            libc.setns(here, _CLONE_NEWNET)
            os.close(here)
            os.close(there)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(timeout=10)
        self._held.cleanup()

    def settings(self) -> dict[str, Any]:
        return {
            "kind": "active_directory",
            "name": "Active campus",
            "servers": list(self.uris),
            "ca_certificate": (self.folder / "ca.pem").read_text(),
            "bind_dn": READER,
            "bind_password": READER_PASSWORD,
            "people_bases": [PEOPLE],
            "group_bases": [GROUPS, f"CN=Users,{BASE}"],
        }
