"""Rules of the tiny guest, tried on the image itself under QEMU's own emulation."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import paramiko
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from guest.packages import PackageCache, read_list
from guest.run import BuildFailed
from guest.tiny import build
from tests.guest.conftest import CACHE
from tests.guest.machine import ADDRESS, DNS, GATEWAY, MAC, Machine, wait_for
from workers.seed import SeedNic, SeedSpec, build_seed

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
KEY = paramiko.ECDSAKey.generate()
STRANGER = paramiko.ECDSAKey.generate()
SECOND_MAC = "52:54:00:12:34:57"
STATIC = SeedNic(MAC, f"{ADDRESS}/24", GATEWAY, (DNS,), 1442)

CLOUD_CONFIG = r"""#cloud-config
packages: [git]
write_files:
- path: /srv/data/plain
  permissions: '0640'
  content: |
    key: "value" \n # no comment
      deeper	tab

- {path: /srv/data/encoded, encoding: b64, content: aGVsbG8=}
runcmd:
- [sh, -c, 'echo "one two" >> /srv/data/ran']
- echo $((1 + 2)) >> /srv/data/ran
"""


def public_line(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()} tester"


def spec(instance: str = "i-0001", key: paramiko.PKey = KEY, **more: Any) -> SeedSpec:
    values: dict[str, Any] = {"hostname": "web-1.lab", "user": "jane", "networks": [STATIC]} | more
    return SeedSpec(instance_id=instance, ssh_keys=[public_line(key)], **values)


Boot = Callable[..., Machine]


@pytest.fixture(scope="module")
def boot_module(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boot]:
    yield from _booter(image, tmp_path_factory.mktemp("guest"))


@pytest.fixture
def boot(image: Path, tmp_path: Path) -> Iterator[Boot]:
    yield from _booter(image, tmp_path)


def _booter(image: Path, folder: Path) -> Iterator[Boot]:
    machines = []

    def boot(seed: SeedSpec | None, **options: Any) -> Machine:
        machines.append(Machine(image, folder, build_seed(seed) if seed else None, **options))
        return machines[-1]

    yield boot
    for machine in machines:
        machine.close()


@pytest.fixture(scope="module")
def guest(boot_module: Boot) -> Machine:
    """One guest for all tests that leave it as it was."""
    second = SeedNic(SECOND_MAC, "192.168.77.5/24", mtu=1400)
    machine = boot_module(spec(networks=[second, STATIC], user_data=CLOUD_CONFIG), more_nics=[SECOND_MAC])
    machine.wait_for_console(r"^cloudportal guest user-data: ")
    return machine


def test_the_console_says_once_and_on_its_own_line_that_the_guest_is_ready(guest: Machine) -> None:
    name, address, _ = guest.wait_until_ready().groups()
    assert (name, address) == ("web-1.lab", ADDRESS)
    assert guest.console().count("guest ready") == 1


def test_the_web_page_says_who_the_guest_is(guest: Machine) -> None:
    page = guest.page()
    for fact in ("web-1.lab", "i-0001", ADDRESS):
        assert f">{fact}<" in page


@pytest.mark.parametrize("user", ["root", "jane"])
def test_the_seeds_key_lets_in_root_and_the_named_user(guest: Machine, user: str) -> None:
    assert guest.ssh("whoami; hostname", KEY, user=user).split() == [user, "web-1.lab"]


def test_another_key_is_refused(guest: Machine) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        guest.ssh("true", STRANGER)


def test_passwords_are_no_way_in_over_ssh(guest: Machine) -> None:
    with pytest.raises(paramiko.BadAuthenticationType), guest.ssh_client("root", password=""):
        pass


def test_cards_are_matched_by_mac_and_not_by_their_order_in_the_seed(guest: Machine) -> None:
    links = guest.ssh("ip -o link; ip -o -4 addr; ip route; cat /etc/resolv.conf", KEY)
    for card, mtu, address in (("eth0", 1442, f"{ADDRESS}/24"), ("eth1", 1400, "192.168.77.5/24")):
        assert re.search(rf"{card}: .* mtu {mtu} ", links)
        assert re.search(rf"{card} +inet {address} ", links)
    assert f"default via {GATEWAY} dev eth0" in links
    assert f"nameserver {DNS}" in links


def test_every_file_is_roots_but_the_users_home(guest: Machine) -> None:
    found = guest.ssh("find / -xdev ! -user root; find / -xdev ! -group root", KEY).split()
    assert {path for path in found if not path.startswith("/home/jane")} == set()


def test_shadow_and_the_seed_are_for_root_only(guest: Machine) -> None:
    assert guest.ssh("for f in /etc/shadow /run/seed; do stat -c %a $f; done", KEY).split() == ["600", "700"]


def test_the_part_of_cloud_config_that_is_known_is_done_and_the_rest_is_named(guest: Machine) -> None:
    done = guest.ssh("cd /srv/data; cat plain; stat -c %a plain; cat encoded; echo; cat ran", KEY)
    assert done == 'key: "value" \\n # no comment\n  deeper\ttab\n640\nhello\none two\n3\n'
    assert "applied; not done by this small guest: packages" in guest.console()


def test_the_agent_answers_and_tells_the_addresses(guest: Machine) -> None:
    with guest.agent() as agent:
        assert agent.call("guest-ping") == {}
        cards = {card["name"]: card for card in agent.call("guest-network-get-interfaces")}
    addresses = [entry["ip-address"] for entry in cards["eth0"]["ip-addresses"]]
    assert cards["eth0"]["hardware-address"] == MAC
    assert ADDRESS in addresses


def test_the_agent_runs_commands(guest: Machine) -> None:
    with guest.agent() as agent:
        arguments = {"path": "sh", "arg": ["-c", "echo $0 hello", "x"], "capture-output": True}
        pid = agent.call("guest-exec", **arguments)["pid"]
        status = wait_for(
            lambda: (answer := agent.call("guest-exec-status", pid=pid))["exited"] and answer, "it", 20
        )
    assert base64.b64decode(status["out-data"]) == b"x hello\n"


def test_the_agent_freezes_and_thaws_the_disk(guest: Machine) -> None:
    with guest.agent() as agent:
        assert agent.call("guest-fsfreeze-freeze") >= 1
        assert agent.call("guest-fsfreeze-thaw") >= 1


def test_a_password_set_by_the_agent_opens_the_console_and_not_ssh(guest: Machine) -> None:
    password = "correct horse: battery$"
    encoded = base64.b64encode(password.encode()).decode()
    with guest.agent() as agent:
        agent.call("guest-set-user-password", username="root", password=encoded, crypted=False)
    with guest.terminal() as terminal:
        terminal.write(b"\n")
        guest.wait_for_console(r"^web-1.lab login: ", times=2)
        terminal.write(b"root\n")
        guest.wait_for_console(r"^Password: ")
        terminal.write(f"{password}\n".encode())
        terminal.write(b"echo I am $(whoami)\nexit\n")
        guest.wait_for_console(r"^I am root")
    refused = pytest.raises(paramiko.BadAuthenticationType)
    with refused, guest.ssh_client("root", password=password):
        pass


def test_the_hosts_power_button_turns_the_guest_off(boot: Boot) -> None:
    machine = boot(spec())
    machine.wait_until_ready()
    machine.qmp.call("system_powerdown")
    machine.wait_until_off(20)


def test_the_agents_shutdown_turns_the_guest_off(boot: Boot) -> None:
    machine = boot(spec())
    machine.wait_until_ready()
    with machine.agent() as agent:
        agent.call("guest-ping")
        agent.send("guest-shutdown")
        machine.wait_until_off(20)


def test_a_reboot_resets_the_machine_keeps_the_disk_and_runs_no_user_data_again(boot: Boot) -> None:
    machine = boot(spec(user_data="#!/bin/sh\necho ran >> /root/ran\n"))
    machine.wait_for_console("user-data: script ended with exit code 0")
    before = machine.host_key()
    with machine.agent() as agent:
        agent.call("guest-exec", path="reboot")
    machine.wait_until_ready(times=2)
    machine.qmp.wait_for_event("RESET")
    assert machine.ssh("cat /root/ran", KEY) == "ran\n"
    assert machine.host_key() == before


def test_a_copied_disk_becomes_another_machine_when_its_seed_says_so(boot: Boot) -> None:
    machine = boot(spec(user_data="#!/bin/sh\necho first >> /root/ran\n"))
    machine.wait_for_console("user-data: script ended")
    first = machine.host_key()
    machine.qmp.call("system_powerdown")
    machine.wait_until_off(20)
    script = "#!/bin/sh\necho second >> /root/ran\nexit 3\n"
    machine = boot(spec("i-0002", STRANGER, hostname="copy", user="joe", user_data=script))
    machine.wait_for_console("user-data: script ended with exit code 3")
    assert machine.host_key() != first
    assert machine.ssh("hostname; cat /root/ran", STRANGER).split() == ["copy", "first", "second"]
    assert machine.ssh("id -u jane; id -u joe", STRANGER, user="joe").split() == ["1000", "1001"]
    for user, key in (("root", KEY), ("jane", KEY), ("jane", STRANGER)):
        with pytest.raises(paramiko.AuthenticationException):
            machine.ssh("true", key, user=user)


@pytest.mark.parametrize("seed", [None, spec(networks=[]), spec(networks=[SeedNic(MAC)])])
def test_where_the_seed_gives_no_address_dhcp_does(boot: Boot, seed: SeedSpec | None) -> None:
    machine = boot(seed)
    assert machine.wait_until_ready()[2] == ADDRESS


def test_a_second_build_from_the_same_inputs_does_nothing(image: Path) -> None:
    before = image.stat().st_mtime_ns
    said: list[str] = []
    assert build(image, CACHE, said.append) == image
    assert image.stat().st_mtime_ns == before
    assert said == [f"{image} is up to date"]


def test_a_build_that_fails_leaves_the_former_image(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "tiny.qcow2"
    out.write_bytes(b"the former image")
    monkeypatch.setattr("guest.tiny.write_disk", Mock(side_effect=BuildFailed("no room")))
    with pytest.raises(BuildFailed, match="no room"):
        build(out, image.parent, lambda _: None)
    assert out.read_bytes() == b"the former image"
    assert list(tmp_path.iterdir()) == [out]
    assert not (image.parent / "work").exists()


def test_the_image_is_small_and_stands_alone(image: Path) -> None:
    info = json.loads(subprocess.check_output(["qemu-img", "info", "--output=json", image]))
    assert info["format"] == "qcow2"
    assert info["virtual-size"] == 256 * 1024 * 1024
    assert "backing-filename" not in info
    assert image.stat().st_size <= 20_000_000


def _flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(child, f"{path}.{key}" if path else str(key))
    else:
        yield path, "" if value is None else str(value)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=12)
KEYS = st.from_regex(r"[a-z][a-z0-9_ -]{0,8}[a-z0-9]", fullmatch=True).filter(
    lambda key: isinstance(yaml.safe_load(key), str)
)


Flatten = Callable[[str], list[tuple[str, str]]]


@pytest.fixture(scope="session")
def flatten() -> Flatten:
    """The guest's own YAML reader, run by the guest's own awk."""
    packages = PackageCache(CACHE / "packages", lambda _: None)
    packages.fetch(read_list(ROOT / "guest/tiny/packages.txt"))
    argv: list[str | Path] = [
        packages.find("bin/busybox"),
        "awk",
        "-f",
        ROOT / "guest/tiny/rootfs/lib/guest/yaml.awk",
    ]

    def flatten(text: str) -> list[tuple[str, str]]:
        done = subprocess.run(argv, input=text.encode(), stdout=subprocess.PIPE, check=True)
        rows = [row.split("\t", 1) for row in done.stdout.decode().split("\n")[:-1]]
        return [(path, _unescape(value)) for path, value in rows]

    return flatten


def _unescape(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), value)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        KEYS,
        st.recursive(
            st.one_of(WORDS, st.integers(), st.none()),
            lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(KEYS, deeper, max_size=3),
            max_leaves=8,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_the_guest_reads_yaml_as_our_seeds_write_it(flatten: Flatten, document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document, sort_keys=False, width=1_000_000, allow_unicode=True)
    assert flatten(text) == list(_flat(document))


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: 1x, 'c d': [x, \"y,z\", {e: f}], g: []}  # comment\n",
        "a:\n- b: 1x\n  c:\n    - d\n- - e\n  - f\ng: h # no\n",
        "a: |\n  x: 1\n    y\n\n  z\n\nb: |-\n    p\nc: >\n  q\n  r\nd: |+\n  s\n\n",
        "---\n# first\na: 'it''s' \n\"b c\": \"d\\t\\\\n\\n\"\ne: http://x:80/#y\nf: -1x\n",
    ],
)
def test_the_guest_reads_yaml_as_people_write_it(flatten: Flatten, text: str) -> None:
    assert flatten(text) == list(_flat(yaml.safe_load(text)))
