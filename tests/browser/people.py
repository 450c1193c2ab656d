"""The demo campus as `make up` leaves it, on a slapd of its own and simulated hosts."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from bootstrap import campus
from bootstrap.api import Api
from bootstrap.demo_school import HostAdmins, Mapping, Schools
from tests.browser.inspection import WIDE
from tests.directory.campus import Campus, password_of
from tests.stack import Stack

ZONE, ELSEWHERE = "demo", "elsewhere"
_ZONES = f"""
from apps.accounts.models import Account
from apps.jobs import dispatch
from apps.zones.services import create_region
from workers.campus.build import ACTOR, create_templates, create_zone
with dispatch.held():
    region = create_region(ACTOR, name="demo")
    zones = [create_zone(region, "{ZONE}", 2, "10.77"), create_zone(region, "{ELSEWHERE}", 1, "10.78")]
    create_templates(zones, Account.objects.get(name="admin"))
"""


class PeoplesPortal:
    """A portal whose people log in through a directory that a test may change. Use it as a context."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.campus = Campus()
        self.people = campus.PEOPLE
        self.directory = ""

    def __enter__(self) -> PeoplesPortal:
        self.campus.__enter__()
        try:
            self._furnish()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.campus.__exit__()

    def _furnish(self) -> None:
        self.stack.python(_ZONES)
        self.directory = self.stack.post("directories/", self.campus.settings())["id"]
        Schools(self.api).make()
        self.mapping.make()
        HostAdmins(self.api, ZONE).give()

    @property
    def api(self) -> Api:
        return Api(self.stack.url, self.stack.token)

    @property
    def mapping(self) -> Mapping:
        return Mapping(self.api, self.directory)

    def id_of(self, collection: str, **match: object) -> str:
        row = self.api.find(collection, **match)
        assert row is not None, (collection, match)
        return str(row["id"])

    def machine(self, name: str, account: str, **more: Any) -> Any:
        """A machine of the smallest size, once its job is done."""
        sizes = self.stack.get("service-offerings/")["results"]
        images = self.stack.get("templates/")["results"]
        body = {
            "name": name,
            "account": self.id_of("accounts/", name=account),
            "zone": self.id_of("zones/", name=ZONE),
            "offering": min(sizes, key=lambda row: (row["memory_mib"], row["vcpus"]))["id"],
            "template": next(row["id"] for row in images if row["name"] == f"Debian 12 ({ZONE})"),
        }
        answer = self.stack.post("virtual-machines/", body | more)
        assert self.stack.job(answer)["state"] == "done", self.stack.logs()
        return self.stack.get(f"virtual-machines/{answer['id']}/")

    def open(self, browser: Browser, language: str = "en") -> BrowserContext:
        return browser.new_context(
            base_url=self.stack.url,
            locale=language,
            viewport=WIDE,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )

    def log_in(self, context: BrowserContext, uid: str) -> Page:
        """As they do it themselves: by the form, with the name and password of their campus."""
        page = context.new_page()
        page.goto("/login/")
        form = page.get_by_role("main").locator("form").first
        form.locator("[name=username]").fill(uid)
        form.locator("[name=password]").fill(password_of(uid))
        form.locator("button").last.click()
        page.wait_for_url(lambda url: "/login/" not in url)
        return page
