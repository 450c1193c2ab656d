"""A BIOS-bootable disk: SYSLINUX with kernel and initramfs on a FAT partition, the rest on ext4.

Nothing is mounted and no loop device is used, so it needs no privileges.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guest.packages import PackageCache
from guest.run import BuildFailed, run

_SECTOR = 512
_ALIGNMENT = 1024 * 1024
_FAT, _LINUX = 0x0C, 0x83

# GRUB and older e2fsprogs know neither; the image stays readable for them.
_EXT4_FEATURES = "^metadata_csum_seed,^orphan_file"


@dataclass(frozen=True)
class DiskPlan:
    """What goes on the disk. Sizes are whole MiB, in bytes; `label` names the ext4 file system.

    `boot_files` are put on the boot partition under their names there, besides `syslinux.cfg`, which
    is `boot_config`. With `owned_by_root` every file below `tree` is root's in the image, whoever
    owns it here.
    """

    tree: Path
    label: str
    size_bytes: int
    boot_bytes: int
    boot_config: str
    boot_files: Mapping[str, Path]
    owned_by_root: bool = True
    ext4_options: Sequence[str] = field(default_factory=tuple)


def write_disk(disk: Path, plan: DiskPlan, packages: PackageCache) -> None:
    """Make the raw image `disk`."""
    boot_start = _ALIGNMENT
    root_start = boot_start + plan.boot_bytes
    record = packages.find("usr/lib/syslinux/mbr/mbr.bin").read_bytes()
    entries = _partition(boot_start, plan.boot_bytes, _FAT, active=True)
    entries += _partition(root_start, plan.size_bytes - root_start, _LINUX)
    with disk.open("wb") as file:
        file.truncate(plan.size_bytes)
        file.write(record[:440].ljust(446, b"\0") + entries.ljust(64, b"\0") + b"\x55\xaa")
    _write_boot_partition(disk, boot_start, plan, packages)
    _write_root_partition(disk, root_start, plan)


def _partition(start: int, size: int, kind: int, *, active: bool = False) -> bytes:
    # Cylinders, heads and sectors hold the values that say "too far for them: use the block numbers".
    far = b"\xfe\xff\xff"
    state = 0x80 if active else 0
    return struct.pack("<B3sB3sII", state, far, kind, far, start // _SECTOR, size // _SECTOR)


def _write_boot_partition(disk: Path, start: int, plan: DiskPlan, packages: PackageCache) -> None:
    tools = [packages.find(f"**/bin/{name}").parent for name in ("mcopy", "syslinux")]
    env = {
        "PATH": os.pathsep.join([*map(str, tools), os.environ.get("PATH", os.defpath)]),
        "MTOOLS_SKIP_CHECK": "1",
    }
    first = str(start // _SECTOR)
    blocks = str(plan.boot_bytes // 1024)
    mkfs = packages.find("**/sbin/mkfs.vfat")
    run([mkfs, "-F", "16", "-h", first, "--offset", first, "-n", "BOOT", disk, blocks], env=env)
    config = disk.with_suffix(".cfg")
    config.write_text(plan.boot_config)
    for name, source in {"syslinux.cfg": config, **plan.boot_files}.items():
        run([tools[0] / "mcopy", "-i", f"{disk}@@{start}", source, f"::{name}"], env=env)
    run([tools[1] / "syslinux", "--offset", str(start), "--install", disk], env=env)


def _write_root_partition(disk: Path, start: int, plan: DiskPlan) -> None:
    options = ["-O", _EXT4_FEATURES, "-E", f"offset={start},root_owner=0:0", *plan.ext4_options]
    blocks = f"{(plan.size_bytes - start) // 1024}k"
    run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", plan.label, *options, "-d", plan.tree, disk, blocks])
    if not plan.owned_by_root:
        return
    names = [str(path.relative_to(plan.tree)) for path in sorted(plan.tree.rglob("*"))]
    if any('"' in name or "\n" in name for name in names):
        raise BuildFailed("a file name that debugfs cannot be told")
    commands = "".join(
        f'set_inode_field "/{name}" {field_name} 0\n' for name in names for field_name in ("uid", "gid")
    )
    run(["debugfs", "-w", "-f", "-", f"{disk}?offset={start}"], stdin=commands)
