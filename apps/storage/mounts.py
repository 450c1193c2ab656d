"""Storage that a server exports: what it may be, and where it is mounted."""

from __future__ import annotations

import re
from typing import Protocol
from uuid import UUID

from django.conf import settings

from apps.core.checks import clean_host_address, clean_notes, clean_path
from apps.core.errors import InvalidInput

DRIVERS = ("directory", "nfs", "gluster")
MOUNTED = {"nfs": "nfs", "gluster": "glusterfs"}
"""The drivers that mount, and mount's own word for each."""

_DEFAULT_OPTIONS = {"nfs": "nodev,nosuid,noexec,hard", "gluster": "nodev,nosuid,noexec"}
_OPTIONS = re.compile(r"[a-z0-9_.-]+(=[A-Za-z0-9_.:/-]+)?(,[a-z0-9_.-]+(=[A-Za-z0-9_.:/-]+)?)*")
MOUNT_OPTIONS, BACKUP_SERVERS = "mount_options", "backup_servers"
"""Settings that a mount uses. All others are notes: how a volume's bricks are laid out, for example."""


class Stored(Protocol):
    """A primary or secondary storage."""

    uuid: UUID
    driver: str
    server: str
    path: str


def clean_place(driver: object, server: object, path: object) -> tuple[str, str, str]:
    """The three that say where files lie: a server exactly with a driver that mounts."""
    if not isinstance(driver, str) or driver not in DRIVERS:
        raise InvalidInput("not_a_choice", place="driver", known=", ".join(DRIVERS))
    address = clean_host_address(server, place="server")
    if driver in MOUNTED and not address:
        raise InvalidInput("server_needed", place="server")
    if driver not in MOUNTED and address:
        raise InvalidInput("server_without_protocol", place="server")
    return driver, address, clean_path(path)


def clean_storage_settings(value: object, *, place: str = "settings") -> dict[str, str]:
    notes = clean_notes(value, place=place)
    if MOUNT_OPTIONS in notes and not _OPTIONS.fullmatch(notes[MOUNT_OPTIONS]):
        raise InvalidInput("not_mount_options", place=f"{place}.{MOUNT_OPTIONS}")
    for server in filter(None, notes.get(BACKUP_SERVERS, "").split(":")):
        clean_host_address(server, place=f"{place}.{BACKUP_SERVERS}")
    return notes


def mount_point(storage: Stored) -> str:
    """The same on every machine, so that a disk has one path wherever its machine runs."""
    return f"{settings.MOUNTS}/{storage.uuid}"


def mount_options(driver: str, wanted: dict[str, str]) -> str:
    options = wanted.get(MOUNT_OPTIONS) or _DEFAULT_OPTIONS[driver]
    if driver == "gluster" and wanted.get(BACKUP_SERVERS):
        options += f",backup-volfile-servers={wanted[BACKUP_SERVERS]}"
    return options


def folder_of(storage: Stored) -> str:
    """Where its files lie. Of what is mounted that is a folder inside, which is not there while nothing
    is mounted."""
    return f"{mount_point(storage)}/cloudportal" if storage.driver in MOUNTED else storage.path
