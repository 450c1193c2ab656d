"""A zone's document: what it means, and what is said of one that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.messages import explain
from apps.core.names import fold
from apps.launch import reader
from apps.launch.document import Document
from apps.launch.findings import MAX_FINDINGS, Findings, Level
from apps.launch.judge import MAX_PODS, judge
from apps.launch.reader import read_document
from apps.launch.yaml_tree import MAX_BYTES

CAMPUS = (Path(__file__).parent / "campus.yaml").read_text()
ZONE = "region: {name: R}\nzone: {name: Z}\n"
POOL = "primary_storage: {name: s, path: /srv, "
POD = "pod: {name: P, gateway: 10.1.0.1, netmask: 255.255.0.0, guest: {start: 10.1.1.0, end: 10.1.1.255}}\n"


def read(text: str) -> tuple[Document | None, Findings]:
    document, findings = read_document(text)
    if document is not None:
        judge(document, findings)
    return document, findings


def told(text: str, level: Level = Level.REFUSED) -> list[tuple[str, int, str]]:
    """Place, line and reason of each finding of this level."""
    _document, findings = read(text)
    return [(one.place, one.line, one.params["reason"]) for one in findings if one.level is level]


def test_a_real_deployment_is_read_as_it_stands() -> None:
    document, findings = read(CAMPUS)
    assert document is not None
    assert not findings.refuse
    assert (document.zone.region, document.zone.name, document.zone.network_type) == (
        "Athens",
        "Zone1",
        "Basic",
    )
    (pod,) = document.pods
    assert (pod.cidr, pod.reserved) == ("192.168.10.0/24", ("192.168.10.10", "192.168.10.20"))
    overcommit = [(one.name, one.pod, one.memory_overcommit_percent) for one in document.clusters]
    assert overcommit == [("Cluster1", "Pod1", 100), ("Cluster2", "Pod1", 200)]
    assert [(one.cluster, one.address) for one in document.hosts] == [
        ("Cluster1", "192.168.10.16"),
        ("Cluster2", "192.168.10.231"),
        ("Cluster2", "192.168.10.232"),
        ("Cluster2", "192.168.10.233"),
    ]
    pools = [(one.name, one.scope, one.driver, one.server) for one in document.primaries]
    assert pools[0] == ("Primary1", "zone", "nfs", "192.168.10.245")
    assert [pool[:3] for pool in pools[1:]] == [
        (name, "cluster", "gluster") for name in ("engine", "data", "vmstore")
    ]
    assert document.primaries[2].settings["arbiter"] == "1"
    assert document.primaries[2].settings["network.remote-dio"] == "off"


def test_what_is_odd_is_told_and_what_is_no_infrastructure_left_out() -> None:
    ignored = [(place, reason) for place, _line, reason in told(CAMPUS, Level.IGNORED)]
    assert ignored == [
        ("gluster_cluster.management", "management_elsewhere"),
        ("gluster_cluster.volumes", "volumes_built_elsewhere"),
        ("production_vms", "not_infrastructure"),
        ("example_vm", "not_infrastructure"),
        ("ports", "not_infrastructure"),
    ]
    _document, findings = read(CAMPUS)
    (odd,) = [one for one in findings if one.level is Level.WARNING]
    words = explain(odd.code, odd.params)
    assert "192.168.10.16 (host srvr1.cloud.priv, public_dns, internal_dns)" in words.detail
    assert "192.168.10.10 to 192.168.10.20" in words.detail


@pytest.mark.parametrize(
    ("text", "place", "line", "reason"),
    [
        ("", "document", 0, "document_empty"),
        ("a: ]", "document", 1, "not_yaml"),
        ("a: &x [1]\nb: *x", "document", 2, "yaml_alias"),
        ("zone: {name: a}\nzone: {name: b}", "document", 2, "document_key_twice"),
        ("[" * 100_000, "document", 1, "document_too_deep"),
        ("a: 1\n---\nb: 2", "document", 2, "several_documents"),
        ("x" * (MAX_BYTES + 1), "document", 0, "document_too_large"),
        ("a: \x00", "document", 1, "not_yaml"),
        ("- 1", "", 1, "not_a_mapping"),
        (ZONE + "colour: red", "colour", 3, "unknown_field"),
        (ZONE + "pod: {name: P}", "pod.gateway", 3, "required"),
        (ZONE + "hosts: {name: h}", "hosts", 3, "not_a_sequence"),
        (ZONE + POD.replace("10.1.1.255", "10.2.0.0"), "pod.guest.end", 3, "outside_subnet"),
        (ZONE + POD.replace("10.1.0.1,", "10.1.1.9,"), "pod.guest.start", 3, "range_holds_gateway"),
        (ZONE + POD.replace("255.255.0.0", "255.0.255.0"), "pod.netmask", 3, "not_a_netmask"),
        (ZONE + POD + "cluster: {name: C, pod: Q}", "cluster.pod", 4, "no_such_part"),
        (ZONE + POD + "host: {name: h}", "host.cluster", 4, "which_part"),
        (ZONE + POOL + "server: nas}", "primary_storage.server", 3, "server_without_protocol"),
        (ZONE + POOL + "protocol: NFS}", "primary_storage.server", 3, "required"),
        (ZONE + POOL + "scope: host}", "primary_storage.scope", 3, "scope_and_owner"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(text: str, place: str, line: int, reason: str) -> None:
    assert (place, line, reason) in told(text)


def test_pods_do_not_overlap_and_names_and_addresses_stand_once() -> None:
    second = POD.replace("pod:", "pods: [").replace("}}", "}}]").replace("10.1.1", "10.1.2")
    text = ZONE + POD + second + "cluster: {name: C, pod: P}\n"
    hosts = "hosts:\n- {name: h, address: 10.9.0.1}\n- {name: H, address: 10.9.0.1}\n"
    reasons = {reason for _place, _line, reason in told(text + hosts)}
    assert reasons == {"name_twice", "subnet_overlaps", "address_twice"}


def test_nothing_that_has_an_address_has_one_that_a_guest_could_get() -> None:
    text = ZONE + POD + "cluster: {name: C}\nhost: {name: h, address: 10.1.1.7}\n"
    assert told(text) == [("host.address", 5, "address_in_guest_range")]


def test_a_document_of_any_length_is_judged_in_time_and_told_in_bounds() -> None:
    pods = "".join(f"- {POD[5:].strip()}\n".replace("name: P", f"name: P{n}") for n in range(MAX_PODS + 1))
    assert told(f"{ZONE}pods:\n{pods}") == [("pods", 2, "too_many_pods")]
    unknown = "".join(f"x{n}: 1\n" for n in range(5000))
    assert len(told(ZONE + unknown)) == MAX_FINDINGS


def test_a_pool_for_each_host_is_read_without_comparing_each_with_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folded: list[str] = []

    def counted(name: str) -> str:
        folded.append(name)
        return fold(name)

    monkeypatch.setattr(reader, "fold", counted)
    counts = []
    for number in (10, 20):
        hosts = "".join(f"- {{name: h{n}, address: 10.9.0.{n + 1}}}\n" for n in range(number))
        pools = "".join(f"- {{name: p{n}, host: h{n}, path: /srv/p}}\n" for n in range(number))
        folded.clear()
        text = f"{ZONE}{POD}cluster: {{name: C}}\nhosts:\n{hosts}primary_storages:\n{pools}"
        document, findings = read(text)
        assert document is not None
        assert not findings.refuse
        assert [pool.cluster for pool in document.primaries] == ["C"] * number
        counts.append(len(folded))
    assert counts[1] <= 2 * counts[0]


def test_every_finding_has_words() -> None:
    _document, findings = read(ZONE + "pod: {gateway: x}\nports: {}\n")
    for one in findings:
        assert explain(one.code, one.params).detail not in ("", explain(one.code).title)


@given(text=st.text(max_size=200))
def test_no_text_is_more_than_refused(text: str) -> None:
    for prefix in ("", ZONE, ZONE + "pod: "):
        document, findings = read(prefix + text)
        assert document is not None or findings.refuse


@pytest.mark.parametrize(
    "scalar",
    ['!!int ""', '!!int "_"', '!!float ""', '!!bool "x"', '!!timestamp "x"', "1:1:" + "1:" * 300 + "1.0"],
)
def test_a_scalar_that_means_nothing_is_told_with_its_line(scalar: str) -> None:
    assert told(f"region: {{name: A}}\nzone: {{name: {scalar}}}\n") == [("document", 2, "not_yaml")]
