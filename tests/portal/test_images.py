"""Images: who sees which, how one is added, changed and deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Account, User
from apps.compute.states import State
from apps.jobs.models import Job
from apps.storage.models import SecondaryStorage, Template
from apps.zones.models import Zone
from tests import factories

pytestmark = pytest.mark.django_db
AT = "/templates/"


def client_of(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    zone = factories.make_zone(hosts=0)
    SecondaryStorage.objects.create(zone=zone, name="images", path=str(tmp_path))
    return zone


@pytest.fixture
def operator() -> User:
    return factories.make_user(super_admin=True)


def form_of(zone: Zone, account: Account, **changes: Any) -> dict[str, Any]:
    file = SimpleUploadedFile("debian.qcow2", b"QFI\xfb image")
    return {
        "name": "debian",
        "zone": zone.uuid,
        "account": account.uuid,
        "arch": "x86_64",
        "min_memory_mib": "256",
        "is_public": "on",
        "file": file,
    } | changes


def test_each_sees_what_they_may_use(zone: Zone, account: Account, operator: User) -> None:
    public = factories.make_template(zone, account)
    private = factories.make_template(zone, account, is_public=False)
    deleted = factories.make_template(zone, account, state=Template.State.DELETED)
    readers = (operator, factories.make_user(account), factories.make_user(factories.make_account()))
    seen = []
    for reader in readers:
        client = client_of(reader)
        page = client.get(AT).text
        one = [client.get(f"{AT}{row.uuid}/").status_code for row in (public, private, deleted)]
        seen.append([[row.name in page for row in (public, private, deleted)], one])
    assert seen == [
        [[True, True, False], [200, 200, 404]],
        [[True, True, False], [200, 200, 404]],
        [[True, False, False], [200, 404, 404]],
    ]
    assert Client().get(AT).status_code == 302


def test_only_operators_add_change_and_delete(zone: Zone, account: Account, operator: User) -> None:
    row = factories.make_template(zone, account)
    paths = [f"{AT}new/", f"{AT}{row.uuid}/change/", f"{AT}{row.uuid}/delete/"]
    member, owner = client_of(factories.make_user(account)), client_of(operator)
    assert [owner.get(path).status_code for path in paths] == [200] * 3
    for ask in (member.get, member.post):
        assert [ask(path).status_code for path in paths] == [403] * 3
    assert "Add an image" not in member.get(AT).text
    assert "/delete/" not in member.get(f"{AT}{row.uuid}/").text
    assert not Job.objects.exists()


def test_an_upload_is_stored_and_its_page_follows_the_job(
    zone: Zone, account: Account, operator: User
) -> None:
    client = client_of(operator)
    answer = client.post(f"{AT}new/", form_of(zone, account))
    row = Template.objects.get()
    assert answer["Location"] == f"{AT}{row.uuid}/"
    assert (row.name, row.is_public, row.min_memory_mib) == ("debian", True, 256)
    staged = Path(row.secondary_storage.path) / "incoming" / str(row.uuid)
    assert staged.read_bytes() == b"QFI\xfb image"
    assert Job.objects.get().kind == "template.register"
    assert f'data-live="template:{row.uuid}"' in client.get(answer["Location"]).text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"arch": "x 86"}, "arch"),
        ({"file": ""}, "file"),
        ({"min_memory_mib": "-1"}, "min_memory_mib"),
    ],
)
def test_what_is_refused_is_told_beside_its_field_and_leaves_nothing(
    zone: Zone, account: Account, operator: User, changes: dict[str, Any], field: str
) -> None:
    answer = client_of(operator).post(f"{AT}new/", form_of(zone, account, **changes))
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.text
    assert not Template.objects.exists()
    folder = Path(SecondaryStorage.objects.get().path) / "incoming"
    assert not folder.exists() or not list(folder.iterdir())


def test_an_upload_needs_the_forms_own_token(zone: Zone, account: Account, operator: User) -> None:
    client = client_of(operator, enforce_csrf_checks=True)
    assert client.post(f"{AT}new/", form_of(zone, account)).status_code == 403
    assert not Template.objects.exists()


def test_an_upload_beyond_the_largest_is_refused(
    zone: Zone, account: Account, operator: User, settings: Any
) -> None:
    settings.TEMPLATE_MAX_BYTES = 4
    answer = client_of(operator).post(f"{AT}new/", form_of(zone, account))
    assert answer.status_code == 413
    assert not Template.objects.exists()


def test_a_template_says_why_it_cannot_be_used(zone: Zone, account: Account, operator: User) -> None:
    error = {"code": "image_rejected", "params": {"reason": "encrypted"}, "technical": "qemu said no"}
    row = factories.make_template(zone, account, state=Template.State.ERROR, error=error)
    page = client_of(operator).get(f"{AT}{row.uuid}/").text
    assert "The image is encrypted" in page
    assert "Create VM</a>" not in page[page.index("<h1") : page.index('id="part"')]


def test_an_image_is_changed(zone: Zone, account: Account, operator: User) -> None:
    row, client = factories.make_template(zone, account), client_of(operator)
    body = {"name": "Ubuntu", "description": "For labs", "min_memory_mib": "512"}
    client.post(f"{AT}{row.uuid}/change/", body)
    row.refresh_from_db()
    assert (row.name, row.description, row.min_memory_mib, row.is_public) == (
        "Ubuntu",
        "For labs",
        512,
        False,
    )
    assert client.post(f"{AT}{row.uuid}/change/", {**body, "name": ""}).status_code == 422


def test_deleting_shows_what_is_built_on_it(zone: Zone, account: Account, operator: User) -> None:
    used, spare = factories.make_template(zone, account), factories.make_template(zone, account)
    factories.make_vm(zone, account=account, template=used, state=State.STOPPED)
    client = client_of(operator)
    page = client.get(f"{AT}{used.uuid}/delete/").text
    assert "1 disk is built on it" in page
    assert f"/virtual-machines/?template={used.uuid}" in page
    assert 'role="alert"' in client.post(f"{AT}{used.uuid}/delete/", follow=True).text
    client.post(f"{AT}{spare.uuid}/delete/")
    assert Template.objects.get(pk=spare.pk).state == Template.State.DELETING
    assert Template.objects.get(pk=used.pk).state == Template.State.READY


@pytest.mark.parametrize("count", [1, 60])
def test_the_list_costs_the_same_whatever_it_holds(
    zone: Zone, account: Account, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        factories.make_template(zone, account)
    client = client_of(factories.make_user(account))
    with django_assert_max_num_queries(12):
        assert client.get(AT).status_code == 200


def test_a_new_image_is_the_readers_own_unless_another_account_is_chosen(
    zone: Zone, account: Account, operator: User
) -> None:
    own = factories.make_account()
    own.set_name("zzz")
    own.save()
    operator.accounts.add(own)
    page = client_of(operator).get(f"{AT}new/").content.decode()
    assert f'<option value="{own.uuid}" selected>' in page
    assert f'<option value="{account.uuid}">' in page
