"""What a driver may raise. Everything else that leaves a driver is a bug.

`code` is stable: the API's problem codes and the user's texts are looked up by it.
`retry` says whether the same call can succeed later with nobody changing anything.
`technical` is for the operator's "Technical details"; it never holds a secret.
"""

from __future__ import annotations


class DriverError(Exception):
    """The host or its hypervisor could not do what was asked."""

    code = "driver_failed"
    retry = False

    def __init__(self, technical: str = "", **params: str | int) -> None:
        super().__init__(technical or self.__doc__)
        self.technical = technical[:2000]
        self.params = params


class HostUnreachable(DriverError):
    """The host does not answer."""

    code = "host_unreachable"
    retry = True


class HostKeyMismatch(DriverError):
    """The host shows another key than the one that was recorded for it."""

    code = "host_key_mismatch"


class AccessDenied(DriverError):
    """The host does not let us in with this user and key."""

    code = "host_access_denied"


class DeadlineExceeded(DriverError):
    """The host took longer than the call may take."""

    code = "host_timeout"
    retry = True


class HostBusy(DriverError):
    """The host is doing something else with the same object."""

    code = "host_busy"
    retry = True


class MachineNotFound(DriverError):
    """The host does not know this machine."""

    code = "machine_not_found"


class ObjectMissing(DriverError):
    """A file or image that the call builds on is not there."""

    code = "object_missing"


class PoolFull(DriverError):
    """The storage pool has no room left."""

    code = "pool_full"


class HypervisorRefused(DriverError):
    """The hypervisor refuses what was asked, and would again."""

    code = "hypervisor_refused"


class CommandFailed(DriverError):
    """A command on the host ended with an error."""

    code = "command_failed"


class ImageRejected(DriverError):
    """The disk image is not one that may be used. `params["reason"]` is one of
    not_an_image, wrong_format, backing_file, data_file, too_large, encrypted, damaged."""

    code = "image_rejected"
