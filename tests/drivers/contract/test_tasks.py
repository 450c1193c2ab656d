"""The contract of long commands that outlive their worker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest

from tests.drivers.contract.kit import HostKit, until
from workers.drivers import connect
from workers.drivers.base import TaskPhase
from workers.drivers.errors import HostBusy, HypervisorRefused

LONG = ["sleep", "600"]


@pytest.fixture
def task_id() -> str:
    return f"job-{uuid4()}-1"


def test_a_task_that_ends_well_is_done(kit: HostKit, task_id: str) -> None:
    kit.tasks.start(task_id, ["echo", "all is well"])
    status = kit.await_task(task_id)
    assert (status.phase, status.exit_code) == (TaskPhase.DONE, 0)
    assert "all is well" in status.output
    kit.tasks.forget(task_id)


def test_a_task_that_ends_badly_has_failed(kit: HostKit, task_id: str) -> None:
    kit.tasks.start(task_id, ["false"])
    status = kit.await_task(task_id)
    assert (status.phase, status.exit_code) == (TaskPhase.FAILED, 1)
    kit.tasks.forget(task_id)


def test_a_task_without_a_program_has_failed(kit: HostKit, task_id: str) -> None:
    kit.tasks.start(task_id, ["no-such-program-here"])
    assert kit.await_task(task_id).phase is TaskPhase.FAILED
    kit.tasks.forget(task_id)


def test_starting_again_attaches_to_what_runs(kit: HostKit, task_id: str) -> None:
    kit.tasks.start(task_id, LONG)
    assert kit.tasks.start(task_id, ["true"]).phase is TaskPhase.RUNNING
    assert connect.tasks(kit.host).status(task_id).phase is TaskPhase.RUNNING
    assert until(lambda: kit.tasks.cancel(task_id))
    kit.tasks.forget(task_id)


def test_starting_again_does_not_repeat_what_ended(kit: HostKit, task_id: str) -> None:
    kit.tasks.start(task_id, ["echo", "first"])
    kit.await_task(task_id)
    status = kit.tasks.start(task_id, ["false"])
    assert status.phase is TaskPhase.DONE
    assert "first" in status.output
    kit.tasks.forget(task_id)


def test_starting_from_many_threads_starts_once(kit: HostKit, task_id: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        starts = [pool.submit(kit.tasks.start, task_id, ["echo", f"run {n}"]) for n in range(4)]
    assert {start.result().phase for start in starts} <= {TaskPhase.RUNNING, TaskPhase.DONE}
    assert kit.await_task(task_id).output.count("run ") == 1
    kit.tasks.forget(task_id)


def test_an_unknown_task_is_gone(kit: HostKit, task_id: str) -> None:
    assert kit.tasks.status(task_id).phase is TaskPhase.GONE


@pytest.mark.parametrize("bad", ["", ".", "..", "../x", "/x", "a/b", "a\0", "a b", "-a", "a" * 121])
def test_a_task_id_that_could_leave_its_folder_goes_nowhere(kit: HostKit, bad: str) -> None:
    for act in (
        lambda: kit.tasks.start(bad, ["true"]),
        *(partial(verb, bad) for verb in (kit.tasks.status, kit.tasks.cancel, kit.tasks.forget)),
    ):
        with pytest.raises(HypervisorRefused):
            act()


def test_a_task_that_runs_is_not_forgotten(kit: HostKit, task_id: str) -> None:
    kit.tasks.start(task_id, LONG)
    with pytest.raises(HostBusy):
        kit.tasks.forget(task_id)
    assert kit.tasks.status(task_id).phase is TaskPhase.RUNNING
    assert until(lambda: kit.tasks.cancel(task_id))
    kit.tasks.forget(task_id)


def test_a_cancelled_task_has_ended_and_is_not_done(kit: HostKit, task_id: str) -> None:
    kit.tasks.start(task_id, LONG)
    assert until(lambda: kit.tasks.cancel(task_id))
    assert kit.tasks.status(task_id).phase in (TaskPhase.FAILED, TaskPhase.GONE)
    assert kit.tasks.cancel(task_id)
    kit.tasks.forget(task_id)


def test_cancelling_what_is_not_there_is_certain_at_once(kit: HostKit, task_id: str) -> None:
    assert kit.tasks.cancel(task_id)


def test_cancelling_a_task_that_is_done_leaves_it_done(kit: HostKit, task_id: str) -> None:
    kit.tasks.start(task_id, ["true"])
    kit.await_task(task_id)
    assert kit.tasks.cancel(task_id)
    assert kit.tasks.status(task_id).phase is TaskPhase.DONE
    kit.tasks.forget(task_id)


def test_a_forgotten_task_is_gone_and_its_id_free(kit: HostKit, task_id: str) -> None:
    kit.tasks.start(task_id, ["false"])
    kit.await_task(task_id)
    kit.tasks.forget(task_id)
    kit.tasks.forget(task_id)
    assert kit.tasks.status(task_id).phase is TaskPhase.GONE
    kit.tasks.start(task_id, ["true"])
    assert kit.await_task(task_id).phase is TaskPhase.DONE
    kit.tasks.forget(task_id)
