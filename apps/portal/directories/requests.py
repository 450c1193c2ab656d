"""Past changes of directories as the requests that do them again. The bind password is named, not said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.accounts.directory.services import FIELDS
from apps.accounts.models import Directory
from apps.portal.copy_as import ApiRequest, Secret

BIND_PASSWORD = Secret("CLOUDPORTAL_BIND_PASSWORD")


def body_of_directory(row: Directory) -> dict[str, Any]:
    """What would be asked for to have such a directory again."""
    body = {name: getattr(row, name) for name in ("kind", *FIELDS)}
    return body | {"bind_password": BIND_PASSWORD if row.bind_password else ""}


def changed_directory(target: UUID, data: Mapping[str, Any]) -> ApiRequest | None:
    row = Directory.objects.filter(uuid=target).first()
    if row is None:
        return None
    body = {name: getattr(row, name) for name in data.get("after", ())}
    if "bind_password" in body:
        body["bind_password"] = BIND_PASSWORD
    return ApiRequest("PATCH", f"directories/{target}/", body)
