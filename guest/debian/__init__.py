"""A full Debian 12 cloud image with cloud-init and the guest agent; x86-64 with BIOS.

Packages come from where the machine's own apt gets them. `packages.txt` is what is installed in the
guest, `tools.txt` what builds it, `rootfs/` what is laid over it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from guest.artifact import digest_of_sources, is_current, only_builder, publish, workspace
from guest.disk import DiskPlan, write_disk
from guest.packages import PackageCache, read_list
from guest.run import BuildFailed, Log, run

SIZE_BYTES = 2 * 1024**3
BOOT_BYTES = 128 * 1024**2
LABEL = "cloudportal-root"
RELEASE = "bookworm"

_HERE = Path(__file__).resolve().parent
_BUILDER = _HERE.parent
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_BOOT_CONFIG = f"""\
SERIAL 0 115200
DEFAULT debian
LABEL debian
 KERNEL vmlinuz
 INITRD initrd.img
 APPEND root=LABEL={LABEL} ro console=tty0 console=ttyS0,115200 quiet net.ifnames=0
"""

_MMDEBSTRAP = (
    "--mode=root",
    "--variant=minbase",
    '--aptopt=Apt::Install-Recommends "false"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    '--customize-hook=chroot "$1" systemctl enable systemd-networkd systemd-resolved',
)


def build(out: Path, cache: Path, log: Log) -> Path:
    """Make the image `out` (qcow2), unless it already is what this recipe gives.

    `cache` keeps the installed system between builds: remove it to take newer packages. Needs root.
    Raises BuildFailed; `out` is whole or untouched.
    """
    out, cache = out.resolve(), cache.resolve()
    with only_builder(cache):
        tools = PackageCache(cache / "debian-tools", log)
        tools.fetch(read_list(_HERE / "tools.txt"))
        system = _system(tools, cache, log)
        inputs = digest_of_sources([_HERE], [system.name, *_common_sources(), *tools.digest_inputs()])
        if is_current(out, inputs):
            log(f"{out} is up to date")
            return out
        with workspace(cache) as work:
            publish(_build_image(tools, system, work, log), out, inputs)
    log(f"built {out} ({out.stat().st_size / 1e6:.1f} MB)")
    return out


def _common_sources() -> list[str]:
    return [path.read_text() for path in sorted(_BUILDER.glob("*.py"))]


def _system(tools: PackageCache, cache: Path, log: Log) -> Path:
    """A tar archive of the installed system, named after what was ordered."""
    packages = sorted(read_list(_HERE / "packages.txt"))
    digest = digest_of_sources([], [RELEASE, *packages, *_MMDEBSTRAP])[:16]
    system = cache / f"debian-{digest}.tar"
    if system.exists():
        return system
    if os.geteuid() != 0:
        raise BuildFailed("installing Debian into a folder needs root: sudo python3 -m guest.debian ...")
    log(f"installing Debian ({RELEASE}) into a folder: one to two minutes")
    program = tools.find("usr/bin/mmdebstrap")
    path = os.pathsep.join([str(program.parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    temporary = cache / f".{system.name}.tmp"
    options = [*_MMDEBSTRAP, *_proxies(), f"--keyring={_KEYRING}", f"--include={','.join(packages)}"]
    argv: list[str | Path] = ["perl", program, *options, "--format=tar", RELEASE, temporary, *_repositories()]
    run(argv, env={"PATH": path})
    temporary.replace(system)
    return system


def _repositories() -> list[str]:
    """The machine's own repositories of this release, as one-line sources."""
    form = "$(ORIGIN)|$(CODENAME)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    rows = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"]).splitlines()
    known = (row.split("|", 2) for row in rows)
    found = {line for origin, codename, line in known if origin == "Debian" and codename.startswith(RELEASE)}
    if not found:
        raise BuildFailed(f"apt on this machine knows no repository of Debian {RELEASE}; see sources.list(5)")
    return sorted(found)


def _proxies() -> list[str]:
    rows = run(["apt-config", "dump", "Acquire"]).splitlines()
    return [f"--aptopt={row.rstrip(';')}" for row in rows if "::Proxy" in row and '""' not in row]


def _build_image(tools: PackageCache, system: Path, work: Path, log: Log) -> Path:
    tree = work / "tree"
    tree.mkdir()
    log("putting the guest's files together")
    run(["tar", "--extract", "--numeric-owner", "--exclude=./dev/*", "--file", system, "--directory", tree])
    shutil.copytree(_HERE / "rootfs", tree, symlinks=True, dirs_exist_ok=True)
    _forget_identity(tree)
    (tree / "boot/syslinux").mkdir()
    log("writing the disk")
    disk = work / "disk.raw"
    plan = DiskPlan(
        tree=tree,
        label=LABEL,
        size_bytes=SIZE_BYTES,
        boot_bytes=BOOT_BYTES,
        boot_config=_BOOT_CONFIG,
        boot_files={name: (tree / name).resolve() for name in ("vmlinuz", "initrd.img")},
        owned_by_root=False,
    )
    write_disk(disk, plan, tools)
    image = work / "image.qcow2"
    run(["qemu-img", "convert", "-c", "-W", "-m", "4", "-f", "raw", "-O", "qcow2", disk, image])
    return image


def _forget_identity(tree: Path) -> None:
    """What each machine must make for itself at its first start."""
    (tree / "etc/machine-id").write_text("")
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    resolv_conf = tree / "etc/resolv.conf"
    resolv_conf.unlink(missing_ok=True)
    resolv_conf.symlink_to("/run/systemd/resolve/stub-resolv.conf")
