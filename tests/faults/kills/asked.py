"""How each job of a machine is asked for before its worker is killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cloud import LabCloud

Answer = dict[str, Any]


def deploy(cloud: LabCloud) -> Answer:
    answer: Answer = cloud.stack.post("virtual-machines/", cloud.request("web"))
    return answer


def running(cloud: LabCloud) -> str:
    return str(cloud.deploy("web")["id"])


def stopped(cloud: LabCloud) -> str:
    vm = running(cloud)
    assert cloud.stack.job(cloud.stack.post(f"virtual-machines/{vm}/force-stop/"))["state"] == "done"
    return vm


def in_trash(cloud: LabCloud) -> str:
    vm = running(cloud)
    assert cloud.stack.job(cloud.stack.post(f"virtual-machines/{vm}/destroy/"))["state"] == "done"
    return vm


def act(before: Callable[[LabCloud], str], verb: str) -> Callable[[LabCloud], Answer]:
    """Bring a machine into a state, then ask for the verb."""

    def ask(cloud: LabCloud) -> Answer:
        vm = before(cloud)
        answer: Answer = cloud.stack.post(f"virtual-machines/{vm}/{verb}/")
        return answer

    return ask


ASKED: dict[str, tuple[Callable[[LabCloud], Answer], int]] = {
    "vm.deploy": (deploy, 1),
    "vm.start": (act(stopped, "start"), 1),
    "vm.stop": (act(running, "stop"), 0),
    "vm.force_stop": (act(running, "force-stop"), 0),
    "vm.reboot": (act(running, "reboot"), 1),
    "vm.destroy": (act(running, "destroy"), 0),
    "vm.expunge": (act(in_trash, "expunge"), 0),
}
"""Kind -> how it is asked for, and how many machines run at its end."""
