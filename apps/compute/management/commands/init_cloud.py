"""What a new cloud begins with."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.models import Role, User
from apps.accounts.roles.ready import READY, ready
from apps.accounts.services import create_root_domain, create_user
from apps.compute.models import ServiceOffering
from apps.compute.services.offerings import create_service_offering

OFFERINGS = (("Tiny", 1, 192), ("Small", 1, 512), ("Medium", 2, 2048), ("Large", 4, 8192))


class Command(BaseCommand):
    help = "Makes ROOT, the super admin “admin” (without a password), the ready roles and the first sizes."

    def handle(self, *args: Any, **options: Any) -> None:
        made = init_cloud()
        self.stdout.write(f"made: {', '.join(made)}" if made else "nothing to do")


@transaction.atomic
def init_cloud() -> list[str]:
    """Make what is missing; the names of what was made. What is there is left as it is."""
    actor = Actor.system("manage.py init_cloud")
    made = []
    root = create_root_domain()
    if not User.objects.filter(username="admin").exists():
        admin = create_user(actor, username="admin", domain=root)
        User.objects.filter(pk=admin.pk).update(is_super_admin=True)
        made.append("admin")
    there = set(Role.objects.exclude(key=None).values_list("key", flat=True))
    made += [ready(key).name for key in READY if key not in there]
    if not ServiceOffering.objects.exists():
        for name, vcpus, memory_mib in OFFERINGS:
            create_service_offering(actor, name=name, vcpus=vcpus, memory_mib=memory_mib)
            made.append(name)
    return made
