"""Bad input is refused with code, place and remedy, and changes nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from apps.accounts.models import ApiToken
from apps.compute.models import VirtualMachine
from apps.jobs.models import Event
from apps.jobs.people import forget_unused
from apps.zones.models import Host, Pod, Zone
from tests import factories
from tests.api.client import code, reason
from tests.api.conftest import PUBLIC_KEY, Cast

HOSTILE = (
    "'; DROP TABLE compute_virtualmachine; --",
    "$(touch /tmp/pwned)",
    "`id`",
    "a && b || c; d | e > f < g",
    "<domain type='kvm'><name>x</name></domain>",
    '"]]><!--',
    "&lt;&amp;&#0;",
    "../../etc/passwd",
    "%s %d %(name)s {0} {name}",
    "-rf --help",
    "* ? [a] ~ \\ !",
    "{{ 7*7 }} {% debug %}",
)
RIGHT_TO_LEFT = "abc\u202egnp.exe"


def counts() -> dict[str, int]:
    """How many rows of what there are. A token's last use is no change."""
    return {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if model is not ApiToken and model._meta.app_label != "contenttypes"
    }


@pytest.fixture
def unchanged(cast: Cast) -> Iterator[Cast]:
    before = counts()
    yield cast
    assert counts() == before


NAMES = [
    ("x" * 10_000, "too_long"),
    ("x" * 101, "too_long"),
    ("", "blank"),
    ("   ", "blank"),
    ("a\nb", "control_character"),
    ("a\x1b[31mb", "control_character"),
    ("a\u200bb", "control_character"),
    ("a\ufffe", "control_character"),
    (RIGHT_TO_LEFT, "direction_mark"),
    ("\u200fx", "direction_mark"),
    (["a"], "not_text"),
    ({"a": 1}, "not_text"),
    (True, "not_text"),
]


@pytest.mark.parametrize(("text", "why"), NAMES, ids=lambda value: repr(value)[:20])
def test_a_name_that_nobody_could_read_is_refused(unchanged: Cast, text: Any, why: str) -> None:
    cast = unchanged
    answers = [
        cast.member.post("virtual-machines/", cast.wanted(name=text)),
        cast.member.post("ssh-keys/", {"name": text, "public_key": PUBLIC_KEY}),
        cast.operator.post("regions/", {"name": text}),
        cast.member.patch(f"virtual-machines/{cast.vm.uuid}/", {"name": text}),
    ]
    for answer in answers:
        assert code(answer) == (422, "invalid_input", "name")
        assert reason(answer)[1] == why


@pytest.mark.parametrize("text", HOSTILE)
def test_metacharacters_in_a_name_are_only_a_name(cast: Cast, text: str) -> None:
    """They are stored as they are; what reaches a host is the machine's uuid and a clean host name."""
    answer = cast.member.post("virtual-machines/", cast.wanted(name=text))
    assert answer.status_code == 202
    assert answer.json()["name"] == text
    vm = VirtualMachine.objects.get(uuid=answer.json()["id"])
    assert set(vm.hostname) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert vm.machine_name == f"i-{vm.uuid}"


