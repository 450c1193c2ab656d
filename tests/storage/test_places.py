"""Where the files of a storage lie: a folder, or what a server exports; and changing that."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.db.models import F

from apps.accounts.actor import Actor
from apps.core.errors import Conflict, InvalidInput, NotFound, ObjectInUse, ResourceBusy
from apps.core.names import clean_name
from apps.jobs.models import Event, Job, JobLock
from apps.jobs.world import findings_of
from apps.storage import services
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.zones.models import HostState, Zone
from tests import factories
from workers import hosts, images
from workers.drivers.base import Mount
from workers.drivers.errors import CommandFailed, DriverError

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OPERATOR = Actor.system("a test")
NFS = {"driver": "nfs", "server": "10.0.0.9", "path": "/export/primary"}


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone(hosts=1, pool=None)


def pool_of(zone: Zone, **given: Any) -> PrimaryStorage:
    given = {"name": "p", "path": "/srv/p", **given}
    pool, job = services.create_primary_storage(OPERATOR, zone=zone, scope="zone", **given)
    if job:
        JobLock.objects.filter(job=job).delete()
        job.delete()
    return pool


def test_a_pool_of_a_server_is_mounted_under_one_path_everywhere(zone: Zone) -> None:
    pool = pool_of(zone, **NFS)
    point = f"{settings.MOUNTS}/{pool.uuid}"
    options = "nodev,nosuid,noexec,hard"
    assert hosts.mount_of(pool) == Mount("nfs", "10.0.0.9:/export/primary", point, options)
    assert hosts.mount_of(pool_of(zone, name="folder")) is None


def test_gluster_is_mounted_with_the_servers_that_stand_in(zone: Zone) -> None:
    notes = {"backup_servers": "n2:n3", "replica": "3"}
    pool = pool_of(zone, driver="gluster", server="n1", path="/data", settings=notes)
    mount = hosts.mount_of(pool)
    assert mount is not None
    assert (mount.kind, mount.source) == ("glusterfs", "n1:/data")
    assert mount.options == "nodev,nosuid,noexec,backup-volfile-servers=n2:n3"


@pytest.mark.parametrize(
    ("given", "place", "reason"),
    [
        ({"driver": "nfs", "path": "/x"}, "server", "server_needed"),
        ({"driver": "directory", "server": "nas"}, "server", "server_without_protocol"),
        ({"driver": "nfs", "server": "a b", "path": "/x"}, "server", "not_an_address"),
        (
            {**NFS, "settings": {"mount_options": "vers=4 -o x"}},
            "settings.mount_options",
            "not_mount_options",
        ),
        ({**NFS, "settings": {"Big": "x"}}, "settings", "not_notes"),
        ({**NFS, "settings": {"backup_servers": "a:-b"}}, "settings.backup_servers", "not_an_address"),
    ],
)
def test_a_place_that_cannot_be_is_refused(
    zone: Zone, given: dict[str, Any], place: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        pool_of(zone, **given)
    assert (caught.value.place, caught.value.params["reason"]) == (place, reason)


def test_an_export_is_one_pool(zone: Zone) -> None:
    pool_of(zone, **NFS)
    with pytest.raises(Conflict):
        pool_of(zone, **NFS, name="again")


def test_a_change_is_recorded_and_what_moved_is_looked_at_anew(zone: Zone) -> None:
    pool = pool_of(zone, **NFS)
    changed, job = services.change_primary_storage(OPERATOR, pool, name="q", server="10.0.0.10")
    assert job is not None
    assert job.kind == "primary_storage.connect"
    event = Event.objects.get(kind="primary_storage.change")
    assert event.changes == {"name": ["p", "q"], "server": ["10.0.0.9", "10.0.0.10"]}
    assert PrimaryStorage.objects.get().name_key == "q"
    with pytest.raises(ResourceBusy):
        services.change_primary_storage(OPERATOR, changed, path="/elsewhere")


def test_a_change_of_nothing_leaves_no_trace(zone: Zone) -> None:
    pool = pool_of(zone, **NFS)
    assert services.change_primary_storage(OPERATOR, pool, name="p", path="/export/primary")[1] is None
    assert not Event.objects.filter(kind="primary_storage.change").exists()


def test_overprovisioning_changes_what_is_promised(zone: Zone) -> None:
    pool = pool_of(zone)
    PrimaryStorage.objects.update(capacity_bytes=1000)
    _pool, job = services.change_primary_storage(OPERATOR, pool, overprovision_percent=150)
    assert job is None
    assert PrimaryStorage.objects.get().promised_bytes == 1500


def test_what_is_claimed_while_a_pool_is_changed_stays_counted(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = pool_of(zone)

    def claimed_meanwhile(name: str) -> str:
        PrimaryStorage.objects.update(allocated_bytes=F("allocated_bytes") + 5, capacity_bytes=1000)
        return clean_name(name)

    monkeypatch.setattr(services, "clean_name", claimed_meanwhile)
    changed, _job = services.change_primary_storage(OPERATOR, pool, name="new", overprovision_percent=150)
    assert (changed.allocated_bytes, changed.promised_bytes) == (5, 1500)
    assert PrimaryStorage.objects.get(pk=pool.pk).allocated_bytes == 5


def test_a_storage_that_holds_something_keeps_its_place_and_may_be_renamed(zone: Zone) -> None:
    pool, account = pool_of(zone), factories.make_account()
    vm = factories.make_vm(zone, account=account)
    vm.attachments.get().volume.__class__.objects.update(pool=pool)
    with pytest.raises(ObjectInUse) as caught:
        services.change_primary_storage(OPERATOR, pool, path="/elsewhere")
    assert caught.value.params["counts"] == {"volume": 1}
    assert services.change_primary_storage(OPERATOR, pool, name="new")[0].name == "new"
    storage = SecondaryStorage.objects.get(zone=zone)
    with pytest.raises(ObjectInUse) as caught:
        services.change_secondary_storage(OPERATOR, storage, path="/elsewhere")
    assert caught.value.params["counts"] == {"template": 1}


def test_a_secondary_storage_is_looked_at_when_it_is_made_and_when_it_moves(zone: Zone) -> None:
    storage, job = services.create_secondary_storage(
        OPERATOR, zone=zone, name="s", driver="nfs", server="nas", path="/export/secondary"
    )
    assert job.kind == "secondary_storage.connect"
    assert storage.folder == f"{settings.MOUNTS}/{storage.uuid}/cloudportal"
    with pytest.raises(ResourceBusy):
        services.remove_secondary_storage(OPERATOR, storage)
    JobLock.objects.all().delete()
    assert services.change_secondary_storage(OPERATOR, storage, server="nas2")[1] is not None


def test_a_stuck_job_about_any_storage_says_what_the_record_has_of_it(zone: Zone) -> None:
    storage, job = services.create_secondary_storage(OPERATOR, zone=zone, name="s", path="/srv/s")
    pool, reading = services.create_primary_storage(
        OPERATOR, zone=zone, scope="zone", name="p", path="/srv/p"
    )
    assert reading is not None
    services.disable_storage(OPERATOR, storage)
    for one, said in ((job, "disabled"), (reading, "enabled")):
        assert [finding.record for finding in findings_of(OPERATOR, one)] == [said]
    pool.delete()
    assert findings_of(OPERATOR, reading) == []


def test_a_folder_is_made_and_one_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    images.open_folder(tmp_path / "a" / "b", None)
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(DriverError, match=r"writing to .*file"):
        images.open_folder(tmp_path / "file", None)


def test_a_host_mounts_the_templates_before_it_copies_one(zone: Zone) -> None:
    from workers.operations.storage.copy_template import CopyImage

    template = factories.make_template(zone, factories.make_account())
    SecondaryStorage.objects.update(driver="nfs", server="nas", path="/export/secondary")
    template.secondary_storage.refresh_from_db()
    operation: Any = mock.MagicMock(template=template, memo={"already": False})
    operation.host.state = HostState.UP
    operation.storage_on.return_value.import_image.side_effect = InterruptedError
    with pytest.raises(InterruptedError):
        CopyImage().do(operation)
    (mount,) = operation.world.mounts.return_value.mount.call_args.args
    assert mount.source == "nas:/export/secondary"
    source = operation.storage_on.return_value.import_image.call_args.args[1]
    assert source == f"{mount.folder}/{template.image}.qcow2"


def test_a_template_is_not_deleted_where_its_storage_is_not_mounted(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.operations.storage.delete_template import DeleteImage

    template = factories.make_template(zone, factories.make_account())
    SecondaryStorage.objects.update(driver="nfs", server="nas", path="/export/secondary")
    template.secondary_storage.refresh_from_db()
    operation: Any = mock.MagicMock(template=template)
    operation.world.local.side_effect = lambda _name, work, deadline: work()
    asked: list[tuple[str, object]] = []

    def unreachable(mount: Mount) -> None:
        asked.append(("mount", mount.source))
        raise CommandFailed("mounting nas: no route to host")

    monkeypatch.setattr(images, "remove", lambda path: asked.append(("remove", path)))
    monkeypatch.setattr(images, "mount", unreachable)
    with pytest.raises(CommandFailed):
        DeleteImage().do(operation)
    monkeypatch.setattr(images, "mount", lambda mount: asked.append(("mount", mount.source)))
    DeleteImage().do(operation)
    assert asked == [("mount", "nas:/export/secondary")] * 2 + [("remove", operation.file)]


def test_nobody_but_operators_changes_storage(zone: Zone) -> None:
    pool = pool_of(zone)
    member = Actor(factories.make_user(factories.make_account()))
    storage, _job = services.create_secondary_storage(OPERATOR, zone=zone, name="s", path="/srv/s")
    jobs = Job.objects.count()
    for act in (
        lambda: services.change_primary_storage(member, pool, name="x"),
        lambda: services.change_secondary_storage(member, storage, name="x"),
        lambda: services.reconnect_secondary_storage(member, storage),
    ):
        with pytest.raises(NotFound):
            act()
    assert Job.objects.count() == jobs
    assert not Event.objects.filter(kind__endswith=".change").exists()
