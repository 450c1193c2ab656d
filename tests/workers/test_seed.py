"""Rules of NoCloud seeds: what a guest reads, and that equal specs give equal bytes."""

from __future__ import annotations

import io
import time
from typing import Any

import pycdlib
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workers.seed import SeedNic, SeedSpec, build_seed

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB" + "x" * 400 + " jane@lab: a 'comment' # with signs"
STATIC = SeedNic("52:54:00:00:00:01", "10.9.0.5/24", "10.9.0.1", ("10.9.0.1", "9.9.9.9"), 1442)
DHCP = SeedNic("52:54:00:00:00:02")


def read(image: bytes, *, by: str = "rr") -> dict[str, bytes]:
    """The files of an ISO image, by their Rock Ridge ("rr") or Joliet ("joliet") names."""
    iso = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(image))
    files = {}
    for record in iso.list_children(**{f"{by}_path": "/"}):
        if record.is_dot() or record.is_dotdot():
            continue
        raw = (
            record.rock_ridge.name() if by == "rr" else record.file_identifier().decode("utf-16-be").encode()
        )
        out = io.BytesIO()
        iso.get_file_from_iso_fp(out, **{f"{by}_path": "/" + raw.decode()})
        files[raw.decode()] = out.getvalue()
    iso.close()
    return files


def documents(spec: SeedSpec) -> dict[str, Any]:
    return {
        name: yaml.safe_load(data) for name, data in read(build_seed(spec)).items() if name != "user-data"
    }


def test_the_label_is_the_one_that_cloud_init_looks_for() -> None:
    image = build_seed(SeedSpec("i-1", "web"))
    assert image[32808:32840].rstrip() == b"cidata"


@pytest.mark.parametrize("by", ["rr", "joliet"])
def test_a_guest_finds_the_files_by_their_real_names(by: str) -> None:
    spec = SeedSpec("i-1", "web", ssh_keys=[KEY], user="jane", user_data="#!/bin/sh\n", networks=[STATIC])
    assert set(read(build_seed(spec), by=by)) == {"meta-data", "user-data", "vendor-data", "network-config"}


def test_meta_data_names_the_machine_and_its_keys() -> None:
    meta = documents(SeedSpec("i-1", "web", ssh_keys=[KEY]))["meta-data"]
    assert meta == {"instance-id": "i-1", "local-hostname": "web", "public-keys": [KEY]}


def test_a_value_never_spans_lines_because_the_tiny_guest_reads_by_line() -> None:
    meta = read(build_seed(SeedSpec("i-1", "web", ssh_keys=[KEY])))["meta-data"].decode()
    assert len(meta.splitlines()) == 4


def test_the_default_user_is_named_in_vendor_data_so_that_user_data_can_overrule_it() -> None:
    vendor = read(build_seed(SeedSpec("i-1", "web", user="jane")))["vendor-data"]
    assert vendor.startswith(b"#cloud-config\n")
    assert yaml.safe_load(vendor) == {"user": {"name": "jane"}}


def test_networks_are_matched_by_mac_and_named_in_order() -> None:
    config = documents(SeedSpec("i-1", "web", networks=[STATIC, DHCP]))["network-config"]
    assert config == {
        "version": 2,
        "ethernets": {
            "eth0": {
                "match": {"macaddress": "52:54:00:00:00:01"},
                "set-name": "eth0",
                "dhcp4": False,
                "addresses": ["10.9.0.5/24"],
                "routes": [{"to": "0.0.0.0/0", "via": "10.9.0.1"}],
                "nameservers": {"addresses": ["10.9.0.1", "9.9.9.9"]},
                "mtu": 1442,
            },
            "eth1": {"match": {"macaddress": "52:54:00:00:00:02"}, "set-name": "eth1", "dhcp4": True},
        },
    }


def test_an_ipv6_gateway_is_the_default_route_of_ipv6() -> None:
    nic = SeedNic("52:54:00:00:00:01", "2001:db8::5/64", "2001:db8::1")
    config = documents(SeedSpec("i-1", "web", networks=[nic]))["network-config"]
    assert config["ethernets"]["eth0"]["routes"] == [{"to": "::/0", "via": "2001:db8::1"}]


def test_without_cards_no_network_is_configured() -> None:
    assert "network-config" not in documents(SeedSpec("i-1", "web"))


@given(st.one_of(st.binary(max_size=40_000), st.text(st.characters(codec="utf-8"))))
def test_user_data_stays_the_users_own_bytes(user_data: str | bytes) -> None:
    expected = user_data.encode() if isinstance(user_data, str) else user_data
    assert read(build_seed(SeedSpec("i-1", "web", user_data=user_data)))["user-data"] == expected


def test_equal_specs_give_equal_bytes_at_any_time_in_any_zone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = SeedSpec("i-1", "web", [KEY], "jane", "#!/bin/sh\n" + "true\n" * 3000, [STATIC, DHCP])
    images = set()
    for clock, zone in ((1.0e9, "UTC"), (1.7e9, "Asia/Tokyo"), (1.8e9, "America/New_York")):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        monkeypatch.setattr(time, "time", lambda clock=clock: clock)
        images.add(build_seed(spec))
        monkeypatch.undo()
        time.tzset()
    assert len(images) == 1


def test_another_instance_gives_other_bytes() -> None:
    assert build_seed(SeedSpec("i-1", "web")) != build_seed(SeedSpec("i-2", "web"))


def test_user_data_does_not_show_when_a_spec_is_printed() -> None:
    assert "hunter2" not in repr(SeedSpec("i-1", "web", user_data="#!/bin/sh\necho hunter2"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"instance_id": ""},
        {"instance_id": "i\n1"},
        {"hostname": "Web Server"},
        {"hostname": "-web"},
        {"hostname": "a" * 64},
        {"hostname": "web\n"},
        {"user": "Jane: x"},
        {"ssh_keys": [""]},
        {"ssh_keys": ["ssh-ed25519 AAAA\nssh-rsa BBBB"]},
    ],
)
def test_a_spec_that_a_guest_could_misread_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        SeedSpec(**({"instance_id": "i-1", "hostname": "web"} | wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        {"mac": "52:54:00"},
        {"mac": "52:54:00:00:00:0G"},
        {"address": "10.0.0.300/24"},
        {"address": "10.0.0.3"},
        {"gateway": "gw"},
        {"dns": ["10.0.0.1; reboot"]},
        {"mtu": 100},
    ],
)
def test_a_card_that_a_guest_could_misread_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        SeedNic(**({"mac": "52:54:00:00:00:01"} | wrong))
