"""Who asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from apps.accounts.models import Grant, Membership, User
from apps.accounts.roles.ready import ready
from apps.accounts.tokens import issue_token
from tests import factories
from tests.api.client import Api
from tests.matrix.world import SYSTEM, World


class Cast:
    """`apis` and `browsers` by role. `user` is the person whose rows lie in the place own."""

    def __init__(self, world: World) -> None:
        self.users = {name: factories.make_user() for name in _GRANTED}
        self.users |= {
            "super": factories.make_user(super_admin=True),
            "project_admin": factories.make_user(),
            "user": world.people["own"],
            "other": factories.make_user(world.accounts["other"], world.accounts["near"]),
            "inactive": factories.make_user(world.accounts["own"]),
        }
        for name, (role, scope) in _GRANTED.items():
            ended = timezone.now() - timedelta(hours=1) if name == "expired" else None
            places: dict[str, dict[str, Any]] = {
                "global": {},
                "domain": {"domain": world.domains["faculty"]},
                "zone": {"place": world.zones["near"].pk},
            }
            Grant.objects.create(
                user=self.users[name], role=ready(role), scope=scope, ends_at=ended, **places[scope]
            )
        Membership.objects.create(
            user=self.users["project_admin"], account=world.accounts["project"], role=ready("project-admin")
        )
        Membership.objects.create(
            user=self.users["expired"],
            account=world.accounts["own"],
            ends_at=timezone.now() - timedelta(hours=1),
        )
        self.apis = {role: Api(user) for role, user in self.users.items()}
        self.apis["anonymous"] = Api()
        self.apis["limited"] = _limited(world)
        self.browsers = {role: _browser(user) for role, user in self.users.items()}
        self.browsers["anonymous"] = _browser(None)
        User.objects.filter(pk=self.users["inactive"].pk).update(is_active=False)


_GRANTED = {
    "super_role": ("super-admin", "global"),
    "simple": ("simple-admin", "zone"),
    "domain_admin": ("domain-admin", "domain"),
    "auditor": ("auditor", "global"),
    "domain_auditor": ("auditor", "domain"),
    "expired": ("domain-admin", "domain"),
}


def _limited(world: World) -> Api:
    """A token of the user's that reads, in the own account alone."""
    api = Api(None)
    _row, text = issue_token(
        SYSTEM,
        user=world.people["own"],
        name="limited",
        verbs=["*.read"],
        accounts=[world.accounts["own"]],
    )
    api.headers["Authorization"] = f"Token {text}"
    return api


def _browser(user: User | None) -> Client:
    client = Client(raise_request_exception=False, headers={"accept-language": "en"})
    if user is not None:
        client.force_login(user)
    return client
