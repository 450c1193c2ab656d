"""Steps that build the demo image and register it with the portal."""

from __future__ import annotations

from typing import Any

from bootstrap.api import Api
from bootstrap.context import Context
from bootstrap.demo_zone import ZONE
from bootstrap.failures import CheckFailed
from bootstrap.steps import Step
from bootstrap.terminal import Heartbeat, say
from guest.run import BuildFailed
from guest.tiny import build

TEMPLATE = "tiny"
MEMORY_MIB = 192
"""What a machine made from it needs."""
REGISTER_SECONDS = 300.0
GONE = frozenset({"Deleting", "Deleted"})
Row = dict[str, Any]


class TinyImage(Step):
    key = "image"
    title = "Demo image"

    def __init__(self, context: Context) -> None:
        self._installation = context.installation
        self.path = context.installation.cache / "tiny.qcow2"

    def needed(self) -> str | None:
        return None if self.path.exists() else "build it from Debian packages"

    def do(self) -> None:
        cache = self._installation.cache / "guest"
        with Heartbeat("building the demo image"):
            try:
                build(self.path, cache, lambda line: say(f"      {line}"))
            except BuildFailed as error:
                repair = f"python3 -m guest.tiny {self.path} --cache {cache}"
                raise CheckFailed("the demo image is not built", repair=repair, details=str(error)) from error

    def prove(self) -> str:
        return f"{self.path.stat().st_size / 1e6:.1f} MB"


class DemoTemplate(Step):
    key = "template"
    title = "Demo template"

    def __init__(self, context: Context, image: TinyImage) -> None:
        self._context = context
        self._image = image

    def needed(self) -> str | None:
        first = "register the demo image"
        if not self._context.token:
            return self._context.unseen(first)
        row = self._row()
        return None if row and row["state"] == "Ready" else first

    def _row(self) -> Row | None:
        return find_template(self._context.api)

    def do(self) -> None:
        """One that is being registered is waited for; one that failed makes room for another try."""
        api = self._context.api
        row = self._row()
        if row is not None and row["state"] == "Error":
            api.await_job(
                api.delete(f"templates/{row['id']}/"), "removing what failed", seconds=REGISTER_SECONDS
            )
            row = None
        if row is None:
            zone = api.find("zones/", name=ZONE)
            if zone is None:
                raise CheckFailed(f"zone {ZONE} is missing", repair="make up")
            fields = {
                "name": TEMPLATE,
                "zone": str(zone["id"]),
                "is_public": "true",
                "min_memory_mib": str(MEMORY_MIB),
            }
            row = api.upload("templates/", fields, self._image.path)
        if row["job"]:
            api.await_job(row, "registering the demo image", seconds=REGISTER_SECONDS)

    def prove(self) -> str:
        row = self._row()
        if row is None or row["state"] != "Ready":
            raise CheckFailed(
                f"template {TEMPLATE} is {row['state'] if row else 'missing'}", repair="make logs"
            )
        return f"{row['name']}, inspected, {row['virtual_size_bytes'] // 2**20} MiB"


def find_template(api: Api) -> Row | None:
    """The demo template, unless it is gone: what was deleted stays listed."""
    rows = api.rows(f"templates/?q={TEMPLATE}")
    return next((row for row in rows if row["name"] == TEMPLATE and row["state"] not in GONE), None)
