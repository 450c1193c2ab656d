"""The last step of `make up`: a machine that was deployed through the portal's API, says on its console
that it is up, and answers on its address."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from typing import Any

from bootstrap.context import Context
from bootstrap.demo_template import MEMORY_MIB, find_template
from bootstrap.demo_zone import ZONE
from bootstrap.failures import CheckFailed
from bootstrap.steps import Step
from bootstrap.terminal import Heartbeat, run

MACHINE = "demo-1"
DEPLOY_SECONDS = 180.0
BOOT_SECONDS = 120.0
HTTP_SECONDS = 30.0
READY = re.compile(r"cloudportal guest ready: (?P<name>\S+) (?P<address>\S+)")
Row = dict[str, Any]


class DemoMachine(Step):
    key = "machine"
    title = "Demo machine"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._key = context.installation.secrets / "demo_ed25519"
        self.row: Row = {}
        self.booted = False

    def needed(self) -> str | None:
        first = "deploy one through the portal's API and see it boot"
        if not self._context.token:
            return self._context.unseen(first)
        self.row = self._find() or {}
        if not self.row:
            return first
        return None if self.row["state"] == "Running" else f"start it: it is {self.row['state']}"

    def _find(self) -> Row | None:
        gone = {"Destroyed", "Expunging", "Error"}
        for row in self._context.api.rows(f"virtual-machines/?q={MACHINE}"):
            if row["name"] == MACHINE and row["state"] not in gone:
                return row
        return None

    def do(self) -> None:
        api = self._context.api
        if self.row and self.row["job"]:
            answer = self.row
        elif self.row:
            answer = api.post(f"virtual-machines/{self.row['id']}/start/", {})
        else:
            answer = api.post("virtual-machines/", self._wish())
        api.await_job(answer, f"deploying {MACHINE}", seconds=DEPLOY_SECONDS)
        found = self._find()
        if found is None:
            raise CheckFailed(f"{MACHINE} is not there after its job", repair="make logs")
        self.row = found

    def _wish(self) -> Row:
        api = self._context.api
        zone = api.find("zones/", name=ZONE)
        template = find_template(api)
        large = [row for row in api.rows("service-offerings/") if row["memory_mib"] >= MEMORY_MIB]
        offerings = sorted(large, key=lambda row: (row["memory_mib"], row["vcpus"]))
        if zone is None or template is None or not offerings:
            raise CheckFailed("the demo zone is incomplete", repair="PURGE=1 make down && make up")
        return {
            "name": MACHINE,
            "zone": zone["id"],
            "template": template["id"],
            "offering": offerings[0]["id"],
            "ssh_keys": [self._ssh_key()],
        }

    def _ssh_key(self) -> str:
        """The id of the key pair that lets us into the machine, made now if there is none."""
        if not self._key.exists():
            run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "cloudportal-demo", "-f", self._key],
                what="making an SSH key",
                repair=f"ssh-keygen -t ed25519 -f {self._key}",
                log=self._context.installation.log / "install.log",
            )
        api = self._context.api
        public = self._key.with_suffix(".pub").read_text().strip()
        found = api.find("ssh-keys/", name="demo") or api.post(
            "ssh-keys/", {"name": "demo", "public_key": public}
        )
        return str(found["id"])

    def prove(self) -> str:
        self.row = self._context.api.get(f"virtual-machines/{self.row['id']}/")
        address = str(self.row["ip"])
        begun = time.monotonic()
        self._await_console(address)
        self._await_http(address)
        self.booted = True
        return f"{MACHINE} is up and answers at http://{address}/ (waited {time.monotonic() - begun:.1f} s)"

    def _await_console(self, address: str) -> None:
        """Wait until the guest has said on its console that it is up, with the address we gave it."""
        limit = time.monotonic() + BOOT_SECONDS
        path = f"virtual-machines/{self.row['id']}/console-log/"
        text = ""
        with Heartbeat("waiting for the guest's console"):
            while True:
                text = self._context.api.get(path)["text"]
                found = list(READY.finditer(text))
                if found and found[-1]["address"] == address:
                    return
                if time.monotonic() > limit:
                    raise CheckFailed(
                        f"{MACHINE} did not say that it is up within {BOOT_SECONDS:.0f} s",
                        repair="make logs",
                        details=text[-4000:],
                    )
                time.sleep(0.2)

    def _await_http(self, address: str) -> None:
        """Wait until the guest's web server answers with its name."""
        limit = time.monotonic() + HTTP_SECONDS
        with Heartbeat(f"waiting for http://{address}/"):
            while True:
                try:
                    with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
                        if MACHINE.encode() in answer.read(65536):
                            return
                    said = "another machine answers"
                except (urllib.error.URLError, OSError) as error:
                    said = str(error)
                if time.monotonic() > limit:
                    repair = f"ping -c 1 {address}; ip address show"
                    what = f"{MACHINE} does not answer at http://{address}/"
                    raise CheckFailed(what, repair=repair, details=said)
                time.sleep(0.2)

    def ssh_command(self) -> str:
        return f"ssh -i {self._key} root@{self.row['ip']}"

    def summary(self) -> Row:
        """The machine as up.json shows it."""
        shown = {name: self.row[name] for name in ("id", "name", "state", "ip")}
        return {**shown, "booted": self.booted}
