"""NoCloud seeds: the small ISO 9660 disk from which a guest learns who it is.

The user's own user data goes in byte for byte. SSH keys travel as `public-keys` in the meta-data,
the name of the default user as vendor data: cloud-init merges both *under* the user data, so a user
who configures accounts himself is never overruled, and nothing of ours is mixed into his file.

Equal specs give equal bytes: a step that writes a seed twice leaves the same disk.
Format: https://docs.cloud-init.io/en/22.4/topics/datasources/nocloud.html
"""

from __future__ import annotations

import io
import ipaddress
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pycdlib
import yaml

VOLUME_LABEL = "cidata"
_SECTOR = 2048
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class SeedNic:
    """One network card, found in the guest by `mac` (lower case, colons).

    `address` is "10.0.0.5/24" or the IPv6 likeness; empty means DHCP. `mtu` 0 leaves the guest's own.
    """

    mac: str
    address: str = ""
    gateway: str = ""
    dns: Sequence[str] = ()
    mtu: int = 0

    def __post_init__(self) -> None:
        if not _MAC.fullmatch(self.mac):
            raise ValueError(f"not a MAC address: {self.mac!r}")
        if self.address:
            ipaddress.ip_interface(self.address)
            if "/" not in self.address:
                raise ValueError(f"address without a prefix length: {self.address!r}")
        for address in (self.gateway, *self.dns):
            if address:
                ipaddress.ip_address(address)
        if self.mtu and not 576 <= self.mtu <= 65535:
            raise ValueError(f"not an MTU: {self.mtu}")


@dataclass(frozen=True, slots=True)
class SeedSpec:
    """What a guest is told at its first start. NICs are in the guest's order: eth0, eth1, ...

    A guest runs its user data once per `instance_id`. `user` renames the image's default user (empty:
    the image's own name); `ssh_keys`, one line each, let in that user, and root where the image allows it.
    """

    instance_id: str
    hostname: str
    ssh_keys: Sequence[str] = ()
    user: str = ""
    user_data: str | bytes = field(default="", repr=False)
    networks: Sequence[SeedNic] = ()

    def __post_init__(self) -> None:
        if not self.instance_id.isprintable() or not self.instance_id:
            raise ValueError(f"not an instance id: {self.instance_id!r}")
        if not _HOSTNAME.fullmatch(self.hostname):
            raise ValueError(f"not a host name: {self.hostname!r}")
        if self.user and not _USER.fullmatch(self.user):
            raise ValueError(f"not a user name: {self.user!r}")
        if not all(key.strip() and key.isprintable() for key in self.ssh_keys):
            raise ValueError("an SSH key is one line of printable characters")


def build_seed(spec: SeedSpec) -> bytes:
    """The seed as a disk image, some 70 KiB and the user data."""
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, vol_ident=VOLUME_LABEL, joliet=3, rock_ridge="1.09")
    for name, content in _files(spec).items():
        image.add_fp(
            io.BytesIO(content),
            len(content),
            iso_path=f"/{name.upper().replace('-', '_')}.;1",
            rr_name=name,
            joliet_path=f"/{name}",
        )
    out = io.BytesIO()
    image.write_fp(out)
    image.close()
    data = bytearray(out.getbuffer())
    _clear_times(data)
    return bytes(data)


def _files(spec: SeedSpec) -> dict[str, bytes]:
    meta: dict[str, Any] = {"instance-id": spec.instance_id, "local-hostname": spec.hostname}
    if spec.ssh_keys:
        meta["public-keys"] = [key.strip() for key in spec.ssh_keys]
    user_data = spec.user_data.encode() if isinstance(spec.user_data, str) else spec.user_data
    files = {"meta-data": _yaml(meta), "user-data": user_data}
    if spec.user:
        files["vendor-data"] = b"#cloud-config\n" + _yaml({"user": {"name": spec.user}})
    if spec.networks:
        ethernets = {f"eth{index}": _ethernet(index, nic) for index, nic in enumerate(spec.networks)}
        files["network-config"] = _yaml({"version": 2, "ethernets": ethernets})
    return files


def _ethernet(index: int, nic: SeedNic) -> dict[str, Any]:
    # set-name: the renderers of cloud-init 22 that know no matching by MAC find the card by its name.
    config: dict[str, Any] = {"match": {"macaddress": nic.mac}, "set-name": f"eth{index}"}
    if nic.address:
        config |= {"dhcp4": False, "addresses": [nic.address]}
    else:
        config["dhcp4"] = True
    if nic.gateway:
        version = ipaddress.ip_address(nic.gateway).version
        config["routes"] = [{"to": "0.0.0.0/0" if version == 4 else "::/0", "via": nic.gateway}]
    if nic.dns:
        config["nameservers"] = {"addresses": list(nic.dns)}
    if nic.mtu:
        config["mtu"] = nic.mtu
    return config


def _yaml(value: dict[str, Any]) -> bytes:
    # One line a value, however long: the tiny guest reads YAML line by line.
    return yaml.safe_dump(value, sort_keys=False, width=1_000_000, allow_unicode=True).encode()


def _clear_times(image: bytearray) -> None:
    """Set every time stamp to "not specified" (ECMA-119 8.4.26.1 and 9.1.5, Rock Ridge TF)."""
    for start in range(16 * _SECTOR, len(image), _SECTOR):
        kind = image[start]
        if kind == 255:
            return
        if kind in (1, 2):
            image[start + 813 : start + 881] = (b"0" * 16 + b"\0") * 4
            root = start + 156
            image[root + 18 : root + 25] = bytes(7)
            for record in _records(image, root):
                image[record + 18 : record + 25] = bytes(7)
                for stamp, length in _time_fields(image, record):
                    image[stamp : stamp + length] = bytes(length)


def _records(image: bytearray, root: int) -> Iterator[int]:
    """Offsets of the records of the directory that the record at `root` describes."""
    (extent,) = struct.unpack_from("<I", image, root + 2)
    (size,) = struct.unpack_from("<I", image, root + 10)
    at = extent * _SECTOR
    end = at + size
    while at < end:
        if image[at] == 0:
            at += _SECTOR - at % _SECTOR
            continue
        yield at
        at += image[at]


def _time_fields(image: bytearray, record: int) -> Iterator[tuple[int, int]]:
    """Offset and length of the Rock Ridge time stamps in one directory record."""
    name_length = image[record + 32]
    at = record + 33 + name_length + (name_length + 1) % 2
    end = record + image[record]
    while at + 4 <= end and image[at + 2] >= 4:
        if image[at : at + 2] == b"TF":
            yield at + 5, image[at + 2] - 5
        at += image[at + 2]
