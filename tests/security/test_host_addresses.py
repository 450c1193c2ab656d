"""What an operator types about a host never reads as an option of a program on the way to it."""

from __future__ import annotations

from typing import Any

import pytest

from apps.zones.models import Host
from tests.api.client import code
from tests.api.conftest import Cast


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("uri", "qemu+tls://-h/system"),
        ("uri", "qemu+ssh://host/system?command=id"),
        ("uri", "qemu:///system?socket=/a&no_verify=1"),
        ("username", "-oProxyCommand"),
        ("address", "-oProxyCommand"),
        ("extra work_dir", {"work_dir": "-x"}),
        ("extra work_dir", {"work_dir": "/a/../b"}),
    ],
)
def test_an_address_of_a_host_is_no_option(cast: Cast, place: str, value: Any) -> None:
    before = Host.objects.count()
    cluster = str(Host.objects.all()[0].cluster.uuid)
    body = {"cluster": cluster, "name": "new", "address": "new", place.split(maxsplit=1)[0]: value}
    assert code(cast.operator.post("hosts/", body)) == (422, "invalid_input", place)
    assert Host.objects.count() == before
