"""Whoever reads Greek meets no English on a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation
from django.utils.formats import date_format

from apps.accounts.models import Account, User
from apps.compute.models import ServiceOffering, VirtualMachine
from apps.compute.states import State
from apps.jobs.models import Job, JobState
from apps.storage.models import Template
from apps.zones.models import Zone
from tests import factories

pytestmark = pytest.mark.django_db

SAME_IN_GREEK = {
    "cloudportal",
    "Hostname",
    "English",
    "VM",
    "CSV",
    "SSH",
    "CPU",
    "vCPU",
    "MiB",
    "cloud",
    "init",
    "config",
    "sh",
}
SAME_IN_GREEK |= {"cookies", "UTC", "GiB", "TiB"}
SAME_IN_GREEK |= {"bin", "make", "login", "id", "ed", "pub", "lab", "vm", "curl", "Python"}  # what is typed
CODE = {"code", "pre", "kbd"}  # for programs
SPOKEN = {"title", "aria-label", "placeholder", "alt"}


class _Words(HTMLParser):
    """The Latin words that a page shows or has read out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._code = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code += tag in CODE
        for name, value in attrs:
            if name in SPOKEN:
                self.handle_data(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in CODE

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.found |= set(re.findall(r"[A-Za-z]{2,}", data))


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def reader(account: Account) -> User:
    user = factories.make_user(account)
    user.username = "ελένη"
    user.save()
    return user


@pytest.fixture
def vm(account: Account) -> VirtualMachine:
    """A stopped machine; whatever people name bears a Greek name."""
    vm = factories.make_vm(factories.make_zone(), account=account, state=State.STOPPED)
    for model in (Account, Zone, ServiceOffering, Template, VirtualMachine):
        model.objects.update(name="Όνομα")
    return vm


def greek(user: User) -> Client:
    client = Client(headers={"accept-language": "el"})
    client.force_login(user)
    return client


def english_in(content: bytes) -> set[str]:
    page = content.decode()
    assert '<html lang="el"' in page or "<html" not in page
    return _Words(page).found - SAME_IN_GREEK


def test_the_check_sees_english() -> None:
    assert english_in(b'<p>Stop</p><a title="Open it">x</a>') == {"Stop", "Open", "it"}


def test_the_pages_before_logging_in_are_greek() -> None:
    client = Client(headers={"accept-language": "el"})
    assert english_in(client.get("/login/").content) == set()
    assert english_in(client.get("/login/link/").content) == set()
    assert english_in(client.post("/login/link/", {"token": "x"}).content) == set()


def test_the_list_is_greek(vm: VirtualMachine, reader: User) -> None:
    assert english_in(greek(reader).get("/virtual-machines/").content) == set()


def test_an_empty_list_is_greek(reader: User) -> None:
    assert english_in(greek(reader).get("/virtual-machines/").content) == set()


@pytest.mark.parametrize("changes", [{"name": ""}, {"user_data": "x"}, {"user_data": "#cloud-config\n: ["}])
def test_a_form_with_a_mistake_is_greek(vm: VirtualMachine, reader: User, changes: dict[str, str]) -> None:
    client = greek(reader)
    assert english_in(client.get("/virtual-machines/new/").content) == set()
    rows = {"account": vm.account, "zone": vm.zone, "template": vm.template, "offering": vm.offering}
    form = {"name": "Δεύτερη", **{name: str(row.uuid) for name, row in rows.items()}}
    answer = client.post("/virtual-machines/new/", form | changes)
    assert answer.status_code == 422
    assert english_in(answer.content) - {"YAML"} == set()


def test_a_machine_is_greek_in_each_state(vm: VirtualMachine, reader: User) -> None:
    client = greek(reader)
    client.post(f"/virtual-machines/{vm.uuid}/act/", {"verb": "vm.start"})
    for job_state in JobState:
        Job.objects.update(state=job_state)
        assert english_in(client.get(f"/virtual-machines/{vm.uuid}/").content) == set(), job_state
    for state in (State.STARTING, State.STOPPING, State.STOPPED, State.DESTROYED, State.EXPUNGING):
        VirtualMachine.objects.update(state=state)
        assert english_in(client.get(f"/virtual-machines/{vm.uuid}/live/").content) == set(), state


def test_a_refusal_is_greek(vm: VirtualMachine, reader: User) -> None:
    client = greek(reader)
    client.post(f"/virtual-machines/{vm.uuid}/act/", {"verb": "vm.start"})
    page = client.post(f"/virtual-machines/{vm.uuid}/act/", {"verb": "vm.recover"}, follow=True)
    assert b'role="alert"' in page.content
    assert english_in(page.content) == set()
    assert english_in(client.get("/virtual-machines/00000000-0000-0000-0000-000000000000/").content) == set()


@pytest.mark.parametrize("page", ["400", "403", "403_csrf", "404", "500"])
def test_the_pages_of_errors_are_greek(page: str) -> None:
    with translation.override("el"):
        text = render_to_string(f"{page}.html", {"request_id": "1"})
    assert english_in(text.encode()) == set()


def test_the_reader_changes_the_language_and_stays_on_the_page(reader: User) -> None:
    client = greek(reader)
    answer = client.post("/i18n/setlang/", {"language": "en", "next": "/virtual-machines/new/"})
    assert answer["Location"] == "/virtual-machines/new/"
    assert b'<html lang="en"' in client.get("/virtual-machines/new/").content
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "en"


def test_a_day_reads_the_same_to_every_reader() -> None:
    day = datetime(2026, 7, 4, 15, 30, tzinfo=UTC)
    with translation.override("en"):
        assert date_format(day, "SHORT_DATETIME_FORMAT") == "4 Jul 2026, 15:30"
    with translation.override("el"):
        assert date_format(day, "SHORT_DATE_FORMAT") == "04/07/2026"
