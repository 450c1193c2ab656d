"""What a connection to a directory needs to know, without Django."""

from __future__ import annotations

from dataclasses import dataclass, field

ACTIVE_DIRECTORY = "active_directory"
OPENLDAP = "openldap"


@dataclass(frozen=True, slots=True)
class DirectoryConfig:
    """A directory as its reader sees it; the fields are those of the model. The bind password is open here,
    so that no text made of it shows it."""

    kind: str
    servers: tuple[str, ...]
    people_bases: tuple[str, ...]
    group_bases: tuple[str, ...]
    ca_certificate: str = ""
    bind_dn: str = ""
    bind_password: str = field(default="", repr=False)
    people_filter: str = "(objectClass=inetOrgPerson)"
    group_filter: str = "(objectClass=groupOfNames)"
    login_attributes: tuple[str, ...] = ("uid",)
    mail_attribute: str = "mail"
    full_name_attribute: str = "cn"
    group_name_attribute: str = "cn"
    stable_id_attribute: str = "entryUUID"
    attributes: tuple[str, ...] = ()
    disabled_filter: str = ""
    deadline_seconds: float = 5
    page_size: int = 500

    @property
    def is_active_directory(self) -> bool:
        return self.kind == ACTIVE_DIRECTORY
