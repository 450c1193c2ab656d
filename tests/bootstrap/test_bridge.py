import ipaddress
import os
import subprocess
import sys

import pytest

from bootstrap import bridge
from bootstrap.failures import CheckFailed
from tests.architecture.tree import ROOT

Net = ipaddress.IPv4Network


def test_the_first_subnet_that_no_route_touches_is_taken() -> None:
    assert bridge.free_subnet([]) == Net("10.77.0.0/24")
    assert bridge.free_subnet([Net("10.77.0.128/25"), Net("10.77.1.7/32")]) == Net("10.77.2.0/24")


def test_a_machine_that_routes_all_candidates_is_told_so() -> None:
    with pytest.raises(CheckFailed) as caught:
        bridge.free_subnet([Net("10.0.0.0/8")])
    assert caught.value.repair == "ip -4 route show table all"


IN_A_NAMESPACE = """
from pathlib import Path
from bootstrap.bridge import Bridge, free_name, free_subnet, taken_subnets
first = free_name()
subnet = str(free_subnet(taken_subnets()))
made = Bridge(first, subnet, "here")
assert not made.is_up()
made.create()
made.create()
assert made.is_up(), "up"
assert made.subnet in taken_subnets(), "its route counts as taken"
assert free_name() != first
assert not any(Path(f"/sys/class/net/{first}/brif").iterdir()), "no uplink"
Bridge(first, subnet, "another").remove()
assert made.is_up(), "another installation's bridge is left alone"
made.remove()
assert not Path(f"/sys/class/net/{first}").exists()
made.remove()
"""


@pytest.mark.lab
def test_a_bridge_is_made_once_and_removed_only_by_its_owner() -> None:
    assert os.geteuid() == 0
    script = 'mount -t sysfs sysfs /sys && ip link set lo up && exec "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", script, sys.executable, IN_A_NAMESPACE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
