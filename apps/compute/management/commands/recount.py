"""Show where counts and rows disagree."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.compute import placement


class Command(BaseCommand):
    help = "Counts capacity, storage, addresses and quotas anew and prints what drifted; exits 1 if any did."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fix", action="store_true", help="write what the rows say")

    def handle(self, *args: Any, **options: Any) -> None:
        drifts = placement.recount(fix=options["fix"])
        for drift in drifts:
            self.stdout.write(
                f"{drift.kind} {drift.name} ({drift.uuid}): {drift.counter} is {drift.recorded}, "
                f"rows say {drift.actual}"
            )
        self.stdout.write(f"{len(drifts)} drifted" + (", mended" if drifts and options["fix"] else ""))
        if drifts and not options["fix"]:
            raise SystemExit(1)
