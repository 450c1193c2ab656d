"""Accounts: who acts for each, what it has and uses."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts import members, policy, service_accounts
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain, Membership, Quota, Role, User
from apps.accounts.roles.ready import READY, ready
from apps.compute.models import VirtualMachine
from apps.core.errors import CloudError, InvalidInput, NotFound
from apps.portal.list_cells import badge
from apps.portal.list_columns import CREATED, name_of
from apps.portal.list_filters import Choice, Owner, Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import complain, page, page_for
from apps.portal.service_forms import asked
from apps.portal.tenancy.forms import MemberForm, RoleForm
from apps.portal.tenancy.shown import context_of

MEMBERS_SHOWN = 200
seen = page_for("account.read")


def _count(_actor: Actor, rows: list[Account]) -> None:
    """How many people and machines each of the rows has: two statements."""
    people = Membership.objects.filter(account__in=rows).order_by().values_list("account")
    counted = dict(people.annotate(Count("pk")))
    machines = dict(Quota.objects.filter(account__in=rows).values_list("account", "used_machines"))
    for row in rows:
        row.counts = (counted.get(row.pk, 0), machines.get(row.pk, 0))  # type: ignore[attr-defined]


ACCOUNTS = ListPage(
    key="accounts",
    title=_("Accounts"),
    rows=lambda: Account.objects.select_related("domain"),
    columns=(
        name_of("account"),
        Column("domain", _("Domain"), lambda row: row.domain.name),
        Column("kind", _("Kind"), lambda row: row.get_kind_display()),
        Column("members", _("Members"), lambda row: row.counts[0]),
        Column("machines", _("Machines"), lambda row: row.counts[1]),
        Column(
            "state",
            _("State"),
            lambda row: row.standing.label,
            html=lambda row: badge("standing", row.standing),
        ),
        CREATED,
    ),
    filters=(
        Search(_("Name")),
        Choice("kind", _("Kind"), Account.Kind.choices),
        Owner("domain", _("Domain"), Domain.objects.all),
    ),
    empty=Empty(_("No accounts here"), _("An account owns machines. It is made in a domain."), icon="people"),
    prepare=_count,
    template="portal/tenancy/accounts.html",
)


@seen
def account_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """All that the reader sees; with `domain`, those of one."""
    return ACCOUNTS.respond(request, actor)


@page
def account_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    people = row.memberships.select_related("user", "role", "rule").order_by("user__username")
    context = context_of(actor, "account", row) | {
        "members": people[:MEMBERS_SHOWN],
        "member_count": people.count(),
        "machines": policy.visible(actor, VirtualMachine.objects.filter(account=row)).count(),
        "domain": row.domain if policy.sees(actor, row.domain) else None,
        "may_hand_over": policy.may(actor, "vm.transfer", row),
        "may_add": policy.may(actor, "account.add_member", row),
        "may_change": policy.may(actor, "account.change_member", row),
        "may_remove": policy.may(actor, "account.remove_member", row),
    }
    return render(request, "portal/tenancy/account.html", context)


def _find(actor: Actor, uuid: UUID) -> Account:
    return policy.find(actor, Account.objects.select_related("domain__parent", "heir"), uuid)


def _roles(actor: Actor, account: Account) -> list[Role]:
    """Those for members of this account; which of them the reader may give is the service's answer."""
    mine = [ready(key) for key, role in READY.items() if "account" in role.scopes]
    own = policy.visible(actor, Role.objects.filter(domain__in=account.domain.ancestor_ids(), key=None))
    return [*mine, *own.order_by("name_sort", "pk")]


@page
def member_add(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    policy.require(actor, "account.add_member", row)
    form = MemberForm(request.POST if request.method == "POST" else None)

    def add(username: str) -> Account:
        people = policy.visible(actor, User.objects.filter(is_active=True))
        user = people.filter(username__iexact=username).first()
        if user is None:
            raise InvalidInput("no_such_user", place="username")
        return members.add_member(actor, row, user=user)

    if request.method == "POST" and form.done(add):
        messages.success(request, say("The change is made."))
        return redirect("portal:account", uuid)
    context = {"form": form, "heading": say("Add a member"), "back": reverse("portal:account", args=[uuid])}
    return render(request, "portal/tenancy/form.html", context, status=422 if form.errors else 200)


@page
def member_change(request: HttpRequest, actor: Actor, uuid: UUID, user: UUID) -> HttpResponse:
    """Another role for a member, or the end of their membership."""
    row = _find(actor, uuid)
    found = (
        row.memberships.select_related("user", "role", "rule", "directory").filter(user__uuid=user).first()
    )
    if found is None or not policy.may(actor, "account.change_member", row):
        raise NotFound(kind="user")
    if request.POST.get("act") == "remove":
        return _removed(request, actor, row, found.user)
    given = request.POST if request.method == "POST" else None
    form = RoleForm(_roles(actor, row), given, initial={"role": str(found.role.uuid)})

    def change(role: str) -> Membership:
        wanted = policy.find(actor, Role.objects.all(), role, place="role")
        return members.change_member(actor, row, user=found.user, role=wanted)

    if request.method == "POST" and form.done(change):
        messages.success(request, say("The change is made."))
        return redirect("portal:account", uuid)
    context = {
        "form": form,
        "row": row,
        "person": found.user,
        "membership": found,
        "may_remove": policy.may(actor, "account.remove_member", row),
        "last_admin": members.is_last_admin(found),
        "services": service_accounts.visible_to(actor).filter(service_of=row).count(),
        **asked(request, "PATCH", f"accounts/{uuid}/members/{user}/", form),
    }
    return render(request, "portal/tenancy/member.html", context, status=422 if form.errors else 200)


def _removed(request: HttpRequest, actor: Actor, row: Account, user: User) -> HttpResponse:
    try:
        members.remove_member(actor, row, user=user)
    except NotFound:
        raise
    except CloudError as error:
        complain(request, error)
    else:
        messages.success(request, say("The change is made."))
    return redirect("portal:account", row.uuid)
