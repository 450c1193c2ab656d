"""Sizes: renamed, withdrawn, offered again, removed once no machine has them."""

from __future__ import annotations

import pytest

from apps.accounts.actor import Actor
from apps.compute.models import ServiceOffering
from apps.compute.services import offerings
from apps.core.errors import NameTaken, ObjectInUse, PermissionDenied
from apps.jobs.models import Event
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Actor:
    return Actor(factories.make_user(super_admin=True))


def test_a_size_gets_another_name_and_is_found_by_it(operator: Actor) -> None:
    row = factories.make_offering()
    before = row.name
    offerings.change_service_offering(operator, row, name="Μικρή")
    offerings.change_service_offering(operator, row, name="Μικρή")
    assert ServiceOffering.objects.get(name_key="μικρη") == row
    assert Event.objects.get().changes == {"name": [before, "Μικρή"]}


def test_a_name_that_another_size_has_is_refused(operator: Actor) -> None:
    first, second = factories.make_offering(), factories.make_offering()
    with pytest.raises(NameTaken):
        offerings.change_service_offering(operator, second, name=first.name.upper())


def test_a_size_is_withdrawn_and_offered_again_once_each(operator: Actor) -> None:
    row = factories.make_offering()
    for act in (offerings.disable_service_offering, offerings.enable_service_offering):
        act(operator, act(operator, row))
    assert [event.kind for event in Event.objects.order_by("id")] == [
        "service_offering.disable",
        "service_offering.enable",
    ]


def test_a_size_goes_only_when_no_machine_has_it(operator: Actor) -> None:
    used, spare = factories.make_offering(), factories.make_offering()
    factories.make_vm(factories.make_zone(), offering=used)
    with pytest.raises(ObjectInUse) as refused:
        offerings.remove_service_offering(operator, used)
    assert refused.value.params["counts"] == {"virtual machine": 1}
    offerings.remove_service_offering(operator, spare)
    assert list(ServiceOffering.objects.all()) == [used]


def test_members_change_no_size() -> None:
    row, member = factories.make_offering(), Actor(factories.make_user(factories.make_account()))
    acts = (
        lambda: offerings.change_service_offering(member, row, name="x"),
        lambda: offerings.disable_service_offering(member, row),
        lambda: offerings.remove_service_offering(member, row),
    )
    for act in acts:
        with pytest.raises(PermissionDenied):
            act()
    assert not Event.objects.exists()
