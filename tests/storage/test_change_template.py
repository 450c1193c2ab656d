"""Templates are changed after they were made: by whom, and what is kept."""

from __future__ import annotations

import pytest

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.core.errors import InvalidInput, NameTaken, PermissionDenied, StateConflict
from apps.jobs.models import Event
from apps.storage.models import Template
from apps.storage.services_templates import change_template
from tests import factories

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def template(account: Account) -> Template:
    return factories.make_template(factories.make_zone(), account)


def test_what_is_given_is_changed_and_recorded(template: Template) -> None:
    change_template(SYSTEM, template, name="Ντέμπιαν", is_public=False)
    change_template(SYSTEM, template, is_public=False)
    row = Template.objects.get(name_key="ντεμπιαν")
    assert not row.is_public
    changes = {"name": [template.name, "Ντέμπιαν"], "is_public": [True, False]}
    assert Event.objects.get().changes == changes


def test_a_description_can_be_taken_away(template: Template) -> None:
    assert change_template(SYSTEM, template, description="For labs").description == "For labs"
    assert change_template(SYSTEM, template, description="").description == ""


def test_a_template_that_goes_is_not_changed(template: Template) -> None:
    Template.objects.update(state=Template.State.DELETING)
    with pytest.raises(StateConflict):
        change_template(SYSTEM, template, name="x")


def test_bad_values_are_refused_by_name(template: Template, account: Account) -> None:
    other = factories.make_template(template.secondary_storage.zone, account)
    with pytest.raises(NameTaken):
        change_template(SYSTEM, template, name=other.name)
    with pytest.raises(InvalidInput) as refused:
        change_template(SYSTEM, template, min_memory_mib=-1)
    assert refused.value.place == "min_memory_mib"


def test_members_change_none(template: Template, account: Account) -> None:
    member = Actor(factories.make_user(account))
    with pytest.raises(PermissionDenied):
        change_template(member, template, is_public=False)
