"""What the cloud is built of is the operator's to know: no tenant is shown its names."""

from __future__ import annotations

from apps.compute import placement
from apps.compute.models import VirtualMachine
from apps.storage.models import PrimaryStorage
from apps.zones.models import Cluster, Host, Pod
from tests.api.conftest import Cast


def test_a_machine_tells_its_owner_no_name_of_what_carries_it(cast: Cast) -> None:
    placement.place(VirtualMachine.objects.get(pk=cast.vm.pk))
    path = f"virtual-machines/{cast.vm.uuid}/"
    names = [str(row) for model in (Pod, Cluster, Host, PrimaryStorage) for row in model.objects.all()]
    names += list(VirtualMachine.objects.values_list("nics__network__name", flat=True))
    assert len(names) >= 5
    for below in ("", "placement/", "events/"):
        told = cast.member.get(f"{path}{below}").text
        assert [name for name in names if f'"{name}"' in told] == []
    assert cast.operator.get(path).json()["nics"][0]["network"]["name"] in names
    assert cast.member.get(path).json()["nics"][0]["ip"]
