"""Templates: registering an uploaded image, deleting one."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import transaction

from apps.accounts import audit, policy, quota
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Account
from apps.accounts.standing import require_active
from apps.core.checks import clean_whole
from apps.core.constraints import insert, update
from apps.core.errors import InvalidInput, ObjectInUse, RequestTooLarge, StateConflict, StorageUnavailable
from apps.core.names import clean_name
from apps.jobs import events
from apps.jobs.models import Job
from apps.jobs.services import submit
from apps.storage.models import SecondaryStorage, Template
from apps.storage.mounts import MOUNTED
from apps.zones.models import Zone
from apps.zones.services import clean_arch

_CHUNK_BYTES = 4 * 1024 * 1024
_ORPHAN_SECONDS = 24 * 3600
ONE = Amount(templates=1)
"""A template counts from its registration until it is deleted, also while it is of no use."""
_REASONS = {errno.ENOSPC: "storage_full", errno.ENOENT: "storage_not_there"}


def lock_of(template: Template) -> str:
    return f"template:{template.uuid}"


def storage_of(zone: Zone) -> SecondaryStorage:
    """Where new templates of a zone go: its first secondary storage that is enabled."""
    storage = (
        SecondaryStorage.objects.select_related("zone").filter(zone=zone, enabled=True).order_by("pk").first()
    )
    if storage is None:
        raise InvalidInput("no_secondary_storage", place="zone")
    return storage


def new_template(
    actor: Actor,
    *,
    account: Account,
    secondary_storage: SecondaryStorage,
    name: str,
    description: str = "",
    is_public: bool = False,
    arch: str = "x86_64",
    min_memory_mib: int = 0,
) -> Template:
    """A template that may be registered, not saved yet: all that can be refused before an upload."""
    policy.require(actor, "template.register", account)
    require_active(account)
    if not secondary_storage.enabled:
        raise InvalidInput("storage_disabled", place="secondary_storage")
    if not secondary_storage.zone.enabled:
        raise InvalidInput("zone_disabled", place="zone")
    quota.check(account, ONE, member_id=actor.user_id)
    return Template(
        account=account,
        secondary_storage=secondary_storage,
        name=clean_name(name),
        description=_clean_description(description),
        is_public=is_public,
        arch=clean_arch(arch),
        min_memory_mib=_clean_memory(min_memory_mib),
    )


def _clean_description(text: str) -> str:
    return clean_name(text, place="description", limit=500) if text else ""


def _clean_memory(memory_mib: object) -> int:
    return clean_whole(memory_mib, place="min_memory_mib", low=0, high=16 * 1024 * 1024)


def release_quota(template: Template) -> None:
    quota.release(template.account, ONE, member_id=template.created_by_id)


@contextmanager
def staged_upload(template: Template, upload: IO[bytes]) -> Iterator[None]:
    """The upload lies where the operation finds it, in a new 0600 file; at the end it is removed
    unless the template was saved meanwhile. No transaction is open while gigabytes move.
    RequestTooLarge past TEMPLATE_MAX_BYTES; StorageUnavailable if the folder cannot be written."""
    path = _incoming(template)
    try:
        _store(upload, path, template.secondary_storage)
        yield
    finally:
        if not Template.objects.filter(uuid=template.uuid).exists():
            with suppress(OSError):
                path.unlink()


def _incoming(template: Template) -> Path:
    return Path(template.secondary_storage.folder) / "incoming" / str(template.uuid)


def _store(upload: IO[bytes], path: Path, storage: SecondaryStorage) -> None:
    limit, size = settings.TEMPLATE_MAX_BYTES, 0
    try:
        if storage.driver not in MOUNTED:
            path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)  # fails where its server is not mounted
        _forget_orphans(path.parent)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            while chunk := upload.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > limit:
                    raise RequestTooLarge(limit=limit, place="file")
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, "storage_folder")
        raise StorageUnavailable(
            f"{path.parent}: {error.strerror}", storage=storage.name, reason=reason
        ) from None


def _forget_orphans(folder: Path) -> None:
    """Remove day-old uploads whose web process died before the template's row was written."""
    oldest = time.time() - _ORPHAN_SECONDS
    old = {path.name: path for path in folder.iterdir() if path.stat().st_mtime < oldest}
    uuids = [name for name in old if len(name) == 36]
    known = {str(uuid) for uuid in Template.objects.filter(uuid__in=uuids).values_list("uuid", flat=True)}
    for name in uuids:
        if name not in known:
            old[name].unlink(missing_ok=True)


@transaction.atomic
def register_template(actor: Actor, *, template: Template) -> tuple[Template, Job]:
    """Save a new template, Creating, whose upload is staged; the job inspects and stores it."""
    policy.require(actor, "template.register", template.account)
    template.created_by = actor.user
    quota.reserve(template.account, ONE, member_id=template.created_by_id)
    insert(template)
    events.record(actor, "template.create", template)
    return template, submit(actor, "template.register", template, lock_keys=[lock_of(template)])


@transaction.atomic
def change_template(
    actor: Actor,
    template: Template,
    *,
    name: str | None = None,
    description: str | None = None,
    is_public: bool | None = None,
    min_memory_mib: int | None = None,
) -> Template:
    """Change what is given. What is no longer public stays with the machines that were made from it;
    only members of its account make new ones."""
    policy.require(actor, "template.change", template)
    template = Template.objects.select_for_update().get(pk=template.pk)
    if template.state in {Template.State.DELETING, Template.State.DELETED}:
        raise StateConflict(reason="wrong_state", state=template.state, wanted="Creating, Ready, Error")
    wanted = {
        "name": None if name is None else clean_name(name),
        "description": None if description is None else _clean_description(description),
        "is_public": is_public,
        "min_memory_mib": None if min_memory_mib is None else _clean_memory(min_memory_mib),
    }
    after = {
        field: value
        for field, value in wanted.items()
        if value is not None and value != getattr(template, field)
    }
    changes = audit.changed(template, **after)
    for field, value in after.items():
        setattr(template, field, value)
    if after:
        update(template, *after, *(("name_key", "name_sort") if "name" in after else ()))
        events.record(actor, "template.change", template, changes=changes)
    return template


@transaction.atomic
def delete_template(actor: Actor, template: Template, *, parent: Job | None = None) -> Job:
    """Delete a template that no machine is made from; its row stays, Deleted, where old rows name it."""
    policy.require(actor, "template.delete", template)
    volumes = template.volumes.count()
    if volumes:
        raise ObjectInUse(counts={"volume": volumes})
    deletable = Template.objects.filter(
        pk=template.pk, state__in=[Template.State.READY, Template.State.ERROR]
    )
    before = template.state
    if not deletable.filter(state=before).update(state=Template.State.DELETING):
        template.refresh_from_db()
        raise StateConflict(reason="wrong_state", state=template.state, wanted="Ready, Error")
    template.state = Template.State.DELETING
    keys = [lock_of(template)]
    return submit(actor, "template.delete", template, lock_keys=keys, parent=parent, state_before=str(before))
