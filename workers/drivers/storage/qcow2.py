"""The header of a qcow2 image, read without QEMU. Layout: docs/interop/qcow2.txt of QEMU."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER_BYTES = 104
"""All fixed fields of version 3; version 2 has the first 72."""

MAGIC = b"QFI\xfb"

_VERSION_2 = struct.Struct(">4sIQIIQIIQQIIQ")
_FEATURES = struct.Struct(">Q")
_CORRUPT, _DATA_FILE = 1 << 1, 1 << 2
_KNOWN_FEATURES = 0b11111


@dataclass(frozen=True, slots=True)
class Qcow2Header:
    """What decides whether an image stands on its own."""

    virtual_size_bytes: int
    backing_file: bool
    data_file: bool
    encrypted: bool
    corrupt: bool

    @property
    def stands_alone(self) -> bool:
        """Whether reading it opens no other file and needs no key."""
        return not (self.backing_file or self.data_file or self.encrypted)


def parse_header(head: bytes) -> Qcow2Header:
    """`head` is the beginning of the file. ValueError if it is no qcow2 that QEMU would open."""
    if len(head) < _VERSION_2.size or not head.startswith(MAGIC):
        raise ValueError("not a qcow2 image")
    fields = _VERSION_2.unpack_from(head)
    version, backing_offset, cluster_bits, size, crypt = (fields[i] for i in (1, 2, 4, 5, 6))
    if version not in (2, 3) or not 9 <= cluster_bits <= 21:
        raise ValueError(f"qcow2 version {version} with clusters of 2^{cluster_bits} bytes")
    features = 0
    if version == 3:
        if len(head) < HEADER_BYTES:
            raise ValueError("the qcow2 header is cut off")
        (features,) = _FEATURES.unpack_from(head, _VERSION_2.size)
        if features & ~_KNOWN_FEATURES:
            raise ValueError(f"unknown qcow2 features {features:#x}")
    return Qcow2Header(
        virtual_size_bytes=size,
        backing_file=backing_offset != 0,
        data_file=bool(features & _DATA_FILE),
        encrypted=crypt != 0,
        corrupt=bool(features & _CORRUPT),
    )
