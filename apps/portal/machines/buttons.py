"""The buttons of a machine, drawn from its verbs; one that cannot be pressed says why."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import VirtualMachine
from apps.compute.verbs import VERBS
from apps.core.errors import CloudError
from apps.core.messages import explain

SHOWN = (
    "vm.start",
    "vm.stop",
    "vm.force_stop",
    "vm.reboot",
    "vm.deploy",
    "vm.dismiss",
    "vm.recover",
    "vm.expunge",
    "vm.destroy",
)
_ALWAYS = frozenset({"vm.start", "vm.stop", "vm.destroy"})


@dataclass(frozen=True)
class Button:
    """`why_not` is empty for a button that can be pressed."""

    kind: str
    label: str | Promise
    destructive: bool
    why_not: str = ""


def buttons_of(actor: Actor, vm: VirtualMachine) -> list[Button]:
    """Those that make sense in this state, and the few that people look for in every state."""
    buttons = []
    for kind in SHOWN:
        verb = VERBS[kind]
        why_not = ""
        try:
            verb.refuse_unless_allowed(vm)
        except CloudError as error:
            if kind not in _ALWAYS:
                continue
            said = explain(error.code, error.params)
            why_not = f"{said.detail} {said.remedy}".strip()
        if not policy.may(actor, kind, vm):
            why_not = explain("permission_denied", {"permission": kind}).detail
        buttons.append(Button(kind, verb.label, verb.destructive, why_not))
    return buttons
