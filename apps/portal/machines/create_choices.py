"""What the page that creates machines offers, and what it begins with: working defaults for everything.

What was chosen for the reader's last machine comes first, then whatever works."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.functional import Promise

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.accounts.rest import parse_uuid
from apps.compute.models import ServiceOffering, SshKeyPair, VirtualMachine
from apps.compute.services.create import alike
from apps.portal.machines.create_zones import Offer, chosen, offers_of
from apps.storage.models import Template
from apps.zones.models import Zone

SHOWN = 60
"""How many of a kind are offered; what is not among them can be named in the address."""
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Choices:
    """Rows to choose from, and the one of each that is chosen. `more_images` says that not all are shown."""

    offers: list[Offer]
    accounts: list[Account]
    images: list[Template]
    sizes: list[ServiceOffering]
    keys: list[SshKeyPair]
    strategies: list[tuple[str, str | Promise]]
    offer: Offer | None
    account: Account | None
    image: Template | None
    size: ServiceOffering | None
    chosen_keys: list[SshKeyPair]
    name: str
    more_images: bool = False

    @property
    def zone(self) -> Zone | None:
        return self.offer.zone if self.offer else None

    @property
    def any_image(self) -> bool:
        """Whether a machine can be made from anything, be it in another zone."""
        return any(offer.has_images for offer in self.offers)

    @property
    def shown_for(self) -> str:
        """What the images and keys on the page depend on."""
        return " ".join(str(row.uuid) for row in (self.zone, self.account) if row)

    def initial(self) -> dict[str, Any]:
        chosen = {"zone": self.zone, "account": self.account, "template": self.image, "offering": self.size}
        return {
            **{name: str(row.uuid) for name, row in chosen.items() if row},
            "ssh_keys": [str(key.uuid) for key in self.chosen_keys],
            "name": self.name,
            "strategy": VirtualMachine.Strategy.SPREAD,
            "count": 1,
        }


def choices_of(actor: Actor, wanted: Mapping[str, str], keys: list[str] | None = None) -> Choices:
    """`wanted` names rows by their public ids, as the address or the form does; what it does not name, or
    names wrongly, is chosen here. `keys` are the ids of the keys ticked so far, None before anyone chose."""
    last = _last(actor)
    ready = _visible(actor, Template.objects.filter(state=Template.State.READY))
    ready = ready.select_related("secondary_storage").order_by("name_sort", "id")
    asked = _named(ready, wanted.get("template"))
    image_zone = asked.secondary_storage.zone_id if asked else None
    zone_named = parse_uuid(wanted.get("zone", ""))
    offers = offers_of(actor, ready, zone_named, image_zone)
    offer = chosen(offers, zone_named, image_zone, last.zone_id if last else None)
    zone = offer.zone if offer else None
    accounts = accounts_of(actor, wanted.get("account"))
    account = _named_in(accounts, wanted.get("account")) or _same(accounts, last and last.account)
    account = account or (accounts[0] if accounts else None)
    images = list(ready.filter(secondary_storage__zone=zone)[: SHOWN + 1]) if zone else []
    image = _image(actor, asked, zone, images, last)
    if image is not None and image not in images[:SHOWN]:
        images = [image, *images]
    sizes = list(ServiceOffering.objects.filter(enabled=True).order_by("vcpus", "memory_mib", "id")[:SHOWN])
    own_keys = _keys(actor, account)
    return Choices(
        offers=offers,
        accounts=accounts,
        images=images[:SHOWN],
        sizes=sizes,
        keys=own_keys,
        strategies=_strategies(actor),
        offer=offer,
        account=account,
        image=image,
        size=_named_in(sizes, wanted.get("offering")) or _size(sizes, image, last),
        chosen_keys=_chosen(own_keys, keys, last),
        name=wanted.get("name") or _fresh_name(account),
        more_images=len(images) > SHOWN,
    )


def _visible(actor: Actor, rows: QuerySet[M]) -> QuerySet[M]:
    return policy.visible(actor, rows)


def _last(actor: Actor) -> VirtualMachine | None:
    rows = VirtualMachine.objects.select_related("zone", "account", "template", "offering")
    return rows.filter(created_by=actor.user).order_by("-id").first()


def _named(rows: QuerySet[M], uuid: str | None) -> M | None:
    found = parse_uuid(uuid) if uuid else None
    return rows.filter(uuid=found).first() if found else None


def _named_in(rows: list[Any], uuid: str | None) -> Any:
    return next((row for row in rows if str(row.uuid) == uuid), None)


def _same(rows: list[Any], wanted: Any) -> Any:
    return next((row for row in rows if row == wanted), None)


def accounts_of(actor: Actor, named: str | None) -> list[Account]:
    """The reader's own; an operator's list goes on with others, as far as it is short."""
    rows = Account.objects.select_related("domain").order_by("name_sort", "id")
    own = list(rows.filter(pk__in=actor.account_ids)[:SHOWN])
    others = list(rows.exclude(pk__in=actor.account_ids)[:SHOWN]) if actor.is_operator else []
    found = [*own, *others]
    asked = _named(_visible(actor, rows), named)
    return found if asked is None or asked in found else [*found, asked]


def _image(
    actor: Actor,
    asked: Template | None,
    zone: Zone | None,
    images: list[Template],
    last: VirtualMachine | None,
) -> Template | None:
    if zone is not None and asked is not None:
        if asked.secondary_storage.zone_id == zone.pk:
            return asked
        if same := alike(actor, asked, zone):
            return same
    found: Template | None = _same(images, last and last.template)
    return found or (images[0] if images else None)


def _size(
    sizes: list[ServiceOffering], image: Template | None, last: VirtualMachine | None
) -> ServiceOffering | None:
    """The last machine's, or the smallest that is enough for the image."""
    least = image.min_memory_mib if image else 0
    enough = [size for size in sizes if size.memory_mib >= least]
    found: ServiceOffering | None = _same(enough, last and last.offering)
    return found or min(enough or sizes, key=lambda size: (size.memory_mib, size.vcpus), default=None)


