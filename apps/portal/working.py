"""The account that somebody works in: what they make belongs to it first, and lists of what they own begin
with it. It is kept in the session and gives no right: at each use it counts only while the reader belongs to
it, and whatever is asked for is judged as if nothing were chosen."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.accounts.rest import parse_uuid
from apps.core.errors import NotFound
from apps.portal.pages import actor_of

KEY = "working_account"


def choosable(actor: Actor) -> QuerySet[Account]:
    """The reader's own accounts."""
    rows = Account.objects.filter(pk__in=actor.account_ids).select_related("domain")
    return rows.order_by("name_sort", "pk")


def may_choose(actor: Actor) -> bool:
    """Who belongs to one account only works in that one; a local super admin, who acts for all of them,
    names one in each form."""
    return actor.user is not None and not actor.user.is_super_admin and len(actor.account_ids) > 1


def working_account(request: HttpRequest) -> Account | None:
    """The chosen one; None for all of them. Asked of the database once a request, if at all."""
    if not hasattr(request, "working"):
        actor, key = actor_of(request), request.session.get(KEY)
        mine = [key] if key in actor.account_ids and may_choose(actor) else []
        found = Account.objects.filter(pk__in=mine).first() if mine else None
        request.working = found  # type: ignore[attr-defined]
    kept: Account | None = request.working  # type: ignore[attr-defined]
    return kept


def working_id(request: HttpRequest) -> str:
    """Its public id, for a form to begin with; empty if none is chosen."""
    account = working_account(request)
    return str(account.uuid) if account else ""


def work_in(request: HttpRequest, uuid: str) -> Account | None:
    """Choose one of the reader's own by its public id, or by an empty one all of them."""
    actor = actor_of(request)
    mine = choosable(actor) if may_choose(actor) else Account.objects.none()
    wanted = parse_uuid(uuid)
    account = mine.filter(uuid=wanted).first() if wanted else None
    if uuid and account is None:
        raise NotFound(place="account", kind="account")
    if account is None:
        request.session.pop(KEY, None)
    else:
        request.session[KEY] = account.pk
    return account
