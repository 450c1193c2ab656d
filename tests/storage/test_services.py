"""Pools, secondary storages and templates."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.core.errors import (
    CloudError,
    InvalidInput,
    NameTaken,
    ObjectInUse,
    RequestTooLarge,
    ResourceBusy,
    StateConflict,
    StorageUnavailable,
)
from apps.jobs.models import Event, Job, JobLock
from apps.storage import services, services_templates
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template
from apps.zones.models import Cluster, Host, HostState, Zone
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Actor.system("a test")


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone(hosts=2, pool=None)


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def storage(zone: Zone, tmp_path: Path) -> SecondaryStorage:
    storage, job = services.create_secondary_storage(
        OPERATOR, zone=zone, name="images", path=str(tmp_path / "images")
    )
    job.delete()
    return storage


def test_a_pool_is_read_by_a_host_that_reaches_it(zone: Zone) -> None:
    first = Host.objects.filter(zone=zone).order_by("pk").first()
    assert first is not None
    pool, job = services.create_primary_storage(OPERATOR, zone=zone, scope="zone", name="p", path="/srv/p")
    assert job is not None
    assert (job.kind, job.args) == ("primary_storage.connect", {"host": str(first.uuid)})
    assert JobLock.objects.get(job=job).key == f"pool:{pool.uuid}"


def test_while_no_host_is_up_there_is_no_job(zone: Zone) -> None:
    Host.objects.update(state=HostState.DISCONNECTED)
    pool, job = services.create_primary_storage(OPERATOR, zone=zone, scope="zone", name="p", path="/srv/p")
    assert job is None
    assert services.reconnect_primary_storage(OPERATOR, pool) is None
    Host.objects.update(state=HostState.UP)
    assert services.reconnect_primary_storage(OPERATOR, pool) is not None


def test_a_scope_names_what_it_belongs_to(zone: Zone) -> None:
    cluster = Cluster.objects.get(pod__zone=zone)
    host = Host.objects.filter(zone=zone).first()
    elsewhere = factories.make_zone(hosts=1, pool=None)
    foreign = Host.objects.get(zone=elsewhere)
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"scope": "cluster"}, "scope", "scope_needs"),
        ({"scope": "zone", "cluster": cluster}, "scope", "scope_needs"),
        ({"scope": "host", "cluster": cluster}, "scope", "scope_needs"),
        ({"scope": "host", "host": host, "cluster": cluster}, "scope", "scope_needs"),
        ({"scope": "host", "host": foreign}, "host", "in_other_zone"),
        ({"scope": "cluster", "cluster": foreign.cluster}, "cluster", "in_other_zone"),
        ({"scope": "rack"}, "scope", "not_a_choice"),
        ({"scope": "zone", "driver": "tape"}, "driver", "not_a_choice"),
        ({"scope": "zone", "overprovision_percent": 99}, "overprovision_percent", "out_of_range"),
    ]
    for given, place, reason in wrong:
        with pytest.raises(InvalidInput) as caught:
            services.create_primary_storage(OPERATOR, zone=zone, name="p", path="/srv/p", **given)
        assert (caught.value.place, caught.value.params["reason"]) == (place, reason)
    assert not PrimaryStorage.objects.exists()
    services.create_primary_storage(OPERATOR, zone=zone, scope="host", host=host, name="p", path="/srv/p")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "srv",
        "/srv/..",
        "/../srv",
        "/srv/./x",
        "/srv//x",
        "/srv/",
        "/srv/a b",
        "/srv/a\n",
        "/srv/é",
        "~/x",
    ],
)
def test_a_path_is_absolute_and_plain(zone: Zone, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.create_secondary_storage(OPERATOR, zone=zone, name="s", path=path)
    assert (caught.value.place, caught.value.params["reason"]) == ("path", "not_a_path")


def test_a_pool_in_use_or_at_work_stays(zone: Zone) -> None:
    pool, job = services.create_primary_storage(OPERATOR, zone=zone, scope="zone", name="p", path="/srv/p")
    assert job is not None
    with pytest.raises(ResourceBusy):
        services.remove_primary_storage(OPERATOR, pool)
    job.locks.all().delete()
    vm = factories.make_vm(zone)
    vm.volumes().update(pool=pool)
    with pytest.raises(ObjectInUse) as caught:
        services.remove_primary_storage(OPERATOR, pool)
    assert caught.value.params["counts"] == {"volume": 1}
    vm.volumes().update(pool=None)
    services.remove_primary_storage(OPERATOR, pool)
    assert not PrimaryStorage.objects.exists()


def register(
    account: Account, storage: SecondaryStorage, data: bytes = b"QFI", **given: Any
) -> tuple[Template, Job]:
    given = {"name": "Debian", **given}
    template = services_templates.new_template(OPERATOR, account=account, secondary_storage=storage, **given)
    with services_templates.staged_upload(template, io.BytesIO(data)):
        return services_templates.register_template(OPERATOR, template=template)


def incoming(storage: SecondaryStorage) -> list[Path]:
    folder = Path(storage.path) / "incoming"
    return sorted(folder.iterdir()) if folder.exists() else []


def test_an_upload_waits_for_its_inspection(account: Account, storage: SecondaryStorage) -> None:
    template, job = register(account, storage, b"x" * 10_000_000)
    (path,) = incoming(storage)
    assert path.name == str(template.uuid)
    assert path.stat().st_size == 10_000_000
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    assert (template.state, job.kind) == (Template.State.CREATING, "template.register")
    assert JobLock.objects.get(job=job).key == f"template:{template.uuid}"


def test_a_refused_template_leaves_no_file(
    account: Account, storage: SecondaryStorage, settings: Any
) -> None:
    register(account, storage)
    settings.TEMPLATE_MAX_BYTES = 100
    for data, error in ((b"x" * 101, RequestTooLarge), (b"x", NameTaken)):
        with pytest.raises(error):
            register(account, storage, data)
    assert len(incoming(storage)) == 1
    assert Template.objects.count() == 1


def test_nothing_is_staged_for_what_is_refused_at_once(account: Account, storage: SecondaryStorage) -> None:
    refusals: list[dict[str, Any]] = [
        {"name": "a\nb"},
        {"arch": "x86 64"},
        {"min_memory_mib": -1},
        {"description": "x" * 501},
    ]
    for given in refusals:
        with pytest.raises(InvalidInput):
            register(account, storage, **given)
    SecondaryStorage.objects.update(enabled=False)
    storage.refresh_from_db()
    with pytest.raises(InvalidInput) as caught:
        register(account, storage)
    assert caught.value.params["reason"] == "storage_disabled"
    assert incoming(storage) == []


def test_a_folder_that_cannot_be_written_is_told(account: Account, zone: Zone, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    storage = SecondaryStorage.objects.create(zone=zone, name="odd", path=str(tmp_path / "file"))
    with pytest.raises(StorageUnavailable) as caught:
        register(account, storage)
    assert caught.value.params == {"storage": "odd", "reason": "storage_folder"}
    assert not Template.objects.exists()


def test_day_old_uploads_of_lost_requests_are_removed(account: Account, storage: SecondaryStorage) -> None:
    known, _job = register(account, storage)
    folder = Path(storage.path) / "incoming"
    orphan = folder / "00000000-0000-4000-8000-000000000000"
    stranger = folder / "notes.txt"
    for path in (orphan, stranger):
        path.write_text("x")
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    register(account, storage, name="second")
    names = {path.name for path in incoming(storage)}
    assert orphan.name not in names
    assert {str(known.uuid), "notes.txt"} <= names


def test_a_template_in_use_stays(account: Account, zone: Zone, storage: SecondaryStorage) -> None:
    template = factories.make_template(zone, account)
    vm = factories.make_vm(zone, template=template)
    with pytest.raises(ObjectInUse) as caught:
        services_templates.delete_template(OPERATOR, template)
    assert caught.value.params["counts"] == {"volume": 1}
    vm.volumes().update(template=None)
    job = services_templates.delete_template(OPERATOR, template)
    assert job.args == {"state_before": "Ready"}
    template.refresh_from_db()
    assert template.state == Template.State.DELETING
    with pytest.raises(StateConflict):
        services_templates.delete_template(OPERATOR, template)


def test_a_template_at_work_is_not_deleted(account: Account, storage: SecondaryStorage) -> None:
    template, _job = register(account, storage)
    with pytest.raises(StateConflict):
        services_templates.delete_template(OPERATOR, template)
    template.refresh_from_db()
    assert template.state == Template.State.CREATING


def test_a_secondary_storage_goes_once_its_templates_have(
    account: Account, zone: Zone, storage: SecondaryStorage
) -> None:
    template = Template.objects.create(name="t", account=account, secondary_storage=storage)
    with pytest.raises(ObjectInUse):
        services.remove_secondary_storage(OPERATOR, storage)
    Template.objects.filter(pk=template.pk).update(state=Template.State.DELETED)
    services.remove_secondary_storage(OPERATOR, storage)
    assert not SecondaryStorage.objects.exists()


def test_members_do_none_of_this(account: Account, zone: Zone, storage: SecondaryStorage) -> None:
    actor = Actor(factories.make_user(account))
    template = factories.make_template(zone, account)
    before = Event.objects.count()
    for act in (
        lambda: services.create_secondary_storage(actor, zone=zone, name="s", path="/srv"),
        lambda: services.disable_storage(actor, storage),
        lambda: services_templates.new_template(actor, account=account, secondary_storage=storage, name="t"),
        lambda: services_templates.delete_template(actor, template),
    ):
        with pytest.raises(CloudError) as caught:
            act()
        assert caught.value.status in {403, 404}
    assert Event.objects.count() == before
