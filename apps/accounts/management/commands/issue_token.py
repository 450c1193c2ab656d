"""Issue an API token; its text is printed once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.accounts.tokens import issue_token
from apps.core.errors import CloudError
from apps.core.messages import explain


class Command(BaseCommand):
    help = "Prints a new API token of a user. It cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True)
        parser.add_argument("--name", required=True, help="what the token is for")
        parser.add_argument("--days", type=int, help="how long it is valid; without: until it is revoked")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"there is no active user {options['user']}")
        actor = Actor.system("manage.py issue_token")
        try:
            _row, text = issue_token(actor, user=user, name=options["name"], days=options["days"])
        except CloudError as error:
            raise CommandError(f"{error.place}: {explain(error.code, error.params).detail}") from None
        self.stdout.write(text)
