"""The list of SSH keys."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute.models import SshKeyPair, VirtualMachine
from apps.portal.list_columns import name_of
from apps.portal.list_filters import Owner, Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page


def _rows() -> QuerySet[SshKeyPair]:
    return SshKeyPair.objects.select_related("account")


def _count_machines(actor: Actor, rows: list[Any]) -> None:
    """How many machines were made with each key, for all rows of a page at once."""
    through = VirtualMachine.ssh_keys.through.objects.filter(sshkeypair__in=rows)
    counts = through.values_list("sshkeypair").annotate(n=Count("pk"))
    by_key = dict(counts)
    for row in rows:
        row.machines = by_key.get(row.pk, 0)


KEYS = ListPage(
    key="ssh-keys",
    title=_("SSH keys"),
    rows=_rows,
    columns=(
        name_of("ssh-key"),
        Column("fingerprint", _("Fingerprint"), lambda key: key.fingerprint),
        Column("machines", _("Machines"), lambda key: key.machines),
        Column("account", _("Account"), lambda key: key.account.name),
        Column("created", _("Created"), lambda key: key.created_at, order="id"),
    ),
    filters=(Search(_("Name")), Owner("account", _("Account"), Account.objects.all)),
    default_order="name",
    empty=Empty(
        _("No SSH keys yet"),
        _("With a key in a new machine you log in to it without a password. Paste yours, or have one made."),
        "portal:ssh-key-create",
        _("Add a key"),
        "key",
    ),
    template="portal/keys/list.html",
    prepare=_count_machines,
    live="ssh-keys",
    own=True,
)


@page
def key_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return KEYS.respond(request, actor)
