"""What a simulated guest says on its serial console: the milestones of a small Linux guest,
spread over the seconds that a boot takes, ending with the line by which users see it is up."""

from __future__ import annotations

from dataclasses import dataclass

_MILESTONES = (
    (0.00, "Linux version 6.1.0-simulated ({hostname}) #1 SMP PREEMPT_DYNAMIC"),
    (0.00, "Command line: root=LABEL=root console=ttyS0"),
    (0.02, "Memory: {memory_kib}K available"),
    (0.05, "smp: Brought up 1 node, {vcpus} CPUs"),
    (0.20, "virtio_blk virtio1: [vda] 512-byte logical blocks"),
    (0.24, "virtio_net virtio2 eth0: renamed from network card 0"),
    (0.30, "EXT4-fs (vda1): mounted filesystem with ordered data mode"),
    (0.50, "cloud-seed: found volume cidata, hostname {hostname}"),
    (0.70, "eth0: link up, address {address}"),
    (0.85, "sshd: listening on port 22"),
)


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot of one guest; `at` in the world's UTC seconds."""

    hostname: str
    address: str
    vcpus: int
    memory_mib: int
    at: float


def boot_text(boot: Boot, *, now: float, boot_seconds: float) -> str:
    """What of a boot that takes `boot_seconds` is on the console by `now`."""
    elapsed = now - boot.at
    values = {
        "hostname": boot.hostname,
        "address": boot.address or "none",
        "vcpus": boot.vcpus,
        "memory_kib": boot.memory_mib * 1024,
    }
    lines = [
        f"[{share * boot_seconds:12.6f}] {text.format_map(values)}"
        for share, text in _MILESTONES
        if share * boot_seconds <= elapsed
    ]
    if elapsed >= boot_seconds:
        lines.append(f"cloudportal guest ready: {boot.hostname} {values['address']} {boot_seconds:.2f}")
    return "".join(f"{line}\r\n" for line in lines)
