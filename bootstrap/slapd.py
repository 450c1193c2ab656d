"""OpenLDAP servers of our own, on loopback: certificate, configuration, data."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.installation import some_free_port, write_private

SCHEMAS = Path("/etc/ldap/schema")
MODULES = Path("/usr/lib/ldap")
CONFINED = Path("/etc/apparmor.d/usr.sbin.slapd")
ANSWER_SECONDS = 10.0
START_ATTEMPTS = 5
DAYS = 3650

Entry = tuple[str, Mapping[str, Sequence[str]]]
"""A DN and its attributes."""


def program(folder: Path) -> str:
    """slapd, which lies where a user's PATH may not lead. Where AppArmor binds it by its path to the
    machine's own directory (Ubuntu), a copy of it beside ours."""
    found = shutil.which("slapd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if found is None:
        raise CheckFailed("slapd is missing", repair="apt-get install --yes slapd")
    if not CONFINED.exists():
        return found
    copy = folder / "slapd"
    if not copy.exists():
        shutil.copy2(found, copy)
    return str(copy)


def password_hash(password: str) -> str:
    """{SSHA}: what every slapd understands without a module. Our passwords are random."""
    salt = secrets.token_bytes(8)
    digest = hashlib.sha1(password.encode() + salt).digest()  # noqa: S324 - slapd's own format
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def ldif(entries: Iterable[Entry]) -> str:
    """RFC 2849; every value in base64, so that none can be taken for anything else."""
    return "\n".join(
        f"dn:: {_base64(dn)}\n"
        + "".join(f"{name}:: {_base64(value)}\n" for name, values in attributes.items() for value in values)
        for dn, attributes in entries
    )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def make_authority(folder: Path, *, name: str = "Demo campus") -> None:
    """`ca.pem`, and `server.pem` with `server.key` for loopback, signed by it. The authority's own key is
    not kept: nothing else will ever be signed by it."""
    key = folder / "ca.key"
    usage = [
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    ]
    _certificate(folder / "ca.pem", key, f"/CN={name} authority", usage)
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"]
    signed = [*names, "-CA", str(folder / "ca.pem"), "-CAkey", str(key)]
    _certificate(folder / "server.pem", folder / "server.key", "/CN=localhost", signed)
    key.unlink()


def _certificate(certificate: Path, key: Path, subject: str, more: Sequence[str]) -> None:
    write_private(key, "")
    argv = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-sha256",
    ]
    argv += ["-days", str(DAYS), "-subj", subject, "-keyout", str(key), "-out", str(certificate), *more]
    _run(argv, repair="apt-get install --yes openssl")


def configuration(folder: Path, *, suffix: str, root_password: str, reader: str = "", more: str = "") -> str:
    """One database below `suffix`, on disk in `folder`. Whoever is bound may read, and `reader` without
    limits; nobody sees a password, and without TLS nobody is bound."""
    schemas = "".join(
        f"include {SCHEMAS / name}.schema\n" for name in ("core", "cosine", "inetorgperson", "nis")
    )
    limits = f'limits dn.exact="{reader}" size=unlimited size.prtotal=unlimited\n' if reader else ""
    return (
        f'{schemas}pidfile "{folder}/slapd.pid"\nargsfile "{folder}/slapd.args"\n'
        f"modulepath {MODULES}\nmoduleload back_mdb\nmoduleload ppolicy\n"
        f'TLSCACertificateFile "{folder}/ca.pem"\nTLSCertificateFile "{folder}/server.pem"\n'
        f'TLSCertificateKeyFile "{folder}/server.key"\n'
        "security simple_bind=64\ndisallow bind_anon\nrequire authc\n"
        f'database mdb\nsuffix "{suffix}"\nrootdn "cn=root,{suffix}"\nrootpw {password_hash(root_password)}\n'
        f'directory "{folder}/data"\nmaxsize 268435456\n{limits}'
        "index objectClass,entryUUID,uid,member,uniqueMember,memberUid eq\n"
        "overlay ppolicy\n"
        f"access to attrs=userPassword by anonymous auth by * none\naccess to * by users read\n{more}"
    )


def load(folder: Path, text: str, entries: Iterable[Entry]) -> None:
    """Write the configuration and make a new database of the entries."""
    write_private(folder / "slapd.conf", text)
    shutil.rmtree(folder / "data", ignore_errors=True)
    (folder / "data").mkdir(mode=0o700)
    write_private(folder / "data.ldif", ldif(entries))
    _run(
        [program(folder), "-Tadd", "-q", "-f", str(folder / "slapd.conf"), "-l", str(folder / "data.ldif")],
        repair=f"slapadd -u -f {folder}/slapd.conf -l {folder}/data.ldif",
    )
    (folder / "data.ldif").unlink()


def command(folder: Path, uris: Sequence[str]) -> list[str]:
    """slapd in the foreground."""
    return [program(folder), "-f", str(folder / "slapd.conf"), "-h", " ".join(uris), "-d", "0"]


def _run(argv: Sequence[str], *, repair: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CheckFailed(f"{Path(argv[0]).name} failed", repair=repair, details=done.stdout + done.stderr)


class PrivateSlapd:
    """A server that lives as long as the block, and may be stopped and started within it."""

    def __init__(self, entries: Iterable[Entry], *, suffix: str, reader: str = "", more: str = "") -> None:
        self.suffix = suffix
        self.root_password = secrets.token_urlsafe(18)
        self._entries, self._reader, self._more = entries, reader, more
        self._process: subprocess.Popen[bytes] | None = None
        self.port = self.tls_port = 0

    @property
    def uris(self) -> tuple[str, str]:
        """LDAPS, and LDAP for StartTLS."""
        return f"ldaps://127.0.0.1:{self.tls_port}", f"ldap://127.0.0.1:{self.port}"

    @property
    def authority(self) -> str:
        return (self.folder / "ca.pem").read_text()

    def __enter__(self) -> PrivateSlapd:
        self._held = tempfile.TemporaryDirectory(prefix="cloudportal-slapd-")
        self.folder = Path(self._held.name)
        try:
            make_authority(self.folder, name=secrets.token_hex(4))
            text = configuration(
                self.folder,
                suffix=self.suffix,
                root_password=self.root_password,
                reader=self._reader,
                more=self._more,
            )
            load(self.folder, text, self._entries)
            self._start_on_free_ports()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start_on_free_ports(self) -> None:
        for _ in range(START_ATTEMPTS):
            self.port, self.tls_port = some_free_port(17389), some_free_port(18636)
            if self.start():
                return
        raise CheckFailed("slapd does not start", repair=f"slapd -f {self.folder}/slapd.conf -d 256")

    def start(self) -> bool:
        """Whether it came up; not if one of its ports was taken meanwhile."""
        self._process = subprocess.Popen(
            command(self.folder, self.uris),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        limit = time.monotonic() + ANSWER_SECONDS
        while self._process.poll() is None and time.monotonic() < limit:
            if all(_listens(port) for port in (self.port, self.tls_port)):
                return self._process.poll() is None
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._held.cleanup()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
