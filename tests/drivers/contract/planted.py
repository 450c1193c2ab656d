"""Ways for a driver to be wrong that operations would suffer from, to be planted in the simulator:
each takes the real verb and gives the wrong one. PLANTED says which contract must notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

from tests.drivers.contract import test_commands as commands
from tests.drivers.contract import test_hypervisor as hypervisor
from tests.drivers.contract import test_network as network
from tests.drivers.contract import test_shared_pool as shared_pool
from tests.drivers.contract import test_storage as storage
from tests.drivers.contract import test_tasks as tasks
from workers.drivers.base import CommandResult, Power, TaskPhase, TaskStatus
from workers.drivers.errors import CommandFailed, HostBusy, MachineNotFound
from workers.drivers.simulator import machines
from workers.drivers.simulator.hosts import SimulatedCommands, SimulatedTasks
from workers.drivers.simulator.hypervisor import SimulatedHypervisor
from workers.drivers.simulator.network import SimulatedNetwork
from workers.drivers.simulator.pools import StoredObject
from workers.drivers.simulator.storage import SimulatedStorage

Real = Callable[..., Any]
CONTRACTS: list[ModuleType] = [hypervisor, storage, network, commands, tasks, shared_pool]


def _knows(self: SimulatedHypervisor, uuid: Any) -> bool:
    return any(state.uuid == uuid for state in self.states())


def start_is_not_repeatable(real: Real) -> Real:
    def start(self: SimulatedHypervisor, uuid: Any, *, paused: bool = False) -> None:
        if any(state.uuid == uuid and state.power is not Power.OFF for state in self.states()):
            raise HostBusy
        real(self, uuid, paused=paused)

    return start


def start_forgets_paused(real: Real) -> Real:
    return lambda self, uuid, *, paused=False: real(self, uuid, paused=False)


def start_leaves_paused_machines(real: Real) -> Real:
    def start(self: SimulatedHypervisor, uuid: Any, *, paused: bool = False) -> None:
        if any(state.uuid == uuid and state.power is Power.PAUSED for state in self.states()):
            return
        real(self, uuid, paused=paused)

    return start


def start_of_the_unknown_is_silent(real: Real) -> Real:
    return lambda self, uuid, *, paused=False: real(self, uuid, paused=paused) if _knows(self, uuid) else None


def destroy_wants_a_machine(real: Real) -> Real:
    def destroy(self: SimulatedHypervisor, uuid: Any) -> None:
        if not _knows(self, uuid):
            raise MachineNotFound
        real(self, uuid)

    return destroy


def destroy_also_undefines(real: Real) -> Real:
    def destroy(self: SimulatedHypervisor, uuid: Any) -> None:
        real(self, uuid)
        self.undefine(uuid)

    return destroy


def undefine_takes_running_machines(real: Real) -> Real:
    def undefine(self: SimulatedHypervisor, uuid: Any) -> None:
        self.destroy(uuid)
        real(self, uuid)

    return undefine


def undefine_wants_a_machine(real: Real) -> Real:
    def undefine(self: SimulatedHypervisor, uuid: Any) -> None:
        if not _knows(self, uuid):
            raise MachineNotFound
        real(self, uuid)

    return undefine


def define_keeps_the_first(real: Real) -> Real:
    def define(self: SimulatedHypervisor, spec: Any) -> None:
        if not _knows(self, spec.uuid):
            real(self, spec)

    return define


def define_powers_off(real: Real) -> Real:
    def define(self: SimulatedHypervisor, spec: Any) -> None:
        self.destroy(spec.uuid)
        real(self, spec)

    return define


def every_machine_is_ours(real: Real) -> Real:
    return lambda self: [replace(state, ours=True) for state in real(self)]


def only_ours_are_reported(real: Real) -> Real:
    return lambda self: [state for state in real(self) if state.ours]


def only_running_are_reported(real: Real) -> Real:
    return lambda self: [state for state in real(self) if state.power is Power.RUNNING]


def the_log_is_not_cut(real: Real) -> Real:
    return lambda self, uuid, *, limit_bytes=0: real(self, uuid, limit_bytes=65536)


def import_is_never_done(real: Real) -> Real:
    def import_image(*words: Any) -> TaskStatus:
        real(*words)
        raise HostBusy

    return import_image


def cancel_leaves_the_image(_real: Real) -> Real:
    return lambda self, task_id, image: True


def clone_replaces(real: Real) -> Real:
    def clone(self: SimulatedStorage, image: str, volume: str, size_bytes: int) -> None:
        self.delete(volume)
        real(self, image, volume, size_bytes)

    return clone


def delete_wants_an_object(real: Real) -> Real:
    def delete(self: SimulatedStorage, name: str) -> None:
        if name not in self.names():
            raise CommandFailed
        real(self, name)

    return delete


def delete_does_nothing(_real: Real) -> Real:
    return lambda self, name: None


def any_bridge_will_do(_real: Real) -> Real:
    return lambda self, machine, nic: None


def unplug_wants_a_port(_real: Real) -> Real:
    def unplug(self: SimulatedNetwork, machine: Any, nic: Any) -> None:
        raise CommandFailed

    return unplug


def run_raises_exit_codes(real: Real) -> Real:
    def run(self: SimulatedCommands, argv: Any, **options: Any) -> CommandResult:
        result: CommandResult = real(self, argv, **options)
        if result.exit_code:
            raise CommandFailed
        return result

    return run


def run_splits_words(real: Real) -> Real:
    return lambda self, argv, **options: real(self, " ".join(argv).split(), **options)


def offsets_count_from_the_start(real: Real) -> Real:
    return lambda self, path, *, offset=0, limit=65536: real(self, path, offset=max(0, offset), limit=limit)


def remove_takes_namesakes(real: Real) -> Real:
    def remove(self: SimulatedCommands, path: str) -> None:
        real(self, path)
        real(self, f"{path}-kept")

    return remove


def start_runs_a_second_copy(real: Real) -> Real:
    def start(self: SimulatedTasks, task_id: str, argv: Any) -> TaskStatus:
        if self.status(task_id).phase is not TaskPhase.GONE:
            self.cancel(task_id)
            self.forget(task_id)
        status: TaskStatus = real(self, task_id, argv)
        return status

    return start


def cancel_is_only_said(_real: Real) -> Real:
    return lambda self, task_id: True


def forget_takes_what_runs(real: Real) -> Real:
    def forget(self: SimulatedTasks, task_id: str) -> None:
        self.cancel(task_id)
        real(self, task_id)

    return forget


def disks_need_not_exist(_real: Real) -> Real:
    return lambda tx, path: StoredObject("any", "volume", 0, 0)


def nobody_holds_a_disk(_real: Real) -> Real:
    return lambda *_words, **_options: None


PLANTED: list[tuple[ModuleType, Any, str, Callable[[Real], Real]]] = [
    (hypervisor, SimulatedHypervisor, "start", start_is_not_repeatable),
    (hypervisor, SimulatedHypervisor, "start", start_forgets_paused),
    (hypervisor, SimulatedHypervisor, "start", start_leaves_paused_machines),
    (hypervisor, SimulatedHypervisor, "start", start_of_the_unknown_is_silent),
    (hypervisor, SimulatedHypervisor, "destroy", destroy_wants_a_machine),
    (hypervisor, SimulatedHypervisor, "destroy", destroy_also_undefines),
    (hypervisor, SimulatedHypervisor, "undefine", undefine_wants_a_machine),
    (hypervisor, SimulatedHypervisor, "undefine", undefine_takes_running_machines),
    (hypervisor, SimulatedHypervisor, "define", define_keeps_the_first),
    (hypervisor, SimulatedHypervisor, "define", define_powers_off),
    (hypervisor, SimulatedHypervisor, "states", every_machine_is_ours),
    (hypervisor, SimulatedHypervisor, "states", only_ours_are_reported),
    (hypervisor, SimulatedHypervisor, "states", only_running_are_reported),
    (hypervisor, SimulatedHypervisor, "console_log", the_log_is_not_cut),
    (hypervisor, machines, "find_object", disks_need_not_exist),
    (hypervisor, machines, "_holder", nobody_holds_a_disk),
    (shared_pool, machines, "_holder", nobody_holds_a_disk),
    (storage, SimulatedStorage, "import_image", import_is_never_done),
    (storage, SimulatedStorage, "cancel_import", cancel_leaves_the_image),
    (storage, SimulatedStorage, "clone", clone_replaces),
    (storage, SimulatedStorage, "delete", delete_does_nothing),
    (storage, SimulatedStorage, "delete", delete_wants_an_object),
    (network, SimulatedNetwork, "plug", any_bridge_will_do),
    (network, SimulatedNetwork, "unplug", unplug_wants_a_port),
    (commands, SimulatedCommands, "run", run_raises_exit_codes),
    (commands, SimulatedCommands, "run", run_splits_words),
    (commands, SimulatedCommands, "read_file", offsets_count_from_the_start),
    (commands, SimulatedCommands, "remove", remove_takes_namesakes),
    (tasks, SimulatedTasks, "start", start_runs_a_second_copy),
    (tasks, SimulatedTasks, "cancel", cancel_is_only_said),
    (tasks, SimulatedTasks, "forget", forget_takes_what_runs),
]
