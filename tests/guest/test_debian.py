"""What cloud-init makes of our seeds, in a full Debian guest under QEMU's own emulation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from tests.guest.machine import ADDRESS, DNS, GATEWAY, MAC, Machine
from workers.seed import SeedNic, SeedSpec, build_seed

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]

KEY = paramiko.ECDSAKey.generate()
SECOND_MAC = "52:54:00:12:34:57"

USER_DATA = """#cloud-config
write_files:
- {path: /etc/written, content: by cloud-init}
runcmd:
- [sh, -c, 'echo cloud-init is through > /dev/console']
"""


@pytest.fixture(scope="module")
def guest(debian_image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    cards = [
        SeedNic(SECOND_MAC, "192.168.77.5/24", mtu=1400),
        SeedNic(MAC, f"{ADDRESS}/24", GATEWAY, (DNS,), 1442),
    ]
    seed = SeedSpec(
        instance_id="i-0001",
        hostname="web-1",
        ssh_keys=[f"{KEY.get_name()} {KEY.get_base64()} tester"],
        user="jane",
        user_data=USER_DATA,
        networks=cards,
    )
    folder = tmp_path_factory.mktemp("debian")
    machine = Machine(debian_image, folder, build_seed(seed), memory_mib=512, more_nics=[SECOND_MAC])
    machine.wait_for_console("cloud-init is through", seconds=400)
    yield machine
    machine.close()


def test_cloud_init_ends_without_errors(guest: Machine) -> None:
    wait = "cloud-init status --wait > /dev/null"
    result = json.loads(guest.ssh(f"{wait}; cat /run/cloud-init/result.json", KEY, user="jane"))["v1"]
    assert result["errors"] == []
    assert result["datasource"].startswith("DataSourceNoCloud")


def test_the_key_of_the_meta_data_lets_in_the_user_of_the_vendor_data(guest: Machine) -> None:
    said = guest.ssh("whoami; hostname; sudo -n whoami", KEY, user="jane").split()
    assert said == ["jane", "web-1", "root"]


def test_the_users_own_data_is_run(guest: Machine) -> None:
    assert guest.ssh("cat /etc/written", KEY, user="jane") == "by cloud-init"


def test_cards_get_their_addresses_by_mac_and_their_names_by_order(guest: Machine) -> None:
    links = json.loads(guest.ssh("ip -json addr", KEY, user="jane"))
    cards = {link["ifname"]: (link["address"], link["mtu"], link["addr_info"][0]["local"]) for link in links}
    assert cards["eth0"] == (SECOND_MAC, 1400, "192.168.77.5")
    assert cards["eth1"] == (MAC, 1442, ADDRESS)
    routes = json.loads(guest.ssh("ip -json route show default", KEY, user="jane"))
    assert [(route["gateway"], route["dev"]) for route in routes] == [(GATEWAY, "eth1")]
    assert DNS in guest.ssh("resolvectl dns eth1", KEY, user="jane")


def test_the_agent_answers_and_sets_passwords(guest: Machine) -> None:
    with guest.agent() as agent:
        assert agent.call("guest-ping") == {}
        agent.call("guest-set-user-password", username="jane", password="c2VjcmV0", crypted=False)
    assert guest.ssh("sudo -n passwd --status jane", KEY, user="jane").split()[1] == "P"


def test_a_new_kernel_reaches_the_partition_that_is_booted_from(guest: Machine) -> None:
    hook = "/etc/kernel/postinst.d/zz-boot-partition"
    boot = "/boot/syslinux/vmlinuz"
    guest.ssh(f"sudo -n sh -ec 'echo > {boot}; {hook}; cmp {boot} /vmlinuz'", KEY, user="jane")


def test_the_hosts_power_button_turns_the_guest_off(guest: Machine) -> None:
    guest.qmp.call("system_powerdown")
    guest.wait_until_off(120)
