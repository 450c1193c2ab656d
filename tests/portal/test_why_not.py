"""A button that its reader may not press says by which rule, and who could grant it."""

from __future__ import annotations

import html
import re

import pytest

from apps.compute.models import VirtualMachine
from apps.compute.states import State
from tests import factories
from tests.accounts.rights import Campus, custom, give, make_campus
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def campus() -> Campus:
    return make_campus()


@pytest.fixture
def vm(campus: Campus) -> VirtualMachine:
    return factories.make_vm(factories.make_zone(), account=campus.in_lab, state=State.RUNNING)


def reason(page: str, verb: str) -> str:
    found = re.search(rf'<button[^>]*id="act-{verb}"[^>]*aria-disabled="true" title="([^"]*)"', page)
    return html.unescape(found[1]) if found else ""


def test_it_names_the_rule_that_denies_it_and_who_could_grant_it(campus: Campus, vm: VirtualMachine) -> None:
    give(None, campus.stranger, custom(None, "-vm.stop", "vm.*", name="Tutor"), campus.in_lab)
    page = client_of(campus.stranger).get(f"/virtual-machines/{vm.uuid}/").text
    said = reason(page, "vm.stop")
    assert "Rule 1 of your role “Tutor” denies it." in said
    assert f"Who could grant it: {campus.head.username}" in said
    assert not reason(page, "vm.destroy")


def test_who_reads_only_is_told_that_no_role_allows_it(campus: Campus, vm: VirtualMachine) -> None:
    give(None, campus.stranger, "auditor", campus.in_lab)
    page = client_of(campus.stranger).get(f"/virtual-machines/{vm.uuid}/").text
    for verb in ("vm.stop", "vm.destroy"):
        assert f"{campus.head.username}" in reason(page, verb)


def test_a_state_that_forbids_it_is_told_as_before(campus: Campus, vm: VirtualMachine) -> None:
    page = client_of(campus.worker).get(f"/virtual-machines/{vm.uuid}/").text
    assert "Who could grant it" not in page
    assert reason(page, "vm.start")
