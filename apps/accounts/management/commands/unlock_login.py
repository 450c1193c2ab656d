"""Let somebody try again who was locked out after failed logins."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.actor import Actor
from apps.accounts.lockout import unlock_address, unlock_user, user_named


class Command(BaseCommand):
    help = "Forgets failed logins of a user, or at an address."

    def add_arguments(self, parser: CommandParser) -> None:
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--user")
        whom.add_argument("--address")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor.system("manage.py unlock_login")
        if options["address"]:
            count = unlock_address(actor, options["address"])
        else:
            user = user_named(options["user"])
            if user is None:
                raise CommandError(f"there is no user {options['user']}")
            count = unlock_user(actor, user)
        self.stdout.write(f"{count} names and addresses can be tried again")
