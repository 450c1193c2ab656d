"""Make a link that logs a user in once."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.accounts.tokens import LINK_MINUTES, create_login_link


class Command(BaseCommand):
    help = f"Prints a link that logs a user in once, within {LINK_MINUTES} minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True)
        parser.add_argument(
            "--url", help="the address that the user reaches the portal at (default: the one of make up)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"there is no active user {options['user']}")
        url = options["url"] or _url_of_make_up()
        path = create_login_link(Actor.system("manage.py login_link"), user=user)
        self.stdout.write(url.rstrip("/") + path)
        self.stderr.write(f"Logs {user.username} in once, within {LINK_MINUTES} minutes.")
        if not url:
            self.stderr.write("The portal's address goes before it; --url puts it there.")


def _url_of_make_up() -> str:
    """Where `make up` or `make demo` said that the portal is; empty if neither made this one."""
    path = settings.VAR / "up.json"
    return str(json.loads(path.read_text()).get("url", "")) if path.exists() else ""
