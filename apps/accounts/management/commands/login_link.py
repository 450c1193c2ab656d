"""Make a link that logs a user in once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.accounts.tokens import create_login_link


class Command(BaseCommand):
    help = "Prints the path of a link that logs a user in once, within 15 minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"there is no active user {options['user']}")
        self.stdout.write(create_login_link(Actor.system("manage.py login_link"), user=user))
