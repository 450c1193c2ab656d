"""A small tenancy with people in it, for tests of who may give what to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.grants import grant_role
from apps.accounts.models import Account, Domain, Grant, Role, User
from apps.accounts.roles.ready import ready
from tests import factories

SYSTEM = Actor.system("a test")


def acting(user: User) -> Actor:
    """The user as they are now: an actor knows what they held when first asked."""
    return Actor(User.objects.get(pk=user.pk))


def may(user: User, permission: str, row: Any = None) -> bool:
    return policy.may(acting(user), permission, row)


def give(giver: User | None, user: User, role: str | Role, place: Any, **more: Any) -> Grant:
    row = ready(role) if isinstance(role, str) else role
    by = acting(giver) if giver else SYSTEM
    return grant_role(by, role=row, place=place, user=user, **more)


def custom(domain: Domain | None, *rules: str, name: str = "") -> Role:
    """A role of such rules: "-vm.destroy" denies, "vm.*" allows."""
    pairs = [["deny", each[1:]] if each.startswith("-") else ["allow", each] for each in rules]
    return Role.objects.create(name=name or factories.numbered("role"), domain=domain, rules=pairs)


@dataclass
class Campus:
    """ROOT > school > (lab, sibling's neighbour none); sibling beside school. `chief` is super admin, `head`
    domain admin of the school, and each account has one member of its name."""

    root: Domain
    school: Domain
    lab: Domain
    sibling: Domain
    in_school: Account
    in_lab: Account
    in_sibling: Account
    chief: User
    head: User
    other_head: User
    pupil: User
    worker: User
    stranger: User


def make_campus() -> Campus:
    root = factories.root_domain()
    school, sibling = factories.make_domain(), factories.make_domain()
    lab = factories.make_domain(school)
    in_school, in_lab, in_sibling = map(factories.make_account, (school, lab, sibling))
    campus = Campus(
        root=root,
        school=school,
        lab=lab,
        sibling=sibling,
        in_school=in_school,
        in_lab=in_lab,
        in_sibling=in_sibling,
        chief=factories.make_user(super_admin=True),
        head=factories.make_user(factories.make_account(school)),
        other_head=factories.make_user(factories.make_account(school)),
        pupil=factories.make_user(in_school),
        worker=factories.make_user(in_lab),
        stranger=factories.make_user(in_sibling),
    )
    give(campus.chief, campus.head, "domain-admin", school)
    return campus
