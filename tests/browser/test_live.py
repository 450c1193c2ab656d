"""Pages that follow what happens, in a real browser, while parts of the portal go away and come back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.browser.inspection import context_of
from tests.browser.pages import OPERATOR
from tests.browser.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.servers]
PATIENCE = 45_000  # in Playwright's milliseconds
_MACHINE = """
from apps.compute.models import VirtualMachine
from apps.compute.states import State
print(VirtualMachine.objects.filter(state=State.STOPPED).order_by("id")[{number}].uuid)
"""
_STEP = """
from datetime import timedelta
from django.utils import timezone
from apps.jobs.models import Job
Job.objects.filter(uuid="{job}").update(due=timezone.now() + timedelta(hours=1), **{columns!r})
"""
_JOB = """
from datetime import timedelta
from django.utils import timezone
from apps.compute.models import VirtualMachine
from apps.jobs.models import Job
vm = VirtualMachine.objects.get(uuid="{vm}")
job = Job.objects.create(
    kind="vm.reboot", actor_label="test", account=vm.account, target_type="virtual-machine",
    target_uuid=vm.uuid, target_name=vm.name, plan=["AskGuest", "ForceOff", "StartMachine"],
    trail=["AskGuest"], midstep=True, due=timezone.now() + timedelta(hours=1),
)
print(job.uuid)
"""


_RENAME = """
from apps.accounts.actor import Actor
from apps.storage.models import Template
from apps.storage.services_templates import change_template
change_template(Actor.system("a test"), Template.objects.order_by("id")[0], name="renamed")
"""


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = context_of(browser, site.stack.url, session=site.sessions[OPERATOR])
    yield context.new_page()
    context.close()


def test_a_page_just_opened_asks_for_nothing_again_until_something_changes(page: Page, site: Site) -> None:
    def is_refresh(request: Request) -> bool:
        return "x-live" in request.headers and "/templates/" in request.url

    asked: list[str] = []
    page.goto("/templates/")
    page.wait_for_timeout(6000)  # what happened before is by now too old to have been missed
    page.on("request", lambda request: asked.append(request.url) if is_refresh(request) else None)
    page.reload()
    expect(page.locator("[data-live-status=live]")).to_be_attached(timeout=PATIENCE)
    page.wait_for_timeout(1500)
    assert asked == []
    with page.expect_request(is_refresh, timeout=PATIENCE):
        site.stack.python(_RENAME)


class Followed:
    """A job in nobody's hands: the test takes its steps."""

    def __init__(self, site: Site, number: int) -> None:
        self.stack = site.stack
        self.vm = self.stack.python(_MACHINE.format(number=number)).strip()
        self.job = self.stack.python(_JOB.format(vm=self.vm)).strip()

    def move(self, **columns: Any) -> None:
        self.stack.python(_STEP.format(job=self.job, columns=columns))

    def end(self) -> None:
        self.stack.python(
            "from django.utils import timezone\nfrom apps.jobs.models import Job\n"
            f'Job.objects.filter(uuid="{self.job}").update(state="done", finished_at=timezone.now(), '
            'midstep=False, trail=["AskGuest", "ForceOff", "StartMachine"], percent=100)'
        )


def is_live(page: Page) -> None:
    expect(page.locator("[data-live-status=live]")).to_be_visible(timeout=PATIENCE)


def under_way(page: Page) -> Any:
    return page.locator(".step-now")


def test_a_page_shows_each_step_as_it_is_taken_without_a_reload(page: Page, site: Site) -> None:
    followed = Followed(site, 0)
    page.goto(f"/virtual-machines/{followed.vm}/")
    is_live(page)
    loads = page.evaluate("performance.timeOrigin")
    expect(under_way(page)).to_contain_text("Ask the guest to power off")
    followed.move(trail=["AskGuest", "ForceOff"])
    expect(under_way(page)).to_contain_text("Make sure that it is off", timeout=PATIENCE)
    followed.end()
    expect(page.locator("#live")).to_contain_text("Latest job: Done", timeout=PATIENCE)
    expect(page.locator("[data-live-say]")).to_contain_text("Done", timeout=PATIENCE)
    assert page.evaluate("performance.timeOrigin") == loads


def test_focus_and_what_was_opened_stay_when_a_part_changes(page: Page, site: Site) -> None:
    followed = Followed(site, 1)
    page.goto(f"/virtual-machines/{followed.vm}/")
    is_live(page)
    button = page.locator("[id='act-vm.stop']")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#why-not")).to_contain_text("this needs: Running")
    followed.move(trail=["AskGuest", "ForceOff"])
    expect(under_way(page)).to_contain_text("Make sure that it is off", timeout=PATIENCE)
    expect(button).to_be_focused()
    expect(page.locator("#why-not")).to_contain_text("this needs: Running")
    followed.end()


