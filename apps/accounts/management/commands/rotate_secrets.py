"""Seal every stored secret with a new key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.accounts import secrets


class Command(BaseCommand):
    help = (
        "Adds a new key and seals every stored secret with it. Stopped half-way, --resume goes on with "
        "the same key. --forget drops the older keys once nothing is sealed by them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--resume", action="store_true", help="add no key: finish with the active one")
        parser.add_argument("--forget", action="store_true", help="drop older keys at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["resume"]:
            secrets.add_active_key()
        sealed = secrets.reseal()
        self.stdout.write(f"{sealed} secrets sealed anew")
        if options["forget"]:
            self.stdout.write(f"{secrets.forget_old_keys()} older keys dropped")
