"""A mapping with a preview, and an account that somebody left behind."""

from __future__ import annotations

from typing import Any


def show_a_mapping(directory: Any, account: Any) -> dict[str, Any]:
    from django.utils import timezone

    from apps.accounts.actor import Actor
    from apps.accounts.directory import mapping
    from apps.accounts.models import Account, LeftBehind, MappingRule, SyncChange, SyncRun, User
    from apps.accounts.roles.ready import USER, ready
    from apps.accounts.services import create_account

    given = {"name": "Physics", "match": "ou", "match_value": "ou=physics,ou=people,dc=campus,dc=example"}
    rule = MappingRule.objects.first() or mapping.add_rule(
        Actor.system("a site to look at"),
        directory,
        **given,
        gives="account",
        account=account,
        role=ready(USER),
    )
    run = SyncRun.objects.first()
    if run is None:
        counts = {"user.add": 1, "membership.add": 1, "user.keep_out": 1}
        held = [{"code": "too_many_users", "about": "", "count": 1, "of": 3}]
        run = SyncRun.objects.create(
            directory=directory,
            kind="preview",
            outcome="previewed",
            counts=counts,
            held=held,
            seen={"people": 3, "groups": 1},
            notes=[["name_taken", "anna", str(rule.uuid), ""]],
        )
        for number, kind in enumerate(counts):
            SyncChange.objects.create(run=run, number=number, kind=kind, key="1", name="anna")
    gone = User.objects.get_or_create(username="gone", defaults={"is_active": False})[0]
    own = Account.objects.filter(name="left").first() or create_account(
        Actor.system("a site to look at"), name="left", domain=account.domain
    )
    left = LeftBehind.objects.get_or_create(
        account=own, defaults={"user": gone, "directory": directory, "stops_at": timezone.now()}
    )[0]
    return {"rule": rule, "run": run, "left": left}