def test_a_page_goes_on_while_redis_is_away(page: Page, site: Site) -> None:
    followed = Followed(site, 2)
    page.goto(f"/jobs/{followed.job}/")
    is_live(page)
    site.stack.redis.__exit__()
    try:
        followed.move(trail=["AskGuest", "ForceOff"])
        expect(under_way(page)).to_contain_text("Make sure that it is off", timeout=PATIENCE)
        is_live(page)
    finally:
        site.stack.redis.__enter__()
    followed.end()
    expect(page.locator("#job-live")).to_contain_text("Done", timeout=PATIENCE)


def _runs(site: Site, vm: str) -> bool:
    """Whether the machine runs. A worker that lost its broker may end; the supervisor, which is not here,
    would start it again."""
    for name, process in list(site.stack.workers.items()):
        if process.poll() is not None:
            del site.stack.workers[name]
            site.stack.revive(name)
    return bool(site.stack.get(f"virtual-machines/{vm}/")["state"] == "Running")


def test_what_was_asked_for_while_redis_is_away_is_done_when_it_is_back(page: Page, site: Site) -> None:
    vm = site.stack.python(_MACHINE.format(number=6)).strip()
    page.goto(f"/virtual-machines/{vm}/")
    is_live(page)
    site.stack.redis.__exit__()
    try:
        page.locator("[id='act-vm.start']").click()
        expect(page.locator("#live .state").first).to_contain_text("Starting", timeout=PATIENCE)
    finally:
        site.stack.redis.__enter__()
    site.stack.wait(lambda: _runs(site, vm), "the machine is started", seconds=150)
    expect(page.locator("#live .state").first).to_contain_text("Running", timeout=PATIENCE)


def test_a_page_survives_the_web_process_and_catches_up(page: Page, site: Site) -> None:
    followed = Followed(site, 3)
    page.goto(f"/jobs/{followed.job}/")
    is_live(page)
    loads = page.evaluate("performance.timeOrigin")
    site.stack.end("web", signal.SIGTERM)
    expect(page.locator("[data-live-status=again]")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("[data-live-status]")).to_contain_text("Reconnecting")
    followed.end()
    site.stack.revive("web")
    is_live(page)
    expect(page.locator("#job-live")).to_contain_text("Done", timeout=PATIENCE)
    assert page.evaluate("performance.timeOrigin") == loads


def test_without_a_stream_a_page_looks_by_itself(page: Page, site: Site) -> None:
    followed = Followed(site, 4)
    page.route("**/live/?topic=*", lambda route: route.abort())
    page.goto(f"/jobs/{followed.job}/")
    expect(under_way(page)).to_contain_text("Ask the guest to power off")
    followed.move(trail=["AskGuest", "ForceOff"])
    expect(under_way(page)).to_contain_text("Make sure that it is off", timeout=PATIENCE)
    followed.end()


def test_a_list_shows_what_is_new_and_keeps_its_address(page: Page, site: Site) -> None:
    page.goto("/jobs/")
    is_live(page)
    followed = Followed(site, 5)
    expect(page.locator(f"a[href='/jobs/{followed.job}/']")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#jobs-now")).to_contain_text("stuck")
    assert page.url.endswith("/jobs/")
    followed.end()


def test_a_list_waits_while_somebody_chooses_and_goes_on_afterwards(page: Page, site: Site) -> None:
    page.goto("/jobs/")
    is_live(page)
    page.locator(".list-columns summary").click()
    box = page.locator(".list-columns input[type=checkbox]").first
    box.uncheck()
    followed = Followed(site, 7)
    expect(page.locator("#jobs-now")).to_contain_text("stuck", timeout=PATIENCE)
    new = page.locator(f"a[href='/jobs/{followed.job}/']")
    page.wait_for_timeout(3000)
    expect(box).not_to_be_checked()
    expect(new).to_have_count(0)
    box.check()
    page.locator(".list-columns summary").click()
    expect(new).to_be_visible(timeout=PATIENCE)
    followed.end()


def test_a_part_that_could_not_be_fetched_is_asked_for_again(page: Page, site: Site) -> None:
    followed = Followed(site, 8)
    page.goto(f"/jobs/{followed.job}/")
    is_live(page)
    failures = iter([503, 0])

    def answer(route: Route) -> None:
        status = next(failures, None)
        if status is None:
            route.continue_()
        elif status:
            route.fulfill(status=status)
        else:
            route.abort()

    page.route(f"**/jobs/{followed.job}/live/", answer)
    followed.move(trail=["AskGuest", "ForceOff"])
    expect(under_way(page)).to_contain_text("Make sure that it is off", timeout=PATIENCE)
    assert next(failures, None) is None
    followed.end()
