"""What somebody else removes between being found and being changed is not there: that is no fault."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import VirtualMachine, VmNamePart
from apps.compute.services.bulk import Outcome, act_on_many
from apps.compute.states import State
from apps.zones.models import Region
from tests import factories
from tests.api.client import Api
from tests.api.conftest import Cast, cast

__all__ = ["cast"]

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def remove(row: Model) -> None:
    if isinstance(row, VirtualMachine):
        VmNamePart.objects.filter(vm=row).delete()
    rows: Any = type(row)._base_manager.filter(pk=row.pk)
    rows._raw_delete(using="default")


def removed_when(monkeypatch: pytest.MonkeyPatch, kind: str, row: Model) -> None:
    """Somebody removes the row just when it was seen that `kind` may be done to it."""
    asked = policy.require

    def require(actor: Actor, wanted: str, obj: Model | None = None) -> None:
        asked(actor, wanted, obj)
        if wanted == kind:
            remove(row)

    monkeypatch.setattr(policy, "require", require)


def bare_machine(cast: Cast, state: State = State.STOPPED) -> VirtualMachine:
    return factories.make_vm(cast.zone, account=cast.account, state=state, disks_gib=(), nics=0)


@pytest.mark.parametrize(
    ("path", "method", "kind", "body"),
    [
        ("regions", "PATCH", "region.change", {"name": "other"}),
        ("service-offerings", "PATCH", "service_offering.change", {"name": "other"}),
        ("service-offerings", "POST", "service_offering.disable", None),
        ("virtual-machines", "PATCH", "vm.rename", {"name": "other"}),
        ("virtual-machines", "POST", "vm.start", None),
    ],
)
def test_over_the_api_it_is_not_found(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, path: str, method: str, kind: str, body: Any
) -> None:
    operator: Api = cast.operator
    rows: dict[str, Any] = {
        "regions": lambda: Region.objects.create(name="Κέα"),
        "service-offerings": factories.make_offering,
        "virtual-machines": lambda: bare_machine(cast),
    }
    row = rows[path]()
    removed_when(monkeypatch, kind, row)
    verb = f"{kind.rpartition('.')[2]}/" if method == "POST" else ""
    answer = operator.send(method, f"{path}/{row.uuid}/{verb}", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_on_a_page_it_is_not_found(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    vm = bare_machine(cast)
    client = Client()
    client.force_login(cast.users["member"])
    removed_when(monkeypatch, "vm.rename", vm)
    answer = client.post(f"/virtual-machines/{vm.uuid}/settings/", {"kind": "vm.rename", "name": "other"})
    assert answer.status_code == 404


@pytest.mark.parametrize("kind", ["vm.start", "vm.destroy"])
def test_of_many_it_alone_is_refused(cast: Cast, kind: str) -> None:
    vms = [bare_machine(cast) for _ in range(3)]
    remove(vms[1])
    done = act_on_many(Actor(cast.users["member"]), kind, vms)
    assert [one.outcome for one in done] == [Outcome.SUBMITTED, Outcome.REFUSED, Outcome.SUBMITTED]
    assert done[1].error is not None
    assert done[1].error.code == "not_found"
