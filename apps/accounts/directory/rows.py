"""From a directory's row to what its reader needs."""

from __future__ import annotations

from apps.accounts import secrets
from apps.accounts.directory.config import DirectoryConfig
from apps.accounts.models import Directory


def config_of(directory: Directory) -> DirectoryConfig:
    """The configuration with the bind password opened: it is kept nowhere else."""
    password = secrets.unseal(Directory, directory.uuid, "bind_password", directory.bind_password)
    return DirectoryConfig(
        kind=directory.kind,
        servers=tuple(directory.servers),
        ca_certificate=directory.ca_certificate,
        bind_dn=directory.bind_dn,
        bind_password=password,
        people_bases=tuple(directory.people_bases),
        people_filter=directory.people_filter,
        group_bases=tuple(directory.group_bases),
        group_filter=directory.group_filter,
        login_attributes=tuple(directory.login_attributes),
        mail_attribute=directory.mail_attribute,
        full_name_attribute=directory.full_name_attribute,
        group_name_attribute=directory.group_name_attribute,
        stable_id_attribute=directory.stable_id_attribute,
        attributes=tuple(directory.attributes),
        disabled_filter=directory.disabled_filter,
        deadline_seconds=directory.deadline_seconds,
        page_size=directory.page_size,
    )
