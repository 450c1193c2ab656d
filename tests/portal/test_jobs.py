"""The pages of jobs: who sees which, what can be done to one, and what is known before it is resolved."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts.actor import Actor
from apps.accounts.models import Account, User
from apps.compute.models import VirtualMachine
from apps.compute.services.lifecycle import stop_vm
from apps.compute.states import PowerState, State
from apps.core.words.jobs import DOES, RESOLVES
from apps.jobs import kinds
from apps.jobs.models import Event, Job, JobState
from apps.jobs.steps import steps_of
from apps.portal.jobs.targets import PAGES
from apps.zones.models import Host
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def member(account: Account) -> User:
    return factories.make_user(account)


@pytest.fixture
def vm(account: Account) -> VirtualMachine:
    zone = factories.make_zone()
    return factories.make_vm(zone, account=account, state=State.RUNNING)


@pytest.fixture
def job(member: User, vm: VirtualMachine) -> Job:
    return stop_vm(Actor(member), vm)


def operator() -> Client:
    return client_of(factories.make_user(super_admin=True))


def set_job(job: Job, **columns: Any) -> None:
    Job.objects.filter(pk=job.pk).update(**columns)


def stuck(job: Job) -> None:
    error = {"code": "host_unreachable", "params": {}, "technical": "no route to host"}
    set_job(
        job,
        state=JobState.STUCK,
        trail=["AskGuest"],
        midstep=True,
        plan=["AskGuest", "ForceOff"],
        error=error,
    )


def test_a_member_sees_the_jobs_of_its_accounts_and_an_operator_all(job: Job, member: User) -> None:
    name, path = job.target_name, f"/jobs/{job.uuid}/"
    stranger = client_of(factories.make_user(factories.make_account()))
    for client, sees in ((client_of(member), True), (operator(), True), (stranger, False)):
        assert (name in client.get("/jobs/").text) is sees
        status = 200 if sees else 404
        for address in (path, f"{path}live/", f"{path}cancel/"):
            assert client.get(address).status_code == status
    assert Client().get(path).status_code == 302
    for act in ("retry", "resolve", "cancel"):
        assert stranger.post(f"{path}{act}/").status_code == 404
    assert Event.objects.filter(job=job).count() == 1


def test_a_jobs_page_says_what_it_does_who_asked_and_where_it_stands(job: Job, member: User) -> None:
    set_job(job, plan=["AskGuest", "ForceOff"], trail=["AskGuest"], midstep=True, percent=40)
    page = client_of(member).get(f"/jobs/{job.uuid}/").text
    assert str(DOES["vm.stop"]) in page
    assert member.username in page
    assert f'data-live="job:{job.uuid}"' in page
    assert "Ask the guest to power off" in page
    assert f"/virtual-machines/{job.target_uuid}/" in page
    assert f"virtual-machines/{job.target_uuid}/stop/" in page, "the request that does it again"


def test_drivers_words_are_for_operators_only(job: Job, member: User) -> None:
    stuck(job)
    assert "no route to host" in operator().get(f"/jobs/{job.uuid}/").text
    page = client_of(member).get(f"/jobs/{job.uuid}/").text
    assert "no route to host" not in page
    assert "It did not answer over the network in time, or refused the connection." in page


def test_a_running_job_is_cancelled_after_saying_what_is_taken_back(job: Job, member: User) -> None:
    client = client_of(member)
    set_job(job, plan=["AskGuest", "ForceOff"], trail=["AskGuest"], midstep=True)
    page = client.get(f"/jobs/{job.uuid}/cancel/")
    assert "Ask the guest to power off" in page.text
    answer = client.post(f"/jobs/{job.uuid}/cancel/", follow=True)
    assert answer.redirect_chain[-1][0] == f"/jobs/{job.uuid}/"
    job.refresh_from_db()
    assert job.cancel_requested
    assert "asked to end already" in client.get(f"/jobs/{job.uuid}/").text


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"cancellable": False}, "past the point where it could be taken back"),
        ({"state": JobState.UNDOING}, "being taken back already"),
        ({"state": JobState.STUCK}, "is stuck"),
        ({"cancel_requested": True}, "asked to end already"),
    ],
)
def test_what_cannot_be_cancelled_says_why(job: Job, member: User, columns: dict[str, Any], why: str) -> None:
    client = client_of(member)
    set_job(job, **columns)
    page = client.get(f"/jobs/{job.uuid}/").text
    button = page[page.index('id="act-cancel"') :].split(">")[0]
    assert 'aria-disabled="true"' in button
    assert why in button
    assert client.get(f"/jobs/{job.uuid}/cancel/").status_code == 409


def test_a_job_that_has_ended_offers_nothing(job: Job, member: User) -> None:
    set_job(job, state=JobState.DONE, finished_at=timezone.now())
    page = client_of(member).get(f"/jobs/{job.uuid}/").text
    assert 'id="act-' not in page
    assert client_of(member).post(f"/jobs/{job.uuid}/cancel/", follow=True).context["messages"]


def test_a_stuck_job_is_retried_or_resolved_by_operators_and_a_member_is_told_to_ask(
    job: Job, member: User
) -> None:
    stuck(job)
    page = client_of(member).get(f"/jobs/{job.uuid}/").text
    assert "aria-disabled" in page[page.index('id="act-retry"') :].split(">")[0]
    assert client_of(member).get(f"/jobs/{job.uuid}/resolve/").status_code == 403
    client_of(member).post(f"/jobs/{job.uuid}/retry/")
    job.refresh_from_db()
    assert job.state == JobState.STUCK
    operator().post(f"/jobs/{job.uuid}/retry/")
    job.refresh_from_db()
    assert job.state == JobState.PENDING
    stuck(job)
    operator().post(f"/jobs/{job.uuid}/resolve/")
    job.refresh_from_db()
    assert job.state == JobState.RESOLVING


def test_before_resolving_the_record_stands_beside_what_the_host_reports(
    job: Job, vm: VirtualMachine
) -> None:
    stuck(job)
    host = Host.objects.get()
    seen = timezone.now()
    VirtualMachine.objects.filter(pk=vm.pk).update(
        state=State.RUNNING, power_state=PowerState.OFF, power_observed_at=seen, host=host, pod=host.pod
    )
    page = operator().get(f"/jobs/{job.uuid}/resolve/").text
    assert host.name in page
    assert "does not agree" in page
    assert str(RESOLVES["vm.stop"]) in page
    assert 'method="post"' in page
    VirtualMachine.objects.filter(pk=vm.pk).update(power_state=PowerState.RUNNING)
    assert "does not agree" not in operator().get(f"/jobs/{job.uuid}/resolve/").text


def test_a_dialog_is_a_page_without_a_script_and_only_its_inside_with_one(job: Job) -> None:
    stuck(job)
    whole = operator().get(f"/jobs/{job.uuid}/resolve/").text
    inside = operator().get(f"/jobs/{job.uuid}/resolve/", headers={"HX-Request": "true"}).text
    assert "<html" in whole
    assert "<html" not in inside


def test_a_resolve_dialog_says_so_when_the_object_is_gone(job: Job) -> None:
    stuck(job)
    set_job(job, target_uuid=job.uuid)
    assert "The object is gone" in operator().get(f"/jobs/{job.uuid}/resolve/").text


def make_batch(account: Account, member: User, parts: int) -> Job:
    columns = {"actor_label": "someone", "account": account, "user": member, "target_type": "virtual-machine"}
    parent = Job.objects.create(kind="vm.deploy_batch", target_uuid=account.uuid, **columns)
    for number in range(parts):
        state = JobState.FAILED if number == 0 else JobState.DONE
        Job.objects.create(
            kind="vm.deploy",
            parent=parent,
            state=state,
            target_name=f"web-{number}",
            target_uuid=account.uuid,
            finished_at=timezone.now(),
            **columns,
        )
    return parent


def test_a_batch_is_one_row_that_counts_its_parts(account: Account, member: User) -> None:
    parent = make_batch(account, member, 3)
    client = client_of(member)
    page = client.get("/jobs/").text
    assert "3 parts, 1 failed" in page
    assert "web-1" not in page
    assert "web-1" in client.get("/jobs/?parts=shown").text
    page = client.get(f"/jobs/{parent.uuid}/").text
    assert page.index("web-0") < page.index("web-1"), "what failed comes first"
    child = parent.children.first()
    assert child is not None
    assert f"/jobs/{parent.uuid}/" in client.get(f"/jobs/{child.uuid}/").text


def test_jobs_are_filtered_by_state_kind_account_object_and_who_asked(
    job: Job, member: User, account: Account
) -> None:
    other = factories.make_user(account)
    batch = make_batch(account, other, 1)
    client = client_of(member)

    def shown(query: str) -> set[Job]:
        page = client.get(f"/jobs/?{query}").text
        return {one for one in (job, batch) if f"/jobs/{one.uuid}/" in page}

    assert shown("") == shown(f"account={account.uuid}") == {job, batch}
    assert shown("mine=true") == shown("state=pending&kind=vm.stop") == {job}
    assert shown("kind=vm.deploy_batch") == {batch}
    assert shown("state=stuck,failed") == set()
    assert client.get("/jobs/?state=sleeping").status_code == 422
    found = operator().get(f"/jobs/?target={job.target_uuid}").text
    assert f"/jobs/{job.uuid}/" in found
    assert f"/jobs/{batch.uuid}/" not in found


def test_the_list_costs_the_same_for_any_number_of_jobs(
    account: Account, member: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(member)
    for _ in range(30):
        make_batch(account, member, 1)
    with django_assert_max_num_queries(12):
        assert client.get("/jobs/").text.count("1 part, 1 failed") == 30


def test_the_frame_says_how_many_jobs_run_and_which_are_stuck(
    job: Job, member: User, account: Account
) -> None:
    client = client_of(member)
    assert 'hx-get="/jobs/now/"' in client.get("/jobs/").text
    Job.objects.create(
        kind="vm.read_console",
        account=account,
        actor_label="",
        target_type="virtual-machine",
        target_uuid=job.uuid,
    )
    assert "1 job is running" in client.get("/jobs/now/").text
    stranger = client_of(factories.make_user(factories.make_account()))
    assert "running" not in stranger.get("/jobs/now/").text
    stuck(job)
    assert "1 job is stuck" in client.get("/jobs/now/").text


def test_steps_say_what_was_taken_back_and_where_it_failed(job: Job) -> None:
    plan, timings = (
        ["PickHost", "CreateVolumes", "StartMachine", "PlugNics"],
        {"PickHost": 0.1, "CreateVolumes": 2.0},
    )
    job.plan, job.timings, job.trail, job.state = plan, timings, [], JobState.FAILED
    assert [step.state for step in steps_of(job)] == ["undone", "undone", "failed", "next"]
    job.state = JobState.CANCELLED
    assert [step.state for step in steps_of(job)] == ["undone", "undone", "next", "next"]
    job.trail, job.midstep, job.state = plan[:3], True, JobState.STUCK
    assert [step.state for step in steps_of(job)] == ["done", "done", "failed", "next"]
    job.trail, job.midstep, job.state = plan[:1], False, JobState.UNDOING
    assert [step.state for step in steps_of(job)] == ["done", "undone", "next", "next"]
    job.trail, job.state = plan, JobState.DONE
    assert {step.state for step in steps_of(job)} == {"done"}


def test_every_kind_of_job_has_words_for_what_it_does_and_what_resolving_leads_to() -> None:
    ours = {name for name in kinds.all_kinds() if not name.startswith("toy.")}
    assert ours == set(DOES) == set(RESOLVES)


@pytest.mark.parametrize("name", [name for _model, name in PAGES.values()])
def test_each_object_that_jobs_are_about_has_a_page(name: str) -> None:
    assert reverse(f"portal:{name}", args=[uuid4()])
