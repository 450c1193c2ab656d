"""The launch wizard: steps that are kept, judged as they are typed, reviewed, launched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.test import Client
from django.utils import timezone

from apps.accounts import secrets
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.launch import services
from apps.launch.apply import Applied, apply_document
from apps.launch.draft import compose
from apps.launch.models import Launch, ZoneDraft
from apps.storage.models import PrimaryStorage
from apps.zones.models import Cluster, Host, Pod, Zone
from tests import factories
from tests.portal.browsing import client_of
from tests.portal.launching import HOST_KEY, TYPED, fill, launched, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return factories.make_user(super_admin=True)


@pytest.fixture
def client(operator: User) -> Client:
    return client_of(operator)


def test_a_zone_is_launched_from_nothing(client: Client) -> None:
    assert "Begin" in page(client, "/launch/")
    launch = launched(client)
    assert (Zone.objects.get().name, Zone.objects.get().dns) == ("Zone1", ["10.0.0.2", "9.9.9.9"])
    assert Cluster.objects.get().cpu_overcommit_percent == 150
    hosts = [(host.name, host.address, host.port) for host in Host.objects.order_by("id")]
    assert hosts == [("kvm1", "10.1.0.11", 2222), ("10.1.0.12", "10.1.0.12", 2222)]
    pool = PrimaryStorage.objects.get()
    assert (pool.scope, pool.driver, pool.server, pool.path) == ("zone", "nfs", "nas", "/export/p")
    assert not ZoneDraft.objects.exists()
    text = page(client, f"/launch/{launch.uuid}/")
    assert "0 of 2" in text
    assert "It goes on by itself" in text


def test_a_trial_needs_no_host_at_all(client: Client) -> None:
    launched(
        client,
        cluster={"hypervisor": "simulator"},
        host={"count": "3", "hosts": ""},
        primary={"protocol": "directory", "scope": "host", "path": "/srv/local"},
    )
    assert list(Host.objects.values_list("name", "driver").order_by("id")) == [
        (f"simulated-{n}", "simulator") for n in (1, 2, 3)
    ]
    pools = PrimaryStorage.objects.order_by("id")
    assert [(pool.name, pool.scope) for pool in pools] == [
        (f"Primary1 simulated-{n}", "host") for n in (1, 2, 3)
    ]


def test_simulated_hosts_are_as_many_as_were_asked_for_or_it_is_told(client: Client) -> None:
    fill(client)
    client.post("/launch/steps/cluster/", {**TYPED["cluster"], "hypervisor": "simulator", "to": "next"})
    for count in ("many", "0", "", "501"):
        answer = client.post("/launch/steps/host/", {**TYPED["host"], "count": count, "to": "next"})
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["count"])
    body = {**TYPED["host"], "count": "500", "to": "next"}
    assert client.post("/launch/steps/host/", body).status_code == 302


def test_however_many_hosts_are_typed_none_is_left_out(client: Client) -> None:
    fill(client)
    hosts = "\n".join(f"kvm{n}.rack{n // 250}.example.org 10.9.{n // 250}.{n % 250}" for n in range(1, 801))
    body = {**TYPED["host"], "hosts": hosts, "to": "next"}
    assert client.post("/launch/steps/host/", body).status_code == 302
    sections = compose(ZoneDraft.objects.get().data)
    assert len(sections["hosts"]) == 800
    assert sections["hosts"][-1]["address"] == "10.9.3.50"


def test_a_review_of_much_says_how_much_more_there_is(client: Client) -> None:
    fill(
        client,
        cluster={"hypervisor": "simulator"},
        host={"count": "400", "hosts": ""},
        primary={"protocol": "directory", "scope": "cluster", "path": "/srv/shared"},
    )
    shown = client.get("/launch/review/")
    more = len(shown.context["plan"].changes) - len(shown.context["items"])
    assert more > 0
    assert f"and {more} more" in shown.content.decode()


def test_simulated_hosts_have_the_processor_of_their_cluster(client: Client) -> None:
    launched(
        client,
        cluster={"hypervisor": "simulator", "arch": "aarch64"},
        host={"count": "1", "hosts": ""},
        primary={"protocol": "directory", "scope": "cluster", "path": "/srv/shared"},
    )
    assert Host.objects.get().extra == {"arch": "aarch64"}


def test_this_machine_can_be_the_host(client: Client) -> None:
    launched(client, host={"where": "here", "hosts": ""})
    assert (Host.objects.get().name, Host.objects.get().address) == ("portal", "")


def test_what_was_typed_is_there_on_another_browser_and_after_the_session(
    client: Client, operator: User
) -> None:
    client.post("/launch/steps/zone/", {**TYPED["zone"], "name": "Ζώνη", "to": "next"})
    client.post("/launch/steps/pod/", {**TYPED["pod"], "gateway": "10.1.", "to": "back"})
    client.logout()
    other = Client()
    other.force_login(operator)
    assert "Ζώνη" in page(other, "/launch/")
    assert 'value="Ζώνη"' in page(other, "/launch/steps/zone/")
    pod = page(other, "/launch/steps/pod/")
    assert 'value="10.1."' in pod
    assert "This is not an IPv4 address" in pod
    stranger = Client()
    stranger.force_login(factories.make_user(super_admin=True))
    assert "Ζώνη" not in page(stranger, "/launch/")


def test_a_step_that_cannot_be_is_kept_and_told_beside_its_field(client: Client) -> None:
    client.post("/launch/steps/zone/", {**TYPED["zone"], "to": "next"})
    answer = client.post("/launch/steps/pod/", {**TYPED["pod"], "guest_end": "10.2.0.1", "to": "next"})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["guest_end"]
    assert "not a usable address of 10.1.0.0/24" in answer.content.decode()
    assert ZoneDraft.objects.get().data["pod"]["guest_end"] == "10.2.0.1"
    blank = client.post("/launch/steps/pod/", {"to": "next"})
    assert {"name", "gateway", "netmask", "guest_start"} <= set(blank.context["form"].errors)


@pytest.mark.parametrize(
    ("step", "typed", "field"),
    [
        ("zone", {"public_dns": "10.0.0.2, nine"}, "public_dns"),
        ("zone", {"name": "a\u200eb"}, "name"),
        ("pod", {"netmask": "255.0.255.0"}, "netmask"),
        ("pod", {"bridge": "br 0"}, "bridge"),
        ("pod", {"reserved_start": "10.1.0.150", "reserved_end": "10.1.0.160"}, "guest_start"),
        ("cluster", {"cpu_overcommit_percent": "many"}, "cpu_overcommit_percent"),
        ("cluster", {"memory_overcommit_percent": "50"}, "memory_overcommit_percent"),
        ("cluster", {"hypervisor": "xen"}, "hypervisor"),
        ("host", {"hosts": "10.1.0.11\n10.1.0.150"}, "hosts"),
        ("host", {"hosts": "10.1.0.11\n10.1.0.11"}, "hosts"),
        ("host", {"port": "99999"}, "port"),
        ("host", {"username": "R oot"}, "username"),
        ("primary", {"server": ""}, "server"),
        ("primary", {"path": "export"}, "path"),
        ("secondary", {"path": "/srv/../x"}, "path"),
    ],
)
def test_each_field_is_judged_as_it_is_typed(
    client: Client, step: str, typed: dict[str, str], field: str
) -> None:
    fill(client)
    answer = client.post(f"/launch/steps/{step}/check/", {**TYPED[step], **typed})
    assert answer.status_code == 200
    errors = answer.context["form"].errors
    assert (field in errors) or (field == "server" and not errors), errors  # a blank is no fault yet
    assert ZoneDraft.objects.get().data[step] != {**TYPED[step], **typed}
    if field != "server":
        assert answer.content.decode().count('class="fault"') >= 1
    assert client.post(f"/launch/steps/{step}/", {**TYPED[step], **typed, "to": "next"}).status_code == 422


def test_while_typing_a_blank_field_is_no_fault_yet(client: Client) -> None:
    answer = client.post("/launch/steps/pod/check/", {"name": "Pod1", "gateway": "10.1.0.1"})
    assert answer.context["form"].errors == {}
    assert 'id="id_gateway_error"' in answer.content.decode()


def test_the_line_of_a_host_is_named(client: Client) -> None:
    fill(client)
    answer = client.post("/launch/steps/host/check/", {**TYPED["host"], "hosts": "10.1.0.11\n10.1.0.300"})
    assert "Line 2: This is not an IPv4 address." in str(answer.context["form"].errors)


def test_the_review_warns_and_leads_to_what_is_wrong(client: Client) -> None:
    fill(client, pod={"reserved_start": "10.1.0.10", "reserved_end": "10.1.0.20"})
    text = page(client, "/launch/review/")
    assert "It can be launched, but this looks odd" in text
    assert "10.1.0.11 (host kvm1)" in text
    client.post("/launch/steps/pod/", {**TYPED["pod"], "guest_start": "10.1.0.5", "to": "next"})
    text = page(client, "/launch/review/")
    assert "It cannot be launched like this" in text
    assert 'href="/launch/steps/host/"' in text
    assert client.post("/launch/review/", {"digest": ""}).status_code == 200
    assert not Zone.objects.exists()


def test_only_what_was_reviewed_is_launched(client: Client) -> None:
    fill(client)
    digest = client.get("/launch/review/").context["plan"].digest
    client.post("/launch/steps/cluster/", {**TYPED["cluster"], "name": "Other", "to": "next"})
    answer = client.post("/launch/review/", {"digest": digest})
    assert "has changed since this plan was made" in answer.content.decode()
    assert not Zone.objects.exists()


def test_what_another_window_changes_while_it_is_launched_stays_a_draft(
    client: Client, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client)
    seen = client.get("/launch/review/").context["plan"].digest

    def applied(*given: Any, **more: Any) -> Applied:
        done = apply_document(*given, **more)
        services.save_step(Actor(operator), "zone", TYPED["zone"] | {"name": "Zone2"})
        return done

    monkeypatch.setattr(services, "apply_document", applied)
    answer = client.post("/launch/review/", {"digest": seen})
    assert answer["Location"] == f"/launch/{Launch.objects.get().uuid}/"
    assert Zone.objects.get().name == "Zone1"
    kept = ZoneDraft.objects.get().data
    assert kept["zone"]["name"] == "Zone2"
    assert set(kept) == set(TYPED)
    assert "kept as a draft" in page(client, answer["Location"])


def test_a_review_before_all_is_filled_in_leads_to_what_is_missing(client: Client) -> None:
    client.post("/launch/steps/zone/", {**TYPED["zone"], "to": "next"})
    assert client.get("/launch/review/")["Location"] == "/launch/steps/pod/"
    assert client.get("/launch/steps/host/")["Location"] == "/launch/steps/pod/"


def test_a_private_key_is_kept_sealed_used_and_never_shown(client: Client) -> None:
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    fill(client)
    broken = client.post("/launch/steps/host/", {**TYPED["host"], "key": "own", "private_key": "no key"})
    assert list(broken.context["form"].errors) == ["private_key"]
    missing = client.post("/launch/steps/host/", {**TYPED["host"], "key": "own", "to": "next"})
    assert list(missing.context["form"].errors) == ["private_key"]
    review = client.get("/launch/review/")
    client.post("/launch/review/", {"digest": review.context["plan"].digest})
    assert not Host.objects.exists(), "the portal's own key is not what was chosen"
    fill(client, host={"key": "own", "private_key": text.replace("\n", "\r\n")})  # as browsers send it
    draft = ZoneDraft.objects.get()
    secret = text.splitlines()[1]
    assert secret not in str(draft.data) + draft.private_key
    assert secret not in page(client, "/launch/steps/host/") + page(client, "/launch/yaml/")
    review = client.get("/launch/review/")
    assert "CLOUDPORTAL_HOST_PRIVATE_KEY" in review.content.decode()
    assert secret not in review.content.decode()
    client.post("/launch/review/", {"digest": review.context["plan"].digest})
    host = Host.objects.order_by("id")[0]
    assert secrets.unseal(Host, host.uuid, "private_key", host.private_key).strip() == text.strip()


def test_the_portals_own_key_is_shown_with_the_line_that_puts_it_there(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.PORTAL_KEY_PATH = tmp_path / "portal_ed25519"
    (tmp_path / "portal_ed25519.pub").write_text(f"{HOST_KEY} portal\n")
    line = f"echo &#x27;{HOST_KEY} portal&#x27; &gt;&gt; ~/.ssh/authorized_keys"
    assert line in page(client, "/launch/")
    fill(client)
    assert line in page(client, "/launch/steps/host/")


def test_the_yaml_is_a_click_away_and_means_the_same(client: Client) -> None:
    fill(client)
    answer = client.get("/launch/yaml/?download")
    assert answer["Content-Disposition"] == 'attachment; filename="Zone1.yaml"'
    text = answer.content.decode()
    shown = client.post("/launch/document/", {"document": text})
    assert [item.name for item in shown.context["plan"].changes] == [
        item.name for item in client.get("/launch/review/").context["plan"].changes
    ]


def test_a_draft_is_thrown_away_when_that_is_confirmed(client: Client) -> None:
    fill(client)
    assert "Throw the draft away?" in page(client, "/launch/discard/")
    assert ZoneDraft.objects.exists()
    client.post("/launch/discard/")
    assert not ZoneDraft.objects.exists()


def test_a_draft_that_nobody_goes_on_with_is_forgotten(client: Client) -> None:
    fill(client)
    ZoneDraft.objects.update(expires_at=timezone.now())
    assert "Begin" in page(client, "/launch/")
    assert not ZoneDraft.objects.exists()


def test_to_everybody_else_there_is_nothing(client: Client) -> None:
    launch = launched(client)
    host, zone = Host.objects.order_by("id")[0], Zone.objects.get()
    member = Client()
    member.force_login(factories.make_user(factories.make_account()))
    for path in (
        "/launch/",
        "/launch/steps/zone/",
        "/launch/review/",
        "/launch/yaml/",
        "/launch/discard/",
        "/launch/document/",
        f"/launch/zones/{zone.uuid}/document/",
        f"/launch/{launch.uuid}/",
        f"/launch/{launch.uuid}/live/",
        f"/launch/{launch.uuid}/hosts/{host.uuid}/",
    ):
        assert member.get(path).status_code == 404
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"].startswith("/login/")) == (302, True)
    for path in ("/launch/steps/pod/check/", f"/launch/{launch.uuid}/act/", "/launch/review/"):
        assert member.post(path, {"verb": "host", "id": str(host.uuid)}).status_code == 404
    assert Pod.objects.count() == 1
