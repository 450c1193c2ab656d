"""The requests that do again what events of projects and invitations tell of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from apps.accounts.models import Account
from apps.portal.copy_as import ApiRequest

Data = Mapping[str, Any]
Recipe = Callable[[UUID, Data], ApiRequest | None]


def _made(target: UUID, data: Data) -> ApiRequest | None:
    row = Account.objects.select_related("domain", "project").filter(uuid=target).first()
    if row is None or row.kind != Account.Kind.PROJECT:
        return None
    day = row.project.ends_on
    body = {"name": row.name, "domain": str(row.domain.uuid), "description": row.project.description}
    return ApiRequest("POST", "projects/", body | {"ends_on": day.isoformat() if day else None})


def _act(noun: str, verb: str) -> Recipe:
    return lambda target, data: ApiRequest("POST", f"{noun}/{target}/{verb}/")


def _changed(target: UUID, data: Data) -> ApiRequest | None:
    return ApiRequest("PATCH", f"projects/{target}/", dict(data["after"]))


RECIPES: dict[str, Recipe] = {
    "project.create": _made,
    "project.change": _changed,
    "project.set_end": _changed,
    "project.set_rules": lambda target, data: ApiRequest("PUT", f"project-rules/{target}/", dict(data)),
    **{f"project.{verb}": _act("projects", verb) for verb in ("suspend", "resume", "leave")},
    **{
        f"invitation.{verb}": _act("invitations", verb)
        for verb in ("withdraw", "resend", "accept", "decline")
    },
    "invitation.copy_link": _act("invitations", "link"),
}

NO_REQUEST = {
    "user.remove": "who is removed is there no more",
    "project.hand_over": "the member that it went to may be here no more",
    "project.warn": "the portal watches the calendar",
    "project.end": "the portal watches the calendar",
    "invitation.create": "whom it is for is kept in no event",
}
