"""Which of our errors a libvirt error is: the one place that knows libvirt's codes."""

from __future__ import annotations

import errno
import re

import libvirt

from workers.drivers.errors import (
    AccessDenied,
    DriverError,
    HostBusy,
    HostKeyMismatch,
    HostUnreachable,
    HypervisorRefused,
    MachineNotFound,
    ObjectMissing,
    PoolFull,
)

_BY_CODE: dict[int, type[DriverError]] = {
    libvirt.VIR_ERR_NO_DOMAIN: MachineNotFound,
    libvirt.VIR_ERR_OPERATION_TIMEOUT: HostBusy,
    libvirt.VIR_ERR_RESOURCE_BUSY: HostBusy,
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE: HostBusy,
    libvirt.VIR_ERR_AUTH_FAILED: AccessDenied,
    libvirt.VIR_ERR_AUTH_CANCELLED: AccessDenied,
    libvirt.VIR_ERR_AUTH_UNAVAILABLE: AccessDenied,
    libvirt.VIR_ERR_OPERATION_DENIED: AccessDenied,
    libvirt.VIR_ERR_ACCESS_DENIED: AccessDenied,
    libvirt.VIR_ERR_NO_CONNECT: HostUnreachable,
    libvirt.VIR_ERR_INVALID_CONN: HostUnreachable,
    libvirt.VIR_ERR_GNUTLS_ERROR: HostUnreachable,
    libvirt.VIR_ERR_NO_NAME: HypervisorRefused,
    libvirt.VIR_ERR_XML_ERROR: HypervisorRefused,
    libvirt.VIR_ERR_XML_DETAIL: HypervisorRefused,
    libvirt.VIR_ERR_XML_INVALID_SCHEMA: HypervisorRefused,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED: HypervisorRefused,
    libvirt.VIR_ERR_NO_SUPPORT: HypervisorRefused,
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED: HypervisorRefused,
    libvirt.VIR_ERR_INVALID_ARG: HypervisorRefused,
    libvirt.VIR_ERR_OPERATION_UNSUPPORTED: HypervisorRefused,
    libvirt.VIR_ERR_OPERATION_INVALID: HypervisorRefused,
    libvirt.VIR_ERR_OPERATION_FAILED: HypervisorRefused,
    libvirt.VIR_ERR_DOM_EXIST: HypervisorRefused,
    libvirt.VIR_ERR_INTERNAL_ERROR: HypervisorRefused,
}

_BY_ERRNO: dict[int, type[DriverError]] = {
    errno.ENOENT: ObjectMissing,
    errno.ENOTDIR: ObjectMissing,
    errno.ENOSPC: PoolFull,
    errno.EDQUOT: PoolFull,
    errno.EBUSY: HostBusy,
    errno.EACCES: AccessDenied,
    errno.EPERM: AccessDenied,
    errno.ENODEV: HypervisorRefused,
}
"""For VIR_ERR_SYSTEM_ERROR, which carries the errno of the host."""

_TRANSPORT_TEXTS: tuple[tuple[str, type[DriverError]], ...] = (
    ("Host key verification failed", HostKeyMismatch),
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", HostKeyMismatch),
    ("Failed to verify peer's certificate", HostKeyMismatch),
    ("Permission denied", AccessDenied),
    ("Too many authentication failures", AccessDenied),
)
"""What ssh and TLS say when they give up; they have no codes."""

_QEMU_TEXTS: tuple[tuple[str, type[DriverError]], ...] = (
    ("No space left on device", PoolFull),
    ("No such file or directory", ObjectMissing),
)
"""QEMU's last words, which libvirt hands on as an internal error."""

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


def connection_is_lost(error: libvirt.libvirtError) -> bool:
    """Whether it was the way to the host that failed, not what was asked of it."""
    if error.get_error_domain() in {libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE}:
        return True
    return error.get_error_code() in {libvirt.VIR_ERR_INVALID_CONN, libvirt.VIR_ERR_NO_CONNECT}


def from_libvirt(error: libvirt.libvirtError) -> DriverError:
    """Unknown codes become a plain `DriverError`, which nobody repeats by itself."""
    text = error.get_error_message() or str(error)
    kind = _kind(error, text)
    if kind is HostKeyMismatch:
        shown = _FINGERPRINT.search(text)
        text = f"the host shows the key {shown[0]}" if shown else text
    return kind(text)


def _kind(error: libvirt.libvirtError, text: str) -> type[DriverError]:
    code = error.get_error_code()
    if connection_is_lost(error):
        denied = _BY_CODE.get(code) is AccessDenied
        return _by_text(_TRANSPORT_TEXTS, text, AccessDenied if denied else HostUnreachable)
    if code == libvirt.VIR_ERR_SYSTEM_ERROR:
        return _BY_ERRNO.get(error.get_int1(), DriverError)
    found = _BY_CODE.get(code, DriverError)
    return _by_text(_QEMU_TEXTS, text, found) if code == libvirt.VIR_ERR_INTERNAL_ERROR else found


def _by_text(
    texts: tuple[tuple[str, type[DriverError]], ...], text: str, otherwise: type[DriverError]
) -> type[DriverError]:
    return next((kind for words, kind in texts if words in text), otherwise)
