"""The map from an address to its drivers. A new driver is one file and one line here.

Imports stay inside the branches: a simulated cloud needs neither libvirt nor paramiko.
"""

from __future__ import annotations

from workers.drivers.base import (
    HostAddress,
    HostCommands,
    HostTasks,
    Hypervisor,
    Mounts,
    NetworkDriver,
    PoolAddress,
    PrimaryStorage,
)


def hypervisor(host: HostAddress) -> Hypervisor:
    if host.driver == "simulator":
        from workers.drivers.simulator.hypervisor import SimulatedHypervisor

        return SimulatedHypervisor(host)
    from workers.drivers.libvirt.hypervisor import LibvirtHypervisor

    return LibvirtHypervisor(host, commands(host))


def commands(host: HostAddress) -> HostCommands:
    if host.driver == "simulator":
        from workers.drivers.simulator.hosts import SimulatedCommands

        return SimulatedCommands(host)
    if not host.address:
        from workers.drivers.hosts.local import LocalCommands

        return LocalCommands()
    from workers.drivers.hosts.ssh import SshCommands

    return SshCommands(host)


def shown_host_key(host: HostAddress) -> str:
    """The public key that a host shows now; nobody is logged in."""
    from workers.drivers.hosts.ssh import scan_host_key

    return scan_host_key(host.address, host.port)


def tasks(host: HostAddress) -> HostTasks:
    if host.driver == "simulator":
        from workers.drivers.simulator.hosts import SimulatedTasks

        return SimulatedTasks(host)
    from workers.drivers.hosts.tasks import CommandTasks

    return CommandTasks(commands(host), f"{host.work_dir}/tasks")


def primary_storage(host: HostAddress, pool: PoolAddress) -> PrimaryStorage:
    if host.driver == "simulator":
        from workers.drivers.simulator.storage import SimulatedStorage

        return SimulatedStorage(host, pool)
    if pool.mount is not None:
        from workers.drivers.storage.mounted import MountedStorage

        return MountedStorage(commands(host), tasks(host), pool)
    from workers.drivers.storage.directory import DirectoryStorage

    return DirectoryStorage(commands(host), tasks(host), pool)


def mounts(host: HostAddress) -> Mounts:
    if host.driver == "simulator":
        from workers.drivers.simulator.storage import SimulatedMounts

        return SimulatedMounts(host)
    from workers.drivers.storage.mounted import CommandMounts

    return CommandMounts(commands(host))


def network(host: HostAddress) -> NetworkDriver:
    if host.driver == "simulator":
        from workers.drivers.simulator.network import SimulatedNetwork

        return SimulatedNetwork(host)
    from workers.drivers.network.linux_bridge import LinuxBridge

    return LinuxBridge(commands(host))
