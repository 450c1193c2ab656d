"""The buttons of a machine, drawn from its verbs; one that cannot be pressed says why."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.why import why
from apps.compute.models import VirtualMachine
from apps.compute.verbs import VERBS
from apps.core.errors import CloudError
from apps.portal.pages import told

SHOWN = {
    "vm.start": "play-fill",
    "vm.stop": "stop-fill",
    "vm.force_stop": "power",
    "vm.reboot": "arrow-repeat",
    "vm.deploy": "arrow-repeat",
    "vm.dismiss": "x-lg",
    "vm.recover": "arrow-counterclockwise",
    "vm.expunge": "trash3",
    "vm.destroy": "trash3",
}
"""In their order, each with its icon."""
ASKED_FIRST = frozenset({*(kind for kind, verb in VERBS.items() if verb.destructive), "vm.dismiss"})
"""What a page asks about before it is done."""
TYPED_FROM_BYTES = 100 * 2**30
"""From so much on its disks on, a machine is deleted for good only by whoever types its name."""
ON_MANY = ("vm.start", "vm.stop", "vm.reboot", "vm.force_stop", "vm.dismiss", "vm.destroy", "vm.recover")
_ALWAYS = frozenset({"vm.start", "vm.stop", "vm.destroy"})
_LABELS: dict[str, str | Promise] = {"vm.deploy": _("Try again")}
_FIRST = frozenset({"vm.start", "vm.deploy", "vm.recover"})


@dataclass(frozen=True)
class Button:
    """As components/action.html draws it. `why_not` is empty for a button that can be pressed; one with
    an `href` leads to a page that asks first."""

    id: str
    label: str | Promise
    icon: str
    value: str
    tone: str
    href: str = ""
    why_not: str = ""
    name: str = "verb"

    @property
    def dialog(self) -> bool:
        return bool(self.href)


def ask_href(vm: VirtualMachine, kind: str) -> str:
    return reverse("portal:machine-ask", args=[vm.uuid, kind.removeprefix("vm.").replace("_", "-")])


def refusal(actor: Actor, vm: VirtualMachine, kind: str) -> CloudError | None:
    """Why the actor cannot do this to the machine now."""
    if not policy.may(actor, kind, vm):
        return policy.Refused(actor, kind, vm)
    try:
        VERBS[kind].refuse_unless_allowed(vm)
    except CloudError as error:
        return error
    return None


def buttons_of(actor: Actor, vm: VirtualMachine) -> list[Button]:
    """Those that make sense in this state, and the few that people look for in every state."""
    reasons = Reasons()
    return [_button(actor, vm, kind, reasons) for kind in SHOWN if kind in _ALWAYS or VERBS[kind].allows(vm)]


class Reasons:
    """Why the buttons of one page cannot be pressed. Who could grant a right is looked for once: it takes
    many rows, and is the same people for nearly all."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] | None = None

    def of(self, refused: CloudError | None) -> str:
        if not isinstance(refused, policy.Refused):
            said = told(refused) if refused else None
            return f"{said.detail} {said.remedy}".strip() if said else ""
        found = why(refused.actor, refused.permission, refused.obj, names=self._names is None)
        if self._names is None:
            self._names = found.who_may
        if not self._names:
            return found.text
        return f"{found.text} {say('Who could grant it:')} {', '.join(self._names)}"


def _button(actor: Actor, vm: VirtualMachine, kind: str, reasons: Reasons) -> Button:
    verb, refused = VERBS[kind], refusal(actor, vm, kind)
    usual = "primary" if kind in _FIRST and refused is None else "secondary"
    return Button(
        id=f"act-{kind}",
        label=_LABELS.get(kind, verb.label),
        icon=SHOWN[kind],
        value=kind,
        tone="danger" if verb.destructive else usual,
        href=ask_href(vm, kind) if kind in ASKED_FIRST else "",
        why_not=reasons.of(refused),
    )


def bulk_buttons(actor: Actor) -> list[Button]:
    """What can be done to several machines at once. Whether one of them allows it is told machine by
    machine; what is asked about first is asked about all of them."""
    return [
        Button(
            id=f"all-{kind}",
            label=VERBS[kind].label,
            icon=SHOWN[kind],
            value=kind,
            tone="danger" if VERBS[kind].destructive else "secondary",
        )
        for kind in ON_MANY
    ]
