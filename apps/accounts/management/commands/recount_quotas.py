"""Show where quotas say something else than what there is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.accounts import quota_services
from apps.accounts.actor import Actor


class Command(BaseCommand):
    help = "Compares quotas with what there is and prints what drifted; exits 1 if any is left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fix", action="store_true", help="write what there is")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor.system("a command on the portal's machine")
        drifts = quota_services.recount_quotas(actor, fix=options["fix"])
        for drift in drifts:
            whose = f"{drift.member} in {drift.name}" if drift.member else drift.name
            self.stdout.write(
                f"{whose} ({drift.uuid}): {drift.resource} is {drift.recorded}, there is {drift.actual}"
            )
        self.stdout.write(f"{len(drifts)} drifted" + (", mended" if drifts and options["fix"] else ""))
        if drifts and not options["fix"]:
            raise SystemExit(1)