def _keys(actor: Actor, account: Account | None) -> list[SshKeyPair]:
    if account is None:
        return []
    rows = SshKeyPair.objects.filter(account=account).order_by("name_sort", "id")
    return list(_visible(actor, rows)[:SHOWN])


def _chosen(
    keys: list[SshKeyPair], ticked: list[str] | None, last: VirtualMachine | None
) -> list[SshKeyPair]:
    """The ticked ones. Before anyone chose: those of the last machine, or the only one there is: nobody
    else's key is let in unasked."""
    if ticked is not None:
        return [key for key in keys if str(key.uuid) in ticked]
    before = set(last.ssh_keys.values_list("pk", flat=True)) if last else set()
    return [key for key in keys if key.pk in before] or (keys if len(keys) == 1 else [])


def _strategies(actor: Actor) -> list[tuple[str, str | Promise]]:
    pinned = VirtualMachine.Strategy.PINNED
    return [
        (value, label)
        for value, label in VirtualMachine.Strategy.choices
        if actor.is_operator or value != pinned
    ]


def _fresh_name(account: Account | None) -> str:
    """A name that nothing of the account has, be it by itself, as the first part of a batch's names, or as
    what a machine calls itself inside: one more than the highest of its latest."""
    if account is None:
        return "vm-1"
    rows = VirtualMachine.objects.filter(account=account)
    rows = rows.filter(Q(name_key__startswith="vm-") | Q(hostname__startswith="vm-")).order_by("-id")
    latest = rows.values_list("name_key", "hostname")[:LATEST]
    numbers = [int(found[1]) for row in latest for name in row if (found := _NUMBERED(name))]
    number = max(numbers, default=0) + 1
    while rows.filter(Q(name_key=f"vm-{number}") | Q(name_key__startswith=f"vm-{number}-")).exists():
        number += 1
    return f"vm-{number}"


LATEST = 500
_NUMBERED = re.compile(r"vm-(\d{1,9})(?:-\d+)?").fullmatch
