"""Machine XML: golden files (REGENERATE_GOLDEN=1 writes them anew), and what strings cannot do."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.drivers.libvirt.specs import SPECS, parse
from workers.drivers.base import DiskSpec, NicSpec
from workers.drivers.errors import HypervisorRefused
from workers.drivers.libvirt.machine_xml import SPARE_PORTS, TAG_NAMESPACE, build_machine, read_tag

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", SPECS)
def test_the_xml_is_as_recorded(name: str) -> None:
    xml = build_machine(*SPECS[name])
    golden = GOLDEN / f"{name}.xml"
    if os.environ.get("REGENERATE_GOLDEN"):
        golden.write_text(xml)
    assert xml == golden.read_text()


def test_every_golden_file_has_its_machine() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(SPECS)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_a_string_stays_where_it_was_put(text: str) -> None:
    spec, host = SPECS["emulated"]
    disks = (DiskSpec(f"/pool/{text}", serial=text),)
    nics = (NicSpec(text, text),)
    root = parse(build_machine(replace(spec, title=text, disks=disks, nics=nics), host))
    assert root.findtext("title") == text
    assert root.find("devices/disk/source").get("file") == f"/pool/{text}"
    assert root.findtext("devices/disk/serial") == text
    assert root.find("devices/interface/source").get("bridge") == text
    original = parse(build_machine(spec, host))
    assert [element.tag for element in root.find("devices")] == [
        element.tag
        for element in original.find("devices")
        if element is not original.findall("devices/disk")[1]
        and element is not original.findall("devices/controller")[-1]
    ]


@pytest.mark.parametrize("text", ["\0", "a\x07b", "\ud800", "\ufffe"])
def test_what_xml_cannot_carry_is_refused(text: str) -> None:
    spec, host = SPECS["emulated"]
    with pytest.raises(HypervisorRefused):
        build_machine(replace(spec, title=text), host)


def test_more_disks_than_there_are_letters_are_refused() -> None:
    spec, host = SPECS["bare"]
    disks = [DiskSpec(f"/pool/{number}") for number in range(27)]
    build_machine(replace(spec, disks=disks[:26]), host)
    with pytest.raises(HypervisorRefused):
        build_machine(replace(spec, disks=disks), host)


@pytest.mark.parametrize("name", SPECS)
def test_ports_are_left_free_for_hot_plugging(name: str) -> None:
    devices = parse(build_machine(*SPECS[name])).find("devices")
    ports = devices.findall("controller[@model='pcie-root-port']")
    on_ports = ("disk", "interface", "channel", "memballoon", "rng")
    assert len(ports) - sum(len(devices.findall(tag)) for tag in on_ports) == SPARE_PORTS


def test_the_tag_names_the_machine() -> None:
    spec, host = SPECS["emulated"]
    (tag,) = parse(build_machine(spec, host)).find("metadata")
    assert tag.tag == f"{{{TAG_NAMESPACE}}}machine"
    assert read_tag(etree.tostring(tag, encoding="unicode")) == spec.uuid


CUT_OFF = "<a uuid='5f1c0f3e-6a1e-4c4b-9a53-0d4f7e3c8b21' "


@pytest.mark.parametrize("xml", ["", "<a", "<a/>", "<a uuid='x'/>", CUT_OFF])
def test_what_is_no_tag_names_nobody(xml: str) -> None:
    assert read_tag(xml) is None
