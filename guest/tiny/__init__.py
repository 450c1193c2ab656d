"""The tiny demo guest: a small Linux that reads its NoCloud seed and is of use within seconds.

Debian's cloud kernel, busybox, dropbear and the QEMU guest agent on one ext4 partition; x86-64 with
BIOS. `rootfs/` and `initramfs/` hold its own files, `packages.txt` what comes from Debian.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from guest.artifact import digest_of_file, digest_of_sources, is_current, only_builder, publish, workspace
from guest.cpio import write_archive
from guest.disk import DiskPlan, write_disk
from guest.elf import collect_libraries
from guest.kernel import KernelModules
from guest.packages import PackageCache, read_list
from guest.run import Log, run

SIZE_BYTES = 256 * 1024 * 1024
BOOT_BYTES = 24 * 1024 * 1024
LABEL = "cloudportal-root"

_HERE = Path(__file__).resolve().parent
_BUILDER = _HERE.parent

BOOT_MODULES = ("virtio_pci", "virtio_blk")
"""Loaded before the root disk is there; ext4 is part of the kernel."""

ROOT_MODULES = (
    "virtio_net",
    "af_packet",  # the DHCP client's raw socket
    "isofs",  # the seed
    "virtio_console",  # the guest agent's channel
    "virtio_rng",
    "button",  # the power button, which is how a host asks for a shutdown
    "evdev",  # where acpid reads it
    "virtio_balloon",
)

_FOLDERS = (
    *("bin", "dev", "etc/dropbear", "home", "lib64", "mnt", "proc", "root", "run", "srv/www", "sys", "tmp"),
    *("usr/bin", "usr/sbin", "var/lib/cloud", "var/log"),
)

_BOOT_CONFIG = """\
DEFAULT guest
LABEL guest
 KERNEL vmlinuz
 INITRD initramfs
 APPEND console=tty0 console=ttyS0,115200 quiet net.ifnames=0
"""


def build(out: Path, cache: Path, log: Log) -> Path:
    """Make the image `out` (qcow2), unless it already is what these sources and packages give.

    `cache` keeps Debian packages between builds. Raises BuildFailed; `out` is whole or untouched.
    """
    out = out.resolve()
    cache = cache.resolve()
    with only_builder(cache):
        packages = PackageCache(cache / "packages", log)
        packages.fetch(read_list(_HERE / "packages.txt"))
        sources = [*sorted(_BUILDER.glob("*.py")), Path(__file__)]
        digests = [digest_of_file(path) for path in sources]
        inputs = digest_of_sources(
            [_HERE / "rootfs", _HERE / "initramfs"], [*packages.digest_inputs(), *digests]
        )
        if is_current(out, inputs):
            log(f"{out} is up to date")
            return out
        with workspace(cache) as work:
            publish(_build_image(packages, work, log), out, inputs)
    log(f"built {out} ({out.stat().st_size / 1e6:.1f} MB)")
    return out


def _build_image(packages: PackageCache, work: Path, log: Log) -> Path:
    tree = work / "tree"
    log("putting the guest's files together")
    kernel = packages.find("boot/vmlinuz-*")
    modules = KernelModules(kernel.parent.parent)
    _copy_system(tree, packages)
    _copy_modules(tree / "lib/modules", modules)
    _set_modes(tree)
    initramfs = work / "initramfs"
    initramfs.write_bytes(_initramfs(packages, modules))
    log("writing the disk")
    disk = work / "disk.raw"
    plan = DiskPlan(
        tree=tree,
        label=LABEL,
        size_bytes=SIZE_BYTES,
        boot_bytes=BOOT_BYTES,
        boot_config=_BOOT_CONFIG,
        boot_files={"vmlinuz": kernel, "initramfs": initramfs},
        # A small journal is enough for a small disk: it is there for hard stops.
        ext4_options=("-J", "size=4", "-m", "0", "-N", "4096"),
    )
    write_disk(disk, plan, packages)
    image = work / "image.qcow2"
    run(["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", disk, image])
    return image


def _copy_system(tree: Path, packages: PackageCache) -> None:
    shutil.copytree(_HERE / "rootfs", tree, symlinks=True)
    for folder in _FOLDERS:
        (tree / folder).mkdir(parents=True, exist_ok=True)
    (tree / "etc/resolv.conf").symlink_to("../run/resolv.conf")
    (tree / "var/run").symlink_to("../run")
    busybox = packages.find("bin/busybox")
    _install(busybox, tree / "bin/busybox")
    for applet in run([busybox, "--list"]).split():
        if not (tree / "sbin" / applet).is_symlink() and applet != "busybox":
            (tree / "bin" / applet).symlink_to("busybox")
    (tree / "sbin/init").symlink_to("../bin/busybox")
    programs = [packages.find("usr/sbin/dropbear"), packages.find("usr/sbin/qemu-ga")]
    for program in programs:
        _install(program, tree / "usr/sbin" / program.name)
    for name, library in collect_libraries(programs, packages.folders()).items():
        _install(library, tree / ("lib64" if name.startswith("ld-linux") else "lib") / name)


def _install(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755)


def _set_modes(tree: Path) -> None:
    """Modes of a system's files, whatever the umask of who checked out or builds."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    (tree / "tmp").chmod(0o1777)
    (tree / "root").chmod(0o700)
    (tree / "etc/shadow").chmod(0o600)


def _copy_modules(folder: Path, modules: KernelModules) -> None:
    folder.mkdir(parents=True)
    at_boot = modules.load_order(BOOT_MODULES)
    later = [name for name in modules.load_order(ROOT_MODULES) if name not in at_boot]
    for name in later:
        (folder / f"{name}.ko").write_bytes(modules.read(name))
    (folder / "order").write_text("".join(f"{name}\n" for name in later))


def _initramfs(packages: PackageCache, modules: KernelModules) -> bytes:
    order = modules.load_order(BOOT_MODULES)
    program = stat.S_IFREG | 0o755
    data = stat.S_IFREG | 0o644
    folder = stat.S_IFDIR | 0o755
    files = {
        **dict.fromkeys(("dev", "proc", "root", "sys"), (folder, b"")),
        "init": (program, (_HERE / "initramfs/init").read_bytes()),
        "bin/busybox": (program, packages.find("bin/busybox").read_bytes()),
        "modules/order": (data, "".join(f"{name}\n" for name in order).encode()),
        **{f"modules/{name}.ko": (data, modules.read(name)) for name in order},
    }
    return write_archive(files)
