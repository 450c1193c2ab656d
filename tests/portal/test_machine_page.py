"""The pages of one machine: what can be done and why not, console, placement, history, settings."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Account
from apps.compute import placement
from apps.compute.models import ConsoleLog, SshKeyPair, VirtualMachine
from apps.compute.states import PowerState, State
from apps.core.errors import InsufficientCapacity
from apps.jobs.models import Event, Job
from apps.network.models import IpAddress
from apps.portal.machines.console import readable
from apps.storage.models import Template
from apps.zones.models import Host, Zone
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
TABS = ("", "console/", "placement/", "history/", "settings/")


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone(hosts=3)


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def member(account: Account) -> Client:
    return client_of(factories.make_user(account))


@pytest.fixture
def vm(zone: Zone, account: Account) -> VirtualMachine:
    return factories.make_vm(zone, account=account, state=State.STOPPED)


def operator() -> Client:
    return client_of(factories.make_user(super_admin=True))


def here(vm: VirtualMachine, tab: str = "") -> str:
    return f"/virtual-machines/{vm.uuid}/{tab}"


def now_in(vm: VirtualMachine, state: State, **columns: Any) -> None:
    VirtualMachine.objects.filter(pk=vm.pk).update(state=state, **columns)


def button(page: str, kind: str) -> str:
    start = page.index(f'id="act-{kind}"')
    return page[page.rindex("<", 0, start) : page.index(">", start)]


def test_every_tab_is_the_members_and_operators_and_nobody_elses(vm: VirtualMachine, member: Client) -> None:
    stranger = client_of(factories.make_user(factories.make_account()))
    for tab in TABS:
        assert member.get(here(vm, tab)).status_code == operator().get(here(vm, tab)).status_code == 200
        assert 'aria-current="page"' in member.get(here(vm, tab)).text
        assert stranger.get(here(vm, tab)).status_code == 404
        assert Client().get(here(vm, tab)).status_code == 302
    for address in ("act/destroy/", "console/live/", "console/download/", "placement/hosts/"):
        assert stranger.get(here(vm, address)).status_code == 404
    for address in ("act/destroy/", "console/refresh/", "settings/"):
        assert stranger.post(here(vm, address)).status_code == 404
    assert not Job.objects.exists()


def test_buttons_say_why_they_cannot_be_pressed_and_what_to_do(vm: VirtualMachine, member: Client) -> None:
    page = member.get(here(vm)).text
    assert 'aria-disabled="true"' in button(page, "vm.stop")
    assert "this needs: Running" in button(page, "vm.stop")
    assert 'name="verb" value="vm.start"' in button(page, "vm.start")
    assert "data-dialog" in button(page, "vm.destroy")
    now_in(vm, State.STOPPED, delete_protection=True)
    assert "protected from deletion" in button(member.get(here(vm)).text, "vm.destroy")


@pytest.mark.parametrize("script", [True, False])
def test_moving_to_the_trash_says_what_goes_and_is_undone_on_the_spot(
    vm: VirtualMachine, member: Client, script: bool
) -> None:
    headers = {"HX-Request": "true"} if script else {}
    asked = member.get(here(vm, "act/destroy/"), headers=headers).text
    assert "10 GiB" in asked
    assert "7 days" in asked
    assert ("<html" in asked) is not script
    assert not Job.objects.exists()
    member.post(here(vm, "act/destroy/"))
    assert Job.objects.get().kind == "vm.destroy"
    Job.objects.all().update(state="done", finished_at=timezone.now())
    now_in(vm, State.DESTROYED, state_changed_at=timezone.now(), expunge_after=timezone.now())
    page = member.get(here(vm)).text
    assert "data-toast" in page
    member.post(here(vm, "act/"), {"verb": "vm.recover"})
    vm.refresh_from_db()
    assert vm.state == State.STOPPED


def test_the_undo_goes_after_its_seconds_while_the_trash_stays(vm: VirtualMachine, member: Client) -> None:
    ago = timezone.now() - timedelta(seconds=11)
    now_in(vm, State.DESTROYED, state_changed_at=ago, expunge_after=timezone.now() + timedelta(days=7))
    page = member.get(here(vm)).text
    assert "data-toast" not in page
    assert 'value="vm.recover"' in page
    assert re.search(r"It is deleted for good <time [^>]+>in 6 days</time>", page)


def test_a_large_machine_is_deleted_for_good_only_by_who_types_its_name(
    zone: Zone, account: Account, member: Client
) -> None:
    small = factories.make_vm(zone, account=account, state=State.STOPPED)
    large = factories.make_vm(zone, account=account, state=State.STOPPED, disks_gib=(100,))
    for vm in (small, large):
        now_in(vm, State.DESTROYED)
    assert "typed-name" not in member.get(here(small, "act/expunge/")).text
    assert "typed-name" in member.get(here(large, "act/expunge/")).text
    refused = member.post(here(large, "act/expunge/"), {"name": "another"})
    assert refused.status_code == 422
    assert "not the machine&#x27;s name" in refused.text
    assert member.post(here(large, "act/"), {"verb": "vm.expunge"}).status_code == 404, "nothing goes unasked"
    assert not Job.objects.exists()
    member.post(here(large, "act/expunge/"), {"name": large.name})
    member.post(here(small, "act/expunge/"))
    assert Job.objects.filter(kind="vm.expunge").count() == 2


def test_a_dialog_of_what_is_refused_says_why_and_does_nothing(vm: VirtualMachine, member: Client) -> None:
    answer = member.get(here(vm, "act/force-stop/"))
    assert answer.status_code == 409
    assert "this needs: Running" in answer.text
    assert member.post(here(vm, "act/force-stop/")).status_code == 409
    assert member.get(here(vm, "act/start/")).status_code == 404
    assert not Job.objects.exists()


def test_a_deploy_that_failed_says_why_and_is_tried_again_or_dismissed(
    zone: Zone, account: Account, member: Client
) -> None:
    error = {"code": "insufficient_capacity", "params": {"reason": "no_memory"}, "technical": "secret words"}
    vm = factories.make_vm(zone, account=account, state=State.ERROR, error=error)
    page = member.get(here(vm)).text
    assert "The host has not enough memory left." in page
    assert "Try again" in page
    assert "secret words" not in page
    member.post(here(vm, "act/"), {"verb": "vm.deploy"})
    assert Job.objects.get().kind == "vm.deploy"
    Job.objects.all().delete()
    now_in(vm, State.ERROR)
    answer = member.post(here(vm, "act/dismiss/"))
    assert answer["Location"] == "/virtual-machines/"
    assert not VirtualMachine.objects.filter(pk=vm.pk).exists()


def test_the_page_tells_when_the_host_reports_something_else(vm: VirtualMachine, member: Client) -> None:
    assert "Its host reports" not in member.get(here(vm)).text
    seen = timezone.now() + timedelta(seconds=1)
    now_in(vm, State.STOPPED, power_state=PowerState.RUNNING, power_observed_at=seen, power_agreed=1)
    assert "Its host reports" not in member.get(here(vm)).text, "one report may be of the moment before"
    now_in(vm, State.STOPPED, power_state=PowerState.RUNNING, power_observed_at=seen, power_agreed=2)
    assert "Its host reports" in member.get(here(vm)).text
    earlier = timezone.now() - timedelta(minutes=5)
    now_in(vm, State.STOPPED, power_state=PowerState.RUNNING, power_observed_at=earlier, power_agreed=2)
    assert "Its host reports" not in member.get(here(vm)).text, "it is from before the stop"


def on_a_host(vm: VirtualMachine) -> VirtualMachine:
    host = Host.objects.first()
    assert host is not None
    now_in(vm, State.RUNNING, host=host, pod=host.pod)
    vm.refresh_from_db()
    return vm


def test_a_running_machine_says_how_to_log_in(vm: VirtualMachine, member: Client) -> None:
    Host.objects.update(driver=Host.Driver.LIBVIRT)
    ip = IpAddress.objects.filter(network__zone=vm.zone).first()
    assert ip is not None
    vm.nics.update(ip=ip)
    Template.objects.filter(pk=vm.template.pk).update(name="Debian 12")
    key = SshKeyPair.objects.create(
        account=vm.account, name="k", public_key="ssh-ed25519 AAAA", fingerprint="x"
    )
    vm.ssh_keys.add(key)
    assert "ssh " not in member.get(here(vm)).text, "it does not run"
    on_a_host(vm)
    page = member.get(here(vm)).text
    assert f'<code id="login-command">ssh debian@{ip.address}</code>' in page
    assert 'data-copy="#login-command"' in page
    Template.objects.filter(pk=vm.template.pk).update(name="Debianesque")
    page = member.get(here(vm)).text
    assert f"ssh USER@{ip.address}" in page
    assert "in the place of USER" in page


def test_a_machine_without_a_key_says_so_and_leads_to_its_console(vm: VirtualMachine, member: Client) -> None:
    Host.objects.update(driver=Host.Driver.LIBVIRT)
    vm.nics.update(ip=IpAddress.objects.filter(network__zone=vm.zone).first())
    on_a_host(vm)
    page = member.get(here(vm)).text
    assert "This machine was made without an SSH key" in page
    assert 'id="login-command"' not in page
    assert f'<a href="{here(vm)}console/">What it says on its console</a>' in page


def test_a_simulated_machine_says_that_nobody_can_log_in(vm: VirtualMachine, member: Client) -> None:
    vm.nics.update(ip=IpAddress.objects.filter(network__zone=vm.zone).first())
    on_a_host(vm)
    page = member.get(here(vm)).text
    assert "This machine is simulated" in page
    assert "ssh " not in page


def test_the_console_is_read_by_a_job_and_its_page_follows_that_job(
    vm: VirtualMachine, member: Client
) -> None:
    on_a_host(vm)
    page = member.get(here(vm, "console/")).text
    assert "has not been read yet" in page
    assert not Job.objects.exists(), "looking at a page asks for nothing"
    answer = member.post(here(vm, "console/refresh/"))
    job = Job.objects.get(kind="vm.read_console")
    assert answer["Location"] == here(vm, "console/")
    part = member.post(here(vm, "console/refresh/"), headers={"HX-Request": "true"}).text
    assert f'data-live="job:{job.uuid}"' in part
    assert Job.objects.count() == 1
    Job.objects.all().update(state="done", finished_at=timezone.now())
    ConsoleLog.objects.create(vm=vm, text="\x1b[1mlogin:\x1b[0m <b>", read_at=timezone.now())
    part = member.get(here(vm, "console/live/")).text
    assert "login: &lt;b&gt;" in part
    assert f'data-live="vm:{vm.uuid}"' in part


def test_the_console_is_downloaded_as_it_was_read(vm: VirtualMachine, member: Client) -> None:
    assert member.get(here(vm, "console/download/")).status_code == 404
    ConsoleLog.objects.create(vm=vm, text="\x1b[1mhello", read_at=timezone.now())
    answer = member.get(here(vm, "console/download/"))
    assert answer.content == b"\x1b[1mhello"
    assert answer["Content-Disposition"] == 'attachment; filename="vm-console.txt"'
    assert answer["Content-Type"].startswith("text/plain")


def test_a_stopped_machine_keeps_its_last_console(vm: VirtualMachine, member: Client) -> None:
    assert "its console was not read while it ran" in member.get(here(vm, "console/")).text
    ConsoleLog.objects.create(vm=vm, text="bye", read_at=timezone.now())
    page = member.get(here(vm, "console/")).text
    assert "what it wrote last" in page
    assert "hx-post" not in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("10 %\r20 %\r30 %\nend", "30 %\nend"),
        ("bell\x07 and\x00 more\x7f", "bell and more"),
        ("tab\tstays, Ελληνικά too", "tab\tstays, Ελληνικά too"),
        ("\x1b", ""),
    ],
)
def test_a_console_is_shown_without_its_control_codes(text: str, shown: str) -> None:
    assert readable(text) == shown


def test_placement_is_told_in_plain_words_and_hosts_by_name_to_operators_only(
    vm: VirtualMachine, member: Client
) -> None:
    assert "Not placed yet" in member.get(here(vm, "placement/")).text
    factories.placed(vm)
    assert vm.host is not None
    page = member.get(here(vm, "placement/")).text
    assert "Why here" in page
    assert "3 hosts were considered." in page
    assert vm.host.name not in page
    page = operator().get(here(vm, "placement/")).text
    assert vm.host.name in page
    assert "The best of those with room" in page


def test_a_machine_without_a_place_is_told_what_lacks_and_what_would_help(
    zone: Zone, account: Account, member: Client
) -> None:
    vm = factories.make_vm(zone, account=account, memory_mib=65536 * 2)
    with pytest.raises(InsufficientCapacity) as refused:
        placement.place(vm)
    assert refused.value.explanation is not None
    placement.remember(vm, refused.value.explanation, fits=False)
    page = member.get(here(vm, "placement/")).text
    assert "Why it found no place" in page
    assert "The host could never hold a machine of this size." in page
    assert "3 hosts" in page
    page = operator().get(here(vm, "placement/")).text
    assert "What would help: Choose a smaller size." in page


def test_operators_see_every_host_of_the_zone_judged_by_pages(
    vm: VirtualMachine, member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert member.get(here(vm, "placement/hosts/")).status_code == 404
    Host.objects.filter(pk=Host.objects.order_by("pk")[0].pk).update(enabled=False)
    page = operator().get(here(vm, "placement/hosts/"))
    names = list(Host.objects.values_list("name", flat=True))
    assert all(name in page.text for name in names)
    assert "The host is disabled." in page.text
    assert "has room, score" in page.text
    first = Host.objects.order_by("pk")[0]
    following = operator().get(here(vm, f"placement/hosts/?after={first.uuid}"))
    assert first.name not in following.text
    assert operator().get(here(vm, "placement/hosts/?after=nonsense")).status_code == 404


def test_history_lists_what_was_done_and_by_whom(vm: VirtualMachine, member: Client) -> None:
    member.post(here(vm, "settings/"), {"kind": "vm.rename", "name": "renamed"})
    member.post(here(vm, "act/"), {"verb": "vm.start"})
    page = member.get(here(vm, "history/")).text
    assert f"{vm.name} → renamed" in page
    assert "Start" in page
    assert f"/events/{Event.objects.get(job__isnull=False).uuid}/" in page
    assert f'data-live="vm:{vm.uuid}"' in page
    other = factories.make_vm(vm.zone, account=vm.account, state=State.STOPPED)
    assert "renamed" not in member.get(here(other, "history/")).text


def test_settings_are_changed_one_by_one(vm: VirtualMachine, member: Client) -> None:
    offering = factories.make_offering(vcpus=2, memory_mib=2048)
    for sent in (
        {"kind": "vm.rename", "name": "new"},
        {"kind": "vm.tag", "tags": "env=prod\n owner = lab \n"},
        {"kind": "vm.protect", "protected": "on"},
        {"kind": "vm.change_offering", "offering": str(offering.uuid)},
    ):
        assert member.post(here(vm, "settings/"), sent).status_code == 302
    vm.refresh_from_db()
    assert (vm.name, vm.tags, vm.delete_protection) == ("new", {"env": "prod", "owner": "lab"}, True)
    assert vm.offering == offering
    assert Event.objects.filter(target_uuid=vm.uuid).count() == 4


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"kind": "vm.rename", "name": ""}, "This field is required."),
        ({"kind": "vm.rename", "name": "a\u202eb"}, "direction"),
        ({"kind": "vm.tag", "tags": "env=prod\nnonsense"}, "Line 2 is not of the form name=value."),
        ({"kind": "vm.tag", "tags": "env=a\nenv=b"}, "A tag is there twice."),
        ({"kind": "vm.change_offering", "offering": "nonsense"}, "is not a valid"),
    ],
)
def test_a_setting_that_cannot_be_says_so_at_its_field_and_keeps_what_was_typed(
    vm: VirtualMachine, member: Client, sent: dict[str, str], said: str
) -> None:
    answer = member.post(here(vm, "settings/"), sent)
    assert answer.status_code == 422
    assert said in answer.text
    assert not Event.objects.exists()
    if "tags" in sent:
        assert sent["tags"] in answer.text


def test_the_size_of_a_running_machine_is_not_changed_and_the_button_says_what_to_do(
    vm: VirtualMachine, member: Client
) -> None:
    on_a_host(vm)
    page = member.get(here(vm, "settings/")).text
    drawn = page[page.index('id="set-vm.change_offering"') :]
    assert 'aria-disabled="true"' in drawn[: drawn.index(">")]
    assert "this needs: Stopped" in drawn
    offering = factories.make_offering(vcpus=2)
    sent = {"kind": "vm.change_offering", "offering": str(offering.uuid)}
    assert member.post(here(vm, "settings/"), sent).status_code == 422
    assert member.post(here(vm, "settings/"), {"kind": "vm.start"}).status_code == 404