@pytest.mark.parametrize("text", [*HOSTILE, RIGHT_TO_LEFT, "a\0b", "x" * 1000, "a b", "Ä"])
def test_no_metacharacter_gets_into_what_goes_to_a_host(unchanged: Cast, text: str) -> None:
    cast = unchanged
    pod = Pod.objects.get(zone=cast.zone)
    cluster = pod.clusters.first()
    assert cluster is not None
    base = {"zone": str(cast.zone.uuid), "name": "new"}
    network = {
        "cidr": "192.168.7.0/24",
        "gateway": "192.168.7.1",
        "guest_start": "192.168.7.10",
        "guest_end": "192.168.7.20",
        "bridge": "br0",
    }
    host = {"cluster": str(cluster.uuid), "name": "new", "address": ""}
    requests = [
        (cast.member, "virtual-machines/", cast.wanted(hostname=text), "hostname"),
        (cast.operator, "secondary-storages/", {**base, "path": text}, "path"),
        (cast.operator, "primary-storages/", {**base, "scope": "zone", "path": f"/srv/{text}"}, "path"),
        *(
            (cast.operator, "pods/", {**base, **network, place: text}, place)
            for place in ("cidr", "gateway", "guest_start", "guest_end")
        ),
        (cast.operator, "pods/", {**base, **network, "bridge": f"b;{text}"}, "bridge"),
        (cast.operator, "hosts/", {**host, "address": f"{text};"}, "address"),
        (cast.operator, "hosts/", {**host, "username": f"{text} x"}, "username"),
        (cast.operator, "hosts/", {**host, "uri": f"qemu:///system?command={text}"}, "uri"),
        (cast.operator, "hosts/", {**host, "host_key": text}, "host_key"),
        (cast.operator, "hosts/", {**host, "private_key": text}, "private_key"),
        (cast.operator, "hosts/", {**host, "extra": {"work_dir": f"/srv/../{text}"}}, "extra"),
        (cast.member, "ssh-keys/", {"name": "new", "public_key": f"ssh-ed25519 {text}"}, "public_key"),
    ]
    for api, path, body, place in requests:
        answer = api.post(path, body)
        if "\0" in text:
            assert code(answer)[:2] == (400, "malformed_request")
        else:
            status, problem, where = code(answer)
            assert (path, status, problem, where.partition(" ")[0]) == (path, 422, "invalid_input", place)


@pytest.mark.parametrize("text", ["-a", "a-", "a_b", "A", "a.b", "x" * 64])
def test_a_host_name_is_one_label(unchanged: Cast, text: str) -> None:
    answer = unchanged.member.post("virtual-machines/", unchanged.wanted(hostname=text))
    assert code(answer) == (422, "invalid_input", "hostname")


def test_a_multi_line_public_key_is_refused(unchanged: Cast) -> None:
    for text in (
        f"{PUBLIC_KEY}\n{PUBLIC_KEY}",
        f'command="id" {PUBLIC_KEY}',
        "-----BEGIN OPENSSH PRIVATE KEY-----",
    ):
        answer = unchanged.member.post("ssh-keys/", {"name": "new", "public_key": text})
        assert code(answer) == (422, "invalid_input", "public_key")


def test_an_offering_larger_than_any_host_is_refused(unchanged: Cast) -> None:
    huge = factories.make_offering(vcpus=1000, memory_mib=64)
    answer = unchanged.member.post("virtual-machines/", unchanged.wanted(offering=str(huge.uuid)))
    assert code(answer) == (422, "invalid_input", "offering")
    assert reason(answer)[1] == "offering_too_large"
    huge.delete()


def test_a_full_zone_says_why(unchanged: Cast) -> None:
    Host.objects.filter(zone=unchanged.zone).update(allocated_memory_mib=65536)
    for path in ("virtual-machines/", "virtual-machines/dry-run/"):
        answer = unchanged.member.post(path, unchanged.wanted())
        assert code(answer)[:2] == (409, "insufficient_capacity")
        assert reason(answer)[1] == "no_memory"


def test_a_disabled_zone_is_refused(unchanged: Cast) -> None:
    Zone.objects.filter(pk=unchanged.zone.pk).update(enabled=False)
    answer = unchanged.member.post("virtual-machines/", unchanged.wanted())
    assert code(answer) == (422, "invalid_input", "zone")
    assert reason(answer)[1] == "zone_disabled"


def test_a_used_up_quota_is_refused(unchanged: Cast) -> None:
    unchanged.operator.patch(f"quotas/{unchanged.account.uuid}/", {"vcpus": 1})

    Event.objects.filter(kind="quota.set").delete()
    forget_unused()
    answer = unchanged.member.post("virtual-machines/", unchanged.wanted())
    assert code(answer)[:2] == (409, "quota_exceeded")
    assert answer.json()["params"]["resource"] == "vcpus"


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("hello", "user_data", "unknown_header"),
        ("#cloud-config\na: b\n c: [", "user_data line 3", "not_yaml"),
        ("#cloud-config\na: 1\na: 2\n", "user_data line 3", "duplicate_key"),
        ("#cloud-config\n- a\n", "user_data", "not_a_mapping"),
        ("#cloud-config\na: " + "x" * 40_000, "user_data", "too_large"),
    ],
)
def test_user_data_that_a_guest_could_not_use_names_the_line(
    unchanged: Cast, text: str, place: str, why: str
) -> None:
    answer = unchanged.member.post("virtual-machines/", unchanged.wanted(user_data=text))
    assert answer.status_code == 422
    assert answer.json()["place"].startswith(place.partition(" ")[0])
    assert reason(answer)[1] == why
    if " " in place:
        assert answer.json()["place"].startswith("user_data line")


