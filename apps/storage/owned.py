"""What accounts own here, as `apps.accounts.ownership` asks for it."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts import ownership, quota
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.core.constraints import update
from apps.core.errors import NameTaken
from apps.core.names import MAX_NAME
from apps.jobs import events
from apps.jobs.models import Job
from apps.storage.models import Template, Volume
from apps.storage.services_templates import ONE, delete_template, release_quota


def needed_elsewhere(accounts: QuerySet[Account]) -> QuerySet[Template]:
    """Images that machines of others are made from; one that is deleted counts, for its name."""
    used = Volume.objects.filter(template=OuterRef("pk")).exclude(account__in=accounts)
    return Template.objects.filter(Exists(used), account__in=accounts).order_by("pk")


def release_template(actor: Actor, template: Template, job: Job) -> None:
    """One that is deleted already is a row without files, for machines that are gone by now."""
    if template.state == Template.State.DELETED:
        template.delete()
    elif template.state in {Template.State.READY, Template.State.ERROR}:
        delete_template(actor, template, parent=job)


def hand_over(actor: Actor, template: Template, heir: Account) -> None:
    """The image belongs to the heir from now on, under a name that is free there."""
    before, name = template.account, template.name
    if template.state != Template.State.DELETED:
        release_quota(template)
        quota.reserve(heir, ONE, member_id=template.created_by_id, beyond=True)
    template.account = heir
    for number in range(2, 100):
        try:
            update(template, "account", "name", "name_key", "name_sort")
            break
        except NameTaken:
            template.set_name(f"{name[: MAX_NAME - 5]} ({number})")
    events.record(
        actor,
        "template.hand_over",
        template,
        before={"account": str(before.uuid), "name": name},
        after={"account": str(heir.uuid), "name": template.name},
    )


def declare() -> None:
    """Called once, when the app is ready. A volume goes with the machine that it is attached to."""
    ownership.register(ownership.Owned(Volume, 20))
    ownership.register(
        ownership.Owned(
            Template,
            30,
            release=release_template,
            needed=needed_elsewhere,
            hand_over=hand_over,
            unlisted=Q(state=Template.State.DELETED),
        )
    )
