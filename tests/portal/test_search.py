"""Search and palette: by name in Greek and Latin, by address, by id; nothing that is not the reader's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Account, Directory, User
from apps.compute import placement
from apps.compute.models import ServiceOffering, SshKeyPair, VirtualMachine
from apps.compute.states import State
from apps.portal.search.finders import FINDERS
from apps.zones.models import Zone
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone()


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def member(account: Account) -> User:
    return factories.make_user(account)


@pytest.fixture
def vm(zone: Zone, account: Account) -> VirtualMachine:
    vm = factories.make_vm(zone, account=account, state=State.STOPPED)
    vm.set_name("Εργαστήριο Φυσικής 7")
    vm.save()
    return vm


def found(client: Client, text: str) -> str:
    page = client.get("/search/", {"q": text}).content.decode()
    return page[page.index("<h1>") : page.index("</main>")]


@pytest.mark.parametrize("text", ["εργαστηριο", "ΦΥΣΙΚΉΣ", "φυσικησ 7", "  Εργαστήριο Φυσικής 7  ", "ργαστ"])
def test_a_name_is_found_without_regard_to_accents_and_capitals(
    member: User, vm: VirtualMachine, text: str
) -> None:
    assert f"/virtual-machines/{vm.uuid}/" in found(client_of(member), text)


def test_a_machine_is_found_by_its_address_and_by_its_id(member: User, vm: VirtualMachine) -> None:
    placement.place(vm)
    nic = vm.nics.select_related("ip").get()
    assert nic.ip is not None
    client = client_of(member)
    for text in (nic.ip.address, nic.ip.address.rpartition(".")[0], str(vm.uuid), str(vm.uuid).upper()):
        assert f"/virtual-machines/{vm.uuid}/" in found(client, text)
    assert f"/virtual-machines/{vm.uuid}/" not in found(client, "203.0.113.")


def test_each_kind_is_found_and_operators_find_more(
    zone: Zone, account: Account, member: User, vm: VirtualMachine
) -> None:
    name = "Ζήτα"
    factories.make_template(zone, account, name=name)
    SshKeyPair.objects.create(account=account, name=name, public_key="x", fingerprint="SHA256:zz")
    ServiceOffering.objects.create(name=name, vcpus=1, memory_mib=512)
    pod = zone.pods.get()
    rows: list[Any] = [zone, account, pod, pod.clusters.get(), zone.hosts.get(), zone.primary_storages.get()]
    for row in rows:
        row.set_name(name)
        row.save()
    Directory.objects.create(name=name, kind="openldap")
    person = factories.make_user()
    person.full_name = "Ελένη Ζήτα"
    person.save()
    own, operator = (
        found(client_of(member), "ζητα"),
        found(client_of(factories.make_user(super_admin=True)), "ζητα"),
    )
    headings = [str(finder.label) for finder in FINDERS if finder.label != FINDERS[0].label]
    for_all = {str(finder.label) for finder in FINDERS if not finder.operators}
    for heading in headings:
        assert f"<h2>{heading}</h2>" in operator
        assert (f"<h2>{heading}</h2>" in own) == (heading in for_all)
    assert f"/offerings/{ServiceOffering.objects.get(name=name).uuid}/" in operator
    assert not re.findall('href="/(?:offerings|infrastructure)/', own)
    assert "Ελένη Ζήτα" in operator
    assert "Ελένη" not in own


def test_jobs_are_found_by_what_they_do_and_by_their_machine(member: User, vm: VirtualMachine) -> None:
    client = client_of(member)
    client.post(f"/virtual-machines/{vm.uuid}/act/", {"verb": "vm.start"})
    for text in ("start", str(vm.uuid)):
        assert "<h2>Jobs</h2>" in found(client, text)
    greek = Client(headers={"accept-language": "el"})
    greek.force_login(member)
    assert "<h2>Εργασίες</h2>" in found(greek, "εκκινηση")


def test_nobody_finds_what_is_not_theirs(zone: Zone, vm: VirtualMachine) -> None:
    stranger = client_of(factories.make_user(factories.make_account()))
    for text in ("εργαστηριο", str(vm.uuid), vm.account.name):
        assert "Nothing found" in found(stranger, text)
    for path in ("/search/", "/search/palette/", "/shortcuts/"):
        assert Client().get(path)["Location"].startswith("/login/")


@pytest.mark.parametrize("text", ["a" * 101, "a\0b", "\ud800"])
def test_what_cannot_be_searched_for_is_told(member: User, text: str) -> None:
    client = client_of(member)
    answer = client.get(
        "/search/?q=" + "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))
    )
    assert answer.status_code in {200, 422}
    assert client.get("/search/palette/", {"q": text.replace("\ud800", "x")}).status_code == 200
    if answer.status_code == 422:
        assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize(
    "text", ["%", "_", "' OR 1=1 --", "<script>alert(1)</script>", "10.", "..", "0" * 36]
)
def test_signs_of_other_languages_are_only_text(member: User, vm: VirtualMachine, text: str) -> None:
    page = found(client_of(member), text)
    assert "<script>" not in page
    assert vm.name not in page


def test_a_search_costs_the_same_for_any_number_of_rows(zone: Zone, account: Account) -> None:
    client = client_of(factories.make_user(account, super_admin=True))
    counts = []
    for number in (1, 40):
        for _each in range(number):
            factories.make_vm(zone, account=account)
        with CaptureQueriesContext(connection) as queries:
            client.get("/search/", {"q": "vm"})
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 16
    assert found(client, "vm").count("/virtual-machines/") == 11


def test_the_name_itself_comes_first_then_names_that_begin_so(zone: Zone, account: Account) -> None:
    def made(name: str) -> str:
        vm = factories.make_vm(zone, account=account)
        vm.set_name(name)
        vm.save()
        return f"/virtual-machines/{vm.uuid}/"

    exact, begins = made("Άλφα 1"), made("Άλφα 10")
    for number in range(12):
        made(f"beta άλφα 1{number:02}")
    SshKeyPair.objects.create(account=account, name="my άλφα 1 key", public_key="x", fingerprint="SHA256:a")
    typed = SshKeyPair.objects.create(account=account, name="άλφα", public_key="x", fingerprint="SHA256:b")
    client = client_of(factories.make_user(account, super_admin=True))
    shown = re.findall(r'href="(/virtual-machines/[0-9a-f-]{36}/)"', found(client, "αλφα 1"))
    assert shown[:2] == [exact, begins]
    assert len(shown) == 10
    assert [href for href, _verb in options(client, q="ΆΛΦΑ 1")][:2] == [exact, begins]
    key = f"/ssh-keys/{typed.uuid}/"
    assert options(client, q="αλφα")[0] == (key, "")
    assert re.search(r'href="(/[^"]*[0-9a-f-]{36}/)"', found(client, "αλφα"))[1] == key  # type: ignore[index]


def test_people_too_are_found_by_their_name_first(member: User) -> None:
    for name in ("ann", "joann", *(f"anna{number}" for number in range(12))):
        User.objects.create_user(name)
    page = found(client_of(factories.make_user(super_admin=True)), "ann")
    names = re.findall(r"<bdi>(\w*ann\w*)</bdi>", page)
    assert names[0] == "ann"
    assert "joann" not in names
    assert len(names) == 10


def test_a_place_that_is_called_what_was_typed_comes_before_what_holds_it(
    zone: Zone, account: Account, member: User
) -> None:
    vm = factories.make_vm(zone, account=account)
    vm.set_name("old trash")
    vm.save()
    client = client_of(member)
    assert [href for href, _verb in options(client, q="trash")] == [
        "/trash/",
        f"/virtual-machines/{vm.uuid}/",
    ]


def options(client: Client, **query: str) -> list[tuple[str, str]]:
    """(href, verb) of each line of the palette."""
    page = client.get("/search/palette/", query).content.decode()
    return re.findall(r'data-href="([^"]*)"(?: data-verb="([^"]*)")?', page)


def test_the_palette_begins_with_what_can_be_done_here(member: User, vm: VirtualMachine) -> None:
    client, here = client_of(member), f"/virtual-machines/{vm.uuid}/"
    shown = options(client, on=here)
    assert shown[0] == (f"{here}act/", "vm.start")
    assert ("/virtual-machines/new/", "") in shown
    assert not any(verb == "vm.destroy" for _href, verb in shown)
    assert (f"{here}act/destroy/", "") in shown
    assert options(client, on=f"{here}history/")[0] == shown[0]
    assert all("act" not in href for href, _verb in options(client, on="/"))


@pytest.mark.parametrize("on", ["", "nonsense", "//evil.example/", "/virtual-machines/x/", "/%00/"])
def test_the_palette_opens_anywhere(member: User, on: str) -> None:
    assert ("/virtual-machines/new/", "") in options(client_of(member), on=on)


def test_the_palette_offers_no_act_on_what_is_not_the_readers(vm: VirtualMachine) -> None:
    stranger = client_of(factories.make_user(factories.make_account()))
    assert not any(verb for _href, verb in options(stranger, on=f"/virtual-machines/{vm.uuid}/"))


def test_the_palette_finds_objects_places_and_documents(
    member: User, vm: VirtualMachine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pages = tmp_path / "docs" / "current"
    pages.mkdir(parents=True)
    entries = [
        {"title": "Κλειδιά", "address": "/docs/el/keys/", "language": "el"},
        {"title": "Keys", "address": "/docs/en/keys/", "language": "en"},
    ]
    (pages / "index.json").write_text(json.dumps(entries))
    monkeypatch.setattr(settings, "VAR", tmp_path)
    client = client_of(member)
    assert (f"/virtual-machines/{vm.uuid}/", "") in options(client, q="φυσικης")
    assert options(client, q="keys") == [("/ssh-keys/", ""), ("/docs/en/keys/", "")]


@pytest.mark.parametrize("typed", ["insufficient_capacity", "INSUFFICIENT_CAP", "no room"])
def test_the_page_of_an_error_is_found_by_its_code(
    member: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: str
) -> None:
    pages = tmp_path / "docs" / "current"
    pages.mkdir(parents=True)
    here = "/docs/en/errors/insufficient_capacity/"
    entries = [
        {"title": "No room", "address": here, "language": "en"},
        {"title": "Χωρίς χώρο", "address": here.replace("/en/", "/el/"), "language": "el"},
        {"title": "Cancelled", "address": "/docs/en/errors/cancelled/", "language": "en"},
    ]
    (pages / "index.json").write_text(json.dumps(entries))
    monkeypatch.setattr(settings, "VAR", tmp_path)
    client = client_of(member)
    assert options(client, q=typed) == [(here, "")]
    page = client.get("/search/", {"q": typed}).text
    assert f'href="{here}"' in page
    assert "/docs/el/errors/" not in page
    assert "/errors/cancelled/" not in page


def test_single_keys_can_be_switched_off_and_on_again(member: User) -> None:
    client = client_of(member)
    for wanted, told in (("off", True), ("on", False)):
        answer = client.post("/preferences/keys/", {"keys": wanted, "next": "/trash/"})
        assert answer["Location"] == "/trash/"
        assert ('data-keys="off"' in client.get("/trash/").content.decode()) is told
    assert client.post("/preferences/keys/", {"keys": "x", "next": "//evil.example/"})["Location"] == "/"


def test_the_sheet_of_shortcuts_is_a_page_and_a_dialog(member: User) -> None:
    client = client_of(member)
    assert "<html" in client.get("/shortcuts/").content.decode()
    assert "<html" not in client.get("/shortcuts/", headers={"HX-Request": "true"}).content.decode()
