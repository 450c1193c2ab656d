"""libvirt itself accepts the XML: by its schema, and by defining it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.drivers.libvirt.specs import SPECS, parse
from tests.lab import Lab
from workers.drivers.libvirt.machine_xml import build_machine

pytestmark = pytest.mark.lab
libvirt: Any = pytest.importorskip("libvirt")

SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")


@pytest.fixture(scope="module")
def schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(SCHEMA))


@pytest.mark.parametrize("name", SPECS)
def test_the_xml_follows_the_schema(schema: etree.RelaxNG, name: str) -> None:
    schema.assertValid(etree.fromstring(build_machine(*SPECS[name])))


def test_the_schema_finds_what_is_wrong(schema: etree.RelaxNG) -> None:
    root = parse(build_machine(*SPECS["emulated"]))
    root.find("devices/disk/target").set("bus", "nonsense")
    assert not schema.validate(root)


@pytest.mark.parametrize("name", SPECS)
def test_libvirt_defines_what_it_has_validated(lab: Lab, name: str) -> None:
    socket = lab.hosts[0].seen("/run/libvirt/libvirt-sock")
    connection = libvirt.open(f"qemu+unix:///system?socket={socket}")
    spec, host = SPECS[name]
    machine = connection.defineXMLFlags(build_machine(spec, host), libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
    try:
        assert machine.UUIDString() == str(spec.uuid)
        kept = parse(machine.XMLDesc(0))
        assert kept.find("os/type").get("machine").startswith("pc-q35-")
        assert kept.find("memory").text == str(spec.memory_mib * 1024)
    finally:
        machine.undefine()
        connection.close()
