"""How operations reach the world: every driver call passes through `World.call`.

A call blocks in a thread of its own under the verb's deadline. While it is inside the deadline the
job's lease is renewed; past it the host's connections are dropped and the call counts as failed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from apps.storage.models import PrimaryStorage as Pool
from apps.zones.models import Host
from workers import hosts
from workers.drivers import base
from workers.drivers.errors import DeadlineExceeded

T = TypeVar("T")
Interceptor = Callable[[str, Callable[[], Any]], Any]

interceptor: Interceptor | None = None
"""Set by the fault matrix: called instead of each driver call, with its name and the call."""


class World:
    """One run's way to the hosts. `beat` renews the lease and raises LeaseLost if it is gone."""

    def __init__(self, beat: Callable[[], None], beat_seconds: float) -> None:
        self._beat = beat
        self._beat_seconds = beat_seconds
        self._beaten = time.monotonic()

    def hypervisor(self, host: Host) -> base.Hypervisor:
        return cast(base.Hypervisor, _Guard(self, host, "hypervisor", hosts.drivers_of(host).hypervisor))

    def storage(self, host: Host, pool: Pool) -> base.PrimaryStorage:
        driver = hosts.drivers_of(host).storage(pool)
        return cast(base.PrimaryStorage, _Guard(self, host, "storage", driver))

    def network(self, host: Host) -> base.NetworkDriver:
        return cast(base.NetworkDriver, _Guard(self, host, "network", hosts.drivers_of(host).network))

    def mounts(self, host: Host) -> base.Mounts:
        return cast(base.Mounts, _Guard(self, host, "mounts", hosts.drivers_of(host).mounts))

    def local(self, name: str, work: Callable[[], T], *, deadline: float) -> T:
        """Work on the worker's own machine that belongs to no host: inspecting an image."""
        return self.call(name, work, deadline=deadline, drop=lambda: None)

    def call(self, name: str, work: Callable[[], T], *, deadline: float, drop: Callable[[], None]) -> T:
        if time.monotonic() - self._beaten >= self._beat_seconds:
            self._renew()  # the calls before this one in its step may have taken most of the lease
        if interceptor is not None:
            return cast(T, interceptor(name, work))
        answer: list[T] = []
        failure: list[BaseException] = []

        def body() -> None:
            try:
                answer.append(work())
            except BaseException as error:
                failure.append(error)

        thread = threading.Thread(target=body, name=name, daemon=True)
        ends = time.monotonic() + deadline
        thread.start()
        while thread.is_alive():
            thread.join(min(self._beat_seconds, max(0.0, ends - time.monotonic())))
            if not thread.is_alive():
                break
            if time.monotonic() >= ends:
                drop()
                raise DeadlineExceeded(f"{name} took longer than {deadline:g} s")
            self._renew()
        if failure:
            raise failure[0]
        return answer[0]

    def _renew(self) -> None:
        self._beat()
        self._beaten = time.monotonic()


class _Guard:
    """A driver whose verbs go through `World.call`."""

    def __init__(self, world: World, host: Host, kind: str, driver: object) -> None:
        self._world, self._host, self._kind, self._driver = world, host, kind, driver

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        method = getattr(self._driver, verb)
        if verb == "path":
            return cast(Callable[..., Any], method)

        def guarded(*args: Any, **kwargs: Any) -> Any:
            return self._world.call(
                f"{self._kind}.{verb}",
                lambda: method(*args, **kwargs),
                deadline=base.DEADLINES.get(verb, base.QUICK_SECONDS),
                drop=lambda: hosts.drop(self._host),
            )

        return guarded
