"""A zone's document from a shell: look at what it would do, do it, or write one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.actor import Actor
from apps.core.names import fold
from apps.launch.apply import DocumentRefused, apply_document
from apps.launch.export import export_zone
from apps.launch.findings import Findings
from apps.launch.plan import Plan, plan_document
from apps.launch.told import counted_changes, told_finding, told_item
from apps.launch.yaml_tree import MAX_BYTES
from apps.zones.models import Zone

ACTOR = Actor.system("manage.py zone")


class Command(BaseCommand):
    help = "Plans, applies or exports a zone's document: zone plan FILE, zone apply FILE, zone export NAME."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, what in (("plan", "say what applying it would do"), ("apply", "make it so")):
            one = verbs.add_parser(verb, help=what)
            one.add_argument("file", help="the YAML document; - for standard input")
        export = verbs.add_parser("export", help="write a zone's document")
        export.add_argument("name", help="the zone's name")
        export.add_argument("file", nargs="?", default="-", help="where to; standard output if not given")
        export.add_argument("--region", default="", help="of two zones of one name: the one in this region")

    def handle(self, *args: Any, **options: Any) -> None:
        match options["verb"]:
            case "plan":
                self._plan(_read(options["file"]))
            case "apply":
                self._apply(_read(options["file"]))
            case _:
                self._export(options["name"], options["region"], options["file"])

    def _plan(self, text: str) -> None:
        plan = plan_document(ACTOR, text)
        self._tell(plan.findings)
        if plan.refused:
            raise CommandError("The document cannot be applied as it stands. Nothing was changed.")
        self._tell_changes(plan)

    def _apply(self, text: str) -> None:
        try:
            done = apply_document(ACTOR, text)
        except DocumentRefused as error:
            self._tell(error.findings)
            raise CommandError("The document cannot be applied. Nothing was changed.") from None
        self._tell(done.plan.findings)
        self._tell_changes(done.plan)
        if done.launch:
            self.stdout.write("Applied. Hosts and storages connect by themselves from now on.")

    def _export(self, name: str, region: str, file: str) -> None:
        zones = Zone.objects.select_related("region").filter(name_key=fold(name))
        if region:
            zones = zones.filter(region__name_key=fold(region))
        found = list(zones[:2])
        if len(found) != 1:
            why = "No zone has this name." if not found else "Two zones have this name: give --region."
            raise CommandError(why)
        text = export_zone(ACTOR, found[0])
        if file == "-":
            self.stdout.write(text, ending="")
            return
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(str(error)) from None

    def _tell(self, findings: Findings) -> None:
        for one in map(told_finding, findings):
            line = f"line {one['line']}, " if one["line"] else ""
            self.stderr.write(
                f"{one['level']}: {line}{one['place']}: {one['detail']} {one['remedy']}".strip()
            )

    def _tell_changes(self, plan: Plan) -> None:
        for item in plan.changes:
            told = told_item(item)
            self.stdout.write(f"{told['action']} {told['kind']} {told['name']} ({told['within'] or '-'})")
            for one in told["differences"]:
                self.stdout.write(f"    {one['name']}: {one['before']} -> {one['after']}")
        self.stdout.write(counted_changes(plan))


def _read(file: str) -> str:
    """The text, no more of it than may be; too much, cut anywhere, is refused by the reader in its own
    words."""
    try:
        if file == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(file).open("rb") as source:
                data = source.read(MAX_BYTES + 1)
        return data.decode("utf-8", errors="strict" if len(data) <= MAX_BYTES else "replace")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: {error}") from None
