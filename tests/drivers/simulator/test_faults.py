"""Faults, latency and unreachable hosts: ordered in the world, met by every caller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.drivers.contract.kit import until
from tests.drivers.simulator.conftest import Cloud
from workers.drivers import connect, errors
from workers.drivers.base import QUICK_SECONDS, Power
from workers.drivers.simulator.control import Call
from workers.drivers.simulator.faults import DRIVER_ERRORS, VERBS, PlantedBugError


def test_a_fault_before_the_act_leaves_the_world_as_it_was(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.define(host)
    before = cloud.simulator.world()
    cloud.simulator.order(verb="start", error="HostUnreachable")
    with pytest.raises(errors.HostUnreachable):
        connect.hypervisor(host).start(spec.uuid)
    assert cloud.simulator.world() == before


def test_a_fault_after_the_act_leaves_its_effect(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.define(host)
    cloud.simulator.order(verb="start", error="DeadlineExceeded", when="after")
    with pytest.raises(errors.DeadlineExceeded):
        connect.hypervisor(host).start(spec.uuid)
    assert cloud.power(host, spec.uuid) is Power.RUNNING


def test_the_nth_matching_call_is_struck_and_no_other(cloud: Cloud) -> None:
    hypervisor = connect.hypervisor(cloud.host())
    cloud.simulator.order(verb="facts", error="HostBusy", nth=3)
    hypervisor.facts()
    hypervisor.states()
    hypervisor.facts()
    with pytest.raises(errors.HostBusy):
        hypervisor.facts()
    hypervisor.facts()
    assert cloud.simulator.orders() == []


def test_any_verb_of_any_host_counts_unless_the_order_names_one(cloud: Cloud) -> None:
    first, second = cloud.host(), cloud.host()
    cloud.simulator.order(error="HostBusy", nth=2)
    connect.hypervisor(first).facts()
    with pytest.raises(errors.HostBusy):
        connect.primary_storage(second, cloud.pool).names()
    cloud.simulator.order(error="HostBusy", host=second.uuid)
    connect.hypervisor(first).facts()
    with pytest.raises(errors.HostBusy):
        connect.network(second).unplug(uuid4(), cloud.define(first).nics[0])


def test_a_fault_strikes_as_often_as_ordered(cloud: Cloud) -> None:
    hypervisor = connect.hypervisor(cloud.host())
    cloud.simulator.order(verb="facts", error="HostBusy", times=2)
    for _ in range(2):
        with pytest.raises(errors.HostBusy):
            hypervisor.facts()
    hypervisor.facts()
    assert cloud.simulator.orders() == []


def test_a_fault_without_end_strikes_until_it_is_cancelled(cloud: Cloud) -> None:
    hypervisor = connect.hypervisor(cloud.host())
    cloud.simulator.order(verb="facts", error="HostBusy", times=None)
    for _ in range(5):
        with pytest.raises(errors.HostBusy):
            hypervisor.facts()
    cloud.simulator.cancel_orders()
    assert hypervisor.facts().cpu_cores == 32


def test_two_orders_count_the_same_calls(cloud: Cloud) -> None:
    hypervisor = connect.hypervisor(cloud.host())
    cloud.simulator.order(verb="facts", error="HostBusy", nth=1)
    cloud.simulator.order(verb="facts", error="PoolFull", nth=2)
    with pytest.raises(errors.HostBusy):
        hypervisor.facts()
    with pytest.raises(errors.PoolFull):
        hypervisor.facts()


@pytest.mark.parametrize("name", sorted(DRIVER_ERRORS))
def test_every_driver_error_can_be_ordered(cloud: Cloud, name: str) -> None:
    cloud.simulator.order(error=name)
    with pytest.raises(errors.DriverError) as caught:
        connect.hypervisor(cloud.host()).facts()
    assert type(caught.value).__name__ == name


def test_a_bug_is_an_exception_no_driver_may_raise(cloud: Cloud) -> None:
    cloud.simulator.order(error="Bug")
    with pytest.raises(PlantedBugError) as caught:
        connect.hypervisor(cloud.host()).facts()
    assert not isinstance(caught.value, errors.DriverError)


@pytest.mark.parametrize(
    "order",
    [
        {"error": "NoSuchError"},
        {"error": "HostBusy", "verb": "strat"},
        {"error": "HostBusy", "nth": 0},
        {"error": "HostBusy", "times": 0},
        {"error": "HostBusy", "when": "during"},
    ],
)
def test_an_order_that_could_never_strike_is_refused(cloud: Cloud, order: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"order|verb|strikes"):
        cloud.simulator.order(**order)  # type: ignore[arg-type]


def test_every_driver_call_can_be_named_in_an_order(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.define(host)
    hypervisor, storage = connect.hypervisor(host), connect.primary_storage(host, cloud.pool)
    network, commands, tasks = connect.network(host), connect.commands(host), connect.tasks(host)
    cloud.simulator.record_calls()
    for act in (hypervisor.start, hypervisor.reset, hypervisor.console_log, hypervisor.shutdown):
        act(spec.uuid)
    hypervisor.define(spec)
    hypervisor.destroy(spec.uuid)
    hypervisor.undefine(spec.uuid)
    hypervisor.states()
    hypervisor.facts()
    hypervisor.remove_console_log(spec.uuid)
    storage.import_image("t", "/src", "tpl-a", 1)
    storage.cancel_import("t", "tpl-a")
    storage.clone("tpl-tiny", "vol-a", 2048)
    storage.write_seed("seed-a", b"x")
    storage.delete("seed-a")
    storage.names()
    storage.facts()
    network.plug(spec.uuid, spec.nics[0])
    network.unplug(spec.uuid, spec.nics[0])
    commands.run(["true"])
    commands.write_file("/srv/a", b"x")
    commands.read_file("/srv/a")
    commands.remove("/srv/a")
    tasks.start("t", ["true"])
    tasks.status("t")
    tasks.cancel("t")
    tasks.forget("t")
    assert {recorded.verb for recorded in cloud.simulator.calls()} == VERBS


def test_the_journal_names_host_verb_and_subject(cloud: Cloud) -> None:
    host = cloud.host()
    cloud.simulator.record_calls()
    connect.hypervisor(host).facts()
    connect.primary_storage(host, cloud.pool).delete("vol-x")
    cloud.simulator.record_calls(False)
    connect.hypervisor(host).facts()
    assert cloud.simulator.calls() == [
        Call(str(host.uuid), "facts", ""),
        Call(str(host.uuid), "delete", "vol-x"),
    ]


def test_an_unreachable_host_answers_nothing_while_others_go_on(cloud: Cloud) -> None:
    down, up = cloud.host(), cloud.host()
    spec = cloud.running(down)
    cloud.simulator.set_reachable(down.uuid, False)
    acts: list[Callable[[], object]] = [
        connect.hypervisor(down).states,
        lambda: connect.commands(down).run(["true"]),
        lambda: connect.tasks(down).status("t"),
        connect.primary_storage(down, cloud.pool).names,
        lambda: connect.network(down).plug(spec.uuid, spec.nics[0]),
    ]
    for act in acts:
        with pytest.raises(errors.HostUnreachable):
            act()
    assert connect.hypervisor(up).states() == []
    cloud.simulator.set_reachable(down.uuid, True)
    assert cloud.power(down, spec.uuid) is Power.RUNNING


def test_an_unreachable_host_uses_up_no_fault(cloud: Cloud) -> None:
    host = cloud.host()
    cloud.simulator.order(error="HostBusy")
    cloud.simulator.set_reachable(host.uuid, False)
    with pytest.raises(errors.HostUnreachable):
        connect.hypervisor(host).facts()
    cloud.simulator.set_reachable(host.uuid, True)
    with pytest.raises(errors.HostBusy):
        connect.hypervisor(host).facts()


def test_latency_is_waited_once_and_not_beyond_the_deadline(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    hypervisor = connect.hypervisor(cloud.host())
    waits: list[float | None] = []
    monkeypatch.setattr(threading.Event, "wait", lambda _event, timeout=None: waits.append(timeout))
    cloud.simulator.set_latency("*", 0.5)
    cloud.simulator.set_latency("facts", 1.5)
    cloud.simulator.order(verb="facts", error="HostBusy", nth=2)
    hypervisor.facts()
    hypervisor.states()
    assert waits == [1.5, 0.5]
    cloud.simulator.set_latency("states", 10_000)
    with pytest.raises(errors.DeadlineExceeded):
        hypervisor.states()
    assert waits[-1] == QUICK_SECONDS


def test_a_dropped_driver_gives_up_its_waiting_calls_and_serves_the_next(cloud: Cloud) -> None:
    hypervisor = connect.hypervisor(cloud.host())
    cloud.simulator.set_latency("states", 15)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(hypervisor.states)
        assert until(lambda: hypervisor.drop() is None and waiting.done())  # type: ignore[attr-defined]
        with pytest.raises(errors.HostUnreachable):
            waiting.result()
    cloud.simulator.set_latency("states", 0)
    assert hypervisor.states() == []
