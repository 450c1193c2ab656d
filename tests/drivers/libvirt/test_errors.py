"""Each libvirt error becomes the one of ours that says what an operation may do about it."""

from __future__ import annotations

import errno
from typing import Any

import pytest

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

libvirt: Any = pytest.importorskip("libvirt")
errors: Any = pytest.importorskip("workers.drivers.libvirt.errors")

QEMU, RPC = libvirt.VIR_FROM_QEMU, libvirt.VIR_FROM_RPC
SYSTEM, INTERNAL = libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR


def libvirt_error(code: int, text: str = "words", *, domain: int = QEMU, number: int = -1) -> Exception:
    error: Exception = libvirt.libvirtError("")
    error.err = (code, domain, text, 2, "", "", "", number, -1)  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (libvirt_error(libvirt.VIR_ERR_NO_DOMAIN), MachineNotFound),
        (libvirt_error(libvirt.VIR_ERR_OPERATION_TIMEOUT), HostBusy),
        (libvirt_error(libvirt.VIR_ERR_RESOURCE_BUSY), HostBusy),
        (libvirt_error(libvirt.VIR_ERR_OPERATION_INVALID), HypervisorRefused),
        (libvirt_error(libvirt.VIR_ERR_XML_ERROR), HypervisorRefused),
        (libvirt_error(libvirt.VIR_ERR_CONFIG_UNSUPPORTED), HypervisorRefused),
        (libvirt_error(libvirt.VIR_ERR_AUTH_UNAVAILABLE), AccessDenied),
        (libvirt_error(libvirt.VIR_ERR_NO_CONNECT), HostUnreachable),
        (libvirt_error(SYSTEM, number=errno.ENOENT), ObjectMissing),
        (libvirt_error(SYSTEM, number=errno.ENOSPC), PoolFull),
        (libvirt_error(SYSTEM, number=errno.EBUSY), HostBusy),
        (libvirt_error(SYSTEM, number=errno.ERANGE), DriverError),
        (libvirt_error(INTERNAL, "qemu: No space left on device"), PoolFull),
        (libvirt_error(INTERNAL, "qemu: cannot set up guest memory"), HypervisorRefused),
        (libvirt_error(INTERNAL, "client socket is closed", domain=RPC), HostUnreachable),
        (libvirt_error(SYSTEM, "Cannot recv data: Connection reset", domain=RPC), HostUnreachable),
        (libvirt_error(SYSTEM, "Failed to connect socket: Permission denied", domain=RPC), AccessDenied),
        (libvirt_error(SYSTEM, "root@h: Permission denied (publickey).", domain=RPC), AccessDenied),
        (libvirt_error(SYSTEM, "Host key verification failed.", domain=RPC), HostKeyMismatch),
        (libvirt_error(libvirt.VIR_ERR_AUTH_FAILED, domain=RPC), AccessDenied),
        (
            libvirt_error(libvirt.VIR_ERR_AUTH_FAILED, "Failed to verify peer's certificate", domain=RPC),
            HostKeyMismatch,
        ),
        (libvirt_error(99_999), DriverError),
    ],
)
def test_a_libvirt_error_is_one_of_ours(error: Exception, kind: type[DriverError]) -> None:
    assert type(errors.from_libvirt(error)) is kind


def test_a_host_that_shows_another_key_is_told_by_its_fingerprint() -> None:
    fingerprint = "SHA256:" + "a" * 43
    banner = f"@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\r\nThe key is\r\n{fingerprint}.\r\n"
    found = errors.from_libvirt(libvirt_error(SYSTEM, banner, domain=RPC))
    assert found.technical == f"the host shows the key {fingerprint}"
