"""Who asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from apps.accounts.models import (
    ApiToken,
    DirectoryGroup,
    Grant,
    Group,
    GroupMember,
    Membership,
    User,
)
from apps.accounts.roles.ready import ready
from apps.accounts.tokens import issue_token
from tests import factories
from tests.api.client import Api
from tests.matrix.world import CLOUD, SYSTEM, World


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
        self.apis["limited"] = _limited(world.people["own"], world, ["*.read"])
        self.apis["super_limited"] = _limited(self.users["super"], world, ["*"])
        self.apis["group"] = Api(_by_group(world))
        self.apis["late"] = _late(world)
        self.browsers = {role: _browser(user) for role, user in self.users.items()}
        self.browsers["anonymous"] = _browser(None)
        self.browsers["viewer"] = _viewer(self.users["super"], self.users["user"])
        User.objects.filter(pk=self.users["inactive"].pk).update(is_active=False)


_GRANTED = {
    "super_role": ("super-admin", "global"),
    "simple": ("simple-admin", "zone"),
    "domain_admin": ("domain-admin", "domain"),
    "auditor": ("auditor", "global"),
    "domain_auditor": ("auditor", "domain"),
    "expired": ("domain-admin", "domain"),
}


def _limited(user: User, world: World, verbs: list[str]) -> Api:
    """A token of the user's in the own account alone."""
    _row, text = issue_token(SYSTEM, user=user, name="limited", verbs=verbs, accounts=[world.accounts["own"]])
    return _holder(text)


def _holder(token: str) -> Api:
    api = Api(None)
    api.headers["Authorization"] = f"Token {token}"
    return api


def _by_group(world: World) -> User:
    """A domain admin because a directory says that they belong to a group."""
    user = factories.make_user()
    group = Group.objects.create(name="heads of the faculty")
    directory = world.rows[CLOUD]["cloud"]["directory"]
    DirectoryGroup.objects.create(group=group, directory=directory, key="heads", dn="cn=heads,dc=a")
    GroupMember.objects.create(group=group, user=user)
    domain = world.domains["faculty"]
    Grant.objects.create(group=group, role=ready("domain-admin"), scope="domain", domain=domain)
    return user


def _late(world: World) -> Api:
    """A token of a super admin's whose time is over."""
    row, text = issue_token(SYSTEM, user=factories.make_user(super_admin=True), name="late", days=1)
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    return _holder(text)


def _viewer(viewer: User, user: User) -> Client:
    """A super admin who looks at the portal as somebody else."""
    browser = _browser(viewer)
    assert browser.post(f"/people/{user.uuid}/view-as/").status_code == 302
    return browser


def _browser(user: User | None) -> Client:
    client = Client(raise_request_exception=False, headers={"accept-language": "en"})
    if user is not None:
        client.force_login(user)
    return client
