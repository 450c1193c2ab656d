"""Set a user's password, or make a local super admin: the way in when nothing else is."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.lockout import unlock_user, user_named
from apps.accounts.models import User
from apps.accounts.passwords import set_password
from apps.accounts.services import create_user
from apps.core.errors import CloudError
from apps.core.messages import explain


class Command(BaseCommand):
    help = (
        "Asks twice for a user's new password, ends their sessions and lets them try again if they were "
        "locked out. With --super-admin a user who is not there yet is made, and is a super admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True)
        parser.add_argument("--stdin", action="store_true", help="read the password from standard input")
        parser.add_argument(
            "--super-admin", action="store_true", help="make the user a super admin, and make them at need"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor.system("manage.py set_password")
        text = sys.stdin.readline().rstrip("\n") if options["stdin"] else _asked_twice()
        try:
            with transaction.atomic():
                user = self._user(actor, options["user"], super_admin=options["super_admin"])
                set_password(actor, user, new=text)
                unlock_user(actor, user)
        except CloudError as error:
            raise CommandError(explain(error.code, error.params).detail) from None
        self.stdout.write(f"{user.username} logs in with the new password")

    def _user(self, actor: Actor, name: str, *, super_admin: bool) -> User:
        user = user_named(name)
        if user is None and super_admin:
            user = create_user(actor, username=name)
        if user is None or not user.is_active:
            raise CommandError(f"there is no active user {name}")
        if super_admin and not user.is_super_admin:
            user.is_super_admin = True
            user.save(update_fields=["is_super_admin"])
        return user


def _asked_twice() -> str:
    text = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != text:
        raise CommandError("the two are not the same")
    return text
