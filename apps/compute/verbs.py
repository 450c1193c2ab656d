"""What can be done to a virtual machine: each verb once, for buttons, API, jobs and audit alike."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.compute.models import VirtualMachine
from apps.compute.states import State
from apps.core.errors import NotFound, StateConflict
from apps.jobs import events, kinds
from apps.jobs.models import Job

S = State


@dataclass(frozen=True)
class Verb:
    """`kind` is also the permission, the audit event and the metric label. A verb with `during` runs
    as a job that takes the machine's lock, and so does one of operators only; any other changes rows
    at once. `also_from` are states of a machine with a job under way which this verb may interrupt. What
    `deletes` is refused while the machine is protected."""

    kind: str
    label: str | Promise
    from_states: frozenset[State]
    during: State | None = None
    after: State | None = None
    on_failure: State | None = None  # None: the state from before
    also_from: frozenset[State] = frozenset()
    interrupted_by: frozenset[str] = frozenset()
    operator_only: bool = False
    destructive: bool = False
    deletes: bool = False

    def refuse_unless_allowed(self, vm: VirtualMachine) -> None:
        """StateConflict, naming the state and those that would do."""
        if vm.state not in self.from_states | self.also_from:
            wanted = sorted(state.value for state in self.from_states)
            raise StateConflict(
                reason="wrong_state", state=vm.state, wanted=", ".join(wanted), verb=self.kind
            )
        self._refuse_protected(vm)

    def allows(self, vm: VirtualMachine) -> bool:
        try:
            self.refuse_unless_allowed(vm)
        except StateConflict:
            return False
        return True

    def _refuse_protected(self, vm: VirtualMachine) -> None:
        if self.deletes and vm.delete_protection:
            raise StateConflict(reason="delete_protected", state=vm.state)

    def begin(self, job: Job) -> None:
        """Move the machine into `during`, in the transaction that takes the job's locks."""
        vm = VirtualMachine.objects.select_related("host").filter(uuid=job.target_uuid).first()
        if vm is None:  # it was removed since it was read
            raise NotFound(kind="virtualmachine")
        if vm.state not in self.from_states:
            raise StateConflict(reason="wrong_state", state=vm.state, verb=self.kind)
        self._refuse_protected(vm)
        job.memo["state_before"] = vm.state
        if vm.host:
            job.memo["host_before"] = vm.host.name
        if self.during and self.during != vm.state:
            # what is only leaving is not refused for what its last moments count
            vm.move_to(self.during, error=None, beyond=self.during != S.STARTING)


def lock_of(vm: VirtualMachine) -> str:
    return f"vm:{vm.uuid}"


ANY = frozenset(S)
VERBS: dict[str, Verb] = {
    verb.kind: verb
    for verb in (
        Verb("vm.deploy", _("Deploy"), frozenset({S.ERROR}), S.STARTING, S.RUNNING, S.ERROR),
        Verb("vm.start", _("Start"), frozenset({S.STOPPED}), S.STARTING, S.RUNNING),
        Verb(
            "vm.stop",
            _("Stop"),
            frozenset({S.RUNNING}),
            S.STOPPING,
            S.STOPPED,
            interrupted_by=frozenset({"vm.force_stop", "vm.destroy"}),
        ),
        Verb(
            "vm.force_stop",
            _("Force stop"),
            frozenset({S.RUNNING}),
            S.STOPPING,
            S.STOPPED,
            also_from=frozenset({S.STOPPING}),
            destructive=True,
        ),
        Verb(
            "vm.reboot",
            _("Reboot"),
            frozenset({S.RUNNING}),
            S.RUNNING,
            S.RUNNING,
            interrupted_by=frozenset({"vm.force_stop", "vm.destroy"}),
        ),
        Verb(
            "vm.destroy",
            _("Move to trash"),
            frozenset({S.RUNNING, S.STOPPED}),
            S.STOPPING,
            S.DESTROYED,
            also_from=frozenset({S.STOPPING}),
            destructive=True,
            deletes=True,
        ),
        Verb("vm.recover", _("Take out of trash"), frozenset({S.DESTROYED})),
        Verb(
            "vm.expunge",
            _("Delete for good"),
            frozenset({S.DESTROYED}),
            S.EXPUNGING,
            destructive=True,
            deletes=True,
        ),
        Verb("vm.dismiss", _("Dismiss"), frozenset({S.ERROR})),
        Verb("vm.rename", _("Rename"), ANY - {S.EXPUNGING}),
        Verb("vm.change_offering", _("Change size"), frozenset({S.STOPPED})),
        Verb("vm.tag", _("Change tags"), ANY - {S.EXPUNGING}),
        Verb("vm.protect", _("Protect from deletion"), ANY - {S.EXPUNGING}),
        Verb("vm.transfer", _("Hand over to another account"), frozenset({S.RUNNING, S.STOPPED, S.ERROR})),
        Verb(
            "vm.record_power",
            _("Follow what the host reports"),
            frozenset({S.RUNNING, S.STOPPED, S.DESTROYED}),
            operator_only=True,
        ),
    )
}


def declare() -> None:
    """Tell jobs and policy of the verbs. Called once, when the app is ready."""
    for verb in VERBS.values():
        events.VERBS_AT_ONCE[verb.kind] = verb.label
        if verb.during or verb.operator_only:
            kinds.register(
                kinds.JobKind(
                    verb.kind,
                    verb.label,
                    begin=None if verb.kind == "vm.deploy" else verb.begin,
                    interrupted_by=verb.interrupted_by,
                )
            )
    kinds.register(kinds.JobKind("vm.deploy_batch", _("Deploy several")))
    kinds.register(kinds.JobKind("vm.read_console", _("Read the console log"), quiet=True))
