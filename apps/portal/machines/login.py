"""How one logs in to a machine, as far as the portal can know: the image says which user there is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.compute.models import VirtualMachine
from apps.compute.states import State
from apps.core.names import fold
from apps.zones.models import Host

PLACEHOLDER = "USER"
USERS = {
    "almalinux": "almalinux",
    "alpine": "alpine",
    "debian": "debian",
    "fedora": "fedora",
    "opensuse": "opensuse",
    "rocky": "rocky",
    "tiny": "cloud",
    "ubuntu": "ubuntu",
}
"""By a word of an image's name: the user that such an image makes at its first start. Of the systems
see the cloud.cfg of their packages of cloud-init; "tiny" is our own demo image."""


@dataclass(frozen=True)
class Login:
    """`user` is empty if the image's name does not tell it."""

    address: str
    user: str

    @property
    def command(self) -> str:
        return f"ssh {self.user or PLACEHOLDER}@{self.address}"


def is_simulated(vm: VirtualMachine) -> bool:
    return vm.host is not None and vm.host.driver == Host.Driver.SIMULATOR


def login_of(vm: VirtualMachine, addresses: list[str]) -> Login | None:
    """None for a machine that nobody can log in to now."""
    if vm.state != State.RUNNING or not addresses or is_simulated(vm):
        return None
    words = re.findall("[a-z]+", fold(vm.template.name))
    return Login(addresses[0], next((USERS[word] for word in words if word in USERS), ""))
