"""The seals over the record of events: check them, make them now, drop what is old."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.core.errors import CloudError
from apps.core.messages import explain
from apps.core.words.audit import PROBLEMS
from apps.jobs.audit import checking, heads, pruning, sealer
from apps.jobs.people import erase_names

SHOWN = 100


class Command(BaseCommand):
    help = "Checks the sealed record of events (verify: exits 1 if anything is amiss), seals it, prunes it."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        verify = acts.add_parser("verify", help="find what was changed, removed, added or cut off")
        verify.add_argument("--json", action="store_true", help="as one JSON object")
        acts.add_parser("seal", help="seal now whatever is settled")
        prune = acts.add_parser("prune", help="drop sealed segments that are older as a whole")
        prune.add_argument("--days", type=int, default=settings.AUDIT_KEEP_DAYS or None)
        erase = acts.add_parser("erase", help="erase a user's names from the events")
        erase.add_argument("user", help="the user's name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['act']}")(options)
        except CloudError as error:
            words = explain(error.code, error.params)
            raise CommandError(f"{words.title} {words.detail} {words.remedy}", returncode=2) from None
        except sealer.NotOurs:
            raise CommandError("somebody else is sealing just now; try again", returncode=2) from None
        except heads.RecordDiffers as error:
            said = f"{PROBLEMS[error.code]} (segment {error.number}, {heads.path()})"
            raise CommandError(said, returncode=1) from None

    def _verify(self, options: dict[str, Any]) -> None:
        found = checking.verify()
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(found)))
        else:
            self._tell(found)
        if found.problems:
            raise SystemExit(1)

    def _tell(self, found: checking.Found) -> None:
        for problem in found.problems[:SHOWN]:
            where = f"segment {problem.segment}" if problem.segment else heads.path().name
            row = f", row {problem.row}" if problem.row else ""
            self.stdout.write(f"{problem.code}: {where}{row}: {PROBLEMS[problem.code]}")
        if len(found.problems) > SHOWN:
            self.stdout.write(f"... and {len(found.problems) - SHOWN} more")
        upto = found.sealed_at.isoformat(timespec="seconds") if found.sealed_at else "never"
        self.stdout.write(f"{found.rows} events in {found.segments} segments sealed up to {upto}")
        if found.pruned:
            self.stdout.write(f"{found.pruned} segments dropped for their age; their heads are kept")
        since = f", the first from {found.waiting_since:%Y-%m-%dT%H:%M:%SZ}" if found.waiting_since else ""
        self.stdout.write(f"{found.waiting} events not yet sealed{since}")
        if found.unfiled:
            self.stdout.write(f"{found.unfiled} heads not yet in {heads.path()}")
        self.stdout.write(f"{len(found.problems)} problems" if found.problems else "nothing amiss")

    def _seal(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"{sealer.seal(at_once=True)} events sealed")

    def _prune(self, options: dict[str, Any]) -> None:
        if options["days"] is None:
            raise CommandError("say --days, or set CLOUDPORTAL_AUDIT_KEEP_DAYS", returncode=2)
        dropped = pruning.prune(Actor.system("audit prune"), days=options["days"])
        self.stdout.write(f"{dropped} events dropped")

    def _erase(self, options: dict[str, Any]) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"there is no user {options['user']}", returncode=2)
        self.stdout.write(f"{erase_names(Actor.system('audit erase'), user)} texts erased")


def _as_json(found: checking.Found) -> dict[str, Any]:
    return {
        "problems": [
            {"code": each.code, "segment": each.segment, "row": each.row, "what": str(PROBLEMS[each.code])}
            for each in found.problems
        ],
        "events": found.rows,
        "segments": found.segments,
        "pruned_segments": found.pruned,
        "sealed_at": found.sealed_at.isoformat() if found.sealed_at else None,
        "not_sealed": found.waiting,
        "heads_not_in_file": found.unfiled,
    }
