"""The qcow2 header tells whether an image stands on its own, without QEMU opening it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.drivers.storage.qcow2 import HEADER_BYTES, MAGIC, Qcow2Header, parse_header


def header(
    *,
    version: int = 3,
    backing_offset: int = 0,
    cluster_bits: int = 16,
    size: int = 2**30,
    crypt: int = 0,
    features: int = 0,
) -> bytes:
    begin = struct.pack(">4sIQIIQI", MAGIC, version, backing_offset, 0, cluster_bits, size, crypt)
    tables = struct.pack(">IQQIIQ", 1, 0x30000, 0x10000, 1, 0, 0)
    return begin + tables + struct.pack(">QQQII", features, 0, 0, 4, HEADER_BYTES)


def test_a_plain_image_stands_alone() -> None:
    found = parse_header(header())
    assert found == Qcow2Header(2**30, backing_file=False, data_file=False, encrypted=False, corrupt=False)
    assert found.stands_alone


@pytest.mark.parametrize(
    ("head", "attribute"),
    [
        (header(backing_offset=104), "backing_file"),
        (header(features=1 << 2), "data_file"),
        (header(crypt=1), "encrypted"),
        (header(crypt=2), "encrypted"),
    ],
)
def test_what_needs_another_file_or_a_key_does_not(head: bytes, attribute: str) -> None:
    found = parse_header(head)
    assert getattr(found, attribute)
    assert not found.stands_alone


def test_a_mark_of_corruption_is_seen() -> None:
    assert parse_header(header(features=1 << 1)).corrupt


def test_version_2_has_no_features() -> None:
    assert parse_header(header(version=2, features=1 << 2)[:72]).stands_alone


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"QFI",
        b"hello",
        header()[:71],
        header()[:103],
        header(version=1),
        header(version=4),
        header(cluster_bits=8),
        header(cluster_bits=22),
        header(features=1 << 5),
    ],
)
def test_what_qemu_would_not_open_is_no_image(head: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_header(head)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(rest: bytes) -> None:
    try:
        found = parse_header(MAGIC + rest)
    except ValueError:
        return
    assert 0 <= found.virtual_size_bytes < 2**64