@pytest.mark.parametrize(
    ("change", "place", "why"),
    [
        ({"count": 0}, "count", "out_of_range"),
        ({"count": 101}, "count", "out_of_range"),
        ({"count": "5"}, "count", "not_a_number"),
        ({"count": True}, "count", "not_a_number"),
        ({"count": 1.5}, "count", "not_a_number"),
        ({"count": 2, "name": "a-%d-%d"}, "name", "pattern_numbers"),
        ({"count": 2, "name": "100%"}, "name", "pattern_numbers"),
        ({"count": 2, "hostname": "a"}, "hostname", "hostname_in_batch"),
        ({"count": 2, "start": -1}, "start", "out_of_range"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(
    unchanged: Cast, change: dict[str, Any], place: str, why: str
) -> None:
    answer = unchanged.member.post("virtual-machines/batch/", unchanged.wanted(**change))
    assert code(answer) == (422, "invalid_input", place)
    assert reason(answer)[1] == why


@pytest.mark.parametrize(
    ("change", "place", "why"),
    [
        ({"tags": {"a": 1}}, "a", "not_text"),
        ({"tags": {"a\nb": "c"}}, "tags", "control_character"),
        ({"tags": {str(n): "x" for n in range(51)}}, "tags", "not_tags"),
        ({"strategy": "odd"}, "strategy", "not_a_choice"),
        ({"start_paused": "yes"}, "start_paused", "not_a_boolean"),
        ({"ssh_keys": "x"}, "ssh_keys", "not_a_list"),
        ({"ssh_keys": [5]}, "ssh_keys", "not_a_uuid"),
    ],
)
def test_other_values_of_a_deploy(unchanged: Cast, change: dict[str, Any], place: str, why: str) -> None:
    answer = unchanged.member.post("virtual-machines/", unchanged.wanted(**change))
    assert answer.status_code == 422
    assert reason(answer)[1] == why
    assert place in answer.json()["place"] or not answer.json()["place"]


def test_keys_of_another_account_are_refused(unchanged: Cast) -> None:
    body = unchanged.wanted(ssh_keys=[str(unchanged.key.uuid)])
    assert code(unchanged.other.post("virtual-machines/", body)) == (404, "not_found", "ssh_keys")
    body["account"] = str(unchanged.other_account.uuid)
    answer = unchanged.operator.post("virtual-machines/", body)
    assert code(answer) == (422, "invalid_input", "ssh_keys")


def test_a_template_without_a_file_or_too_large_leaves_nothing(
    unchanged: Cast, settings: Any, tmp_path: Any
) -> None:
    form: dict[str, Any] = {"name": "new", "zone": str(unchanged.zone.uuid)}
    assert code(unchanged.operator.upload("templates/", form)) == (400, "malformed_request", "file")
    settings.TEMPLATE_MAX_BYTES = 1000
    answer = unchanged.operator.upload("templates/", {**form, "file": io.BytesIO(b"x" * 2000)})
    assert code(answer) == (413, "request_too_large", "file")
    type(unchanged.storage).objects.update(path="/proc/nowhere")
    answer = unchanged.operator.upload("templates/", {**form, "file": io.BytesIO(b"x")})
    assert code(answer)[:2] == (503, "storage_unavailable")


def test_a_taken_template_name_leaves_no_upload(cast: Cast) -> None:
    """The file that was staged for it is removed again."""

    account = cast.users["operator"].accounts.get()
    taken = factories.make_template(cast.zone, account)
    form = {"name": taken.name.upper(), "zone": str(cast.zone.uuid), "file": io.BytesIO(b"x")}
    assert code(cast.operator.upload("templates/", form)) == (409, "name_taken", "name")
    assert list((Path(cast.storage.path) / "incoming").iterdir()) == []
