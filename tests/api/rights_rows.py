"""Rights for tests of the API: what a request for one says, and one of each."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import Grant, Group, Role
from apps.accounts.roles.ready import ready
from tests.api.conftest import Cast


def wanted(cast: Cast, **changes: Any) -> dict[str, Any]:
    """The body of a grant that works."""
    return {
        "user": str(cast.users["other"].uuid),
        "role": str(ready("user").uuid),
        "scope": "account",
        "place": str(cast.account.uuid),
        **changes,
    }


RIGHTS: list[tuple[Any, ...]] = [
    ("GET", "roles/", 200, 200, 200),
    ("GET", "roles/{role}/", 200, 200, 200),
    ("POST", "roles/", 201, 403, 403, lambda _cast: {"name": "new", "rules": [["allow", "vm.read"]]}),
    ("PATCH", "roles/{role}/", 200, 403, 403, lambda _cast: {"name": "new"}),
    ("DELETE", "roles/{role}/", 204, 403, 403),
    ("GET", "grants/", 200, 200, 200),
    ("GET", "grants/{grant}/", 200, 404, 200),
    ("POST", "grants/", 201, 404, 404, wanted),
    ("PATCH", "grants/{grant}/", 200, 404, 403, lambda _cast: {"ends_at": None}),
    ("DELETE", "grants/{grant}/", 204, 404, 204),
    ("GET", "groups/", 200, 200, 200),
    ("GET", "groups/{group}/", 200, 404, 404),
    ("POST", "access-check/", 200, 200, 200, lambda _cast: {"permission": "vm.read"}),
]


def rights_of(cast: Cast) -> dict[str, Any]:
    """One of each, by the names that the paths use; a grant is to the “other”, in their own account."""
    role, _new = Role.objects.get_or_create(name="custom", defaults={"rules": [["allow", "vm.read"]]})
    group, _new = Group.objects.get_or_create(name="group")
    other, place = cast.users["other"], cast.other_account
    grant = Grant.objects.filter(user=other).first() or Grant.objects.create(
        user=other, role=ready("auditor"), scope="account", account=place
    )
    return {"role": role, "group": group, "grant": grant}
