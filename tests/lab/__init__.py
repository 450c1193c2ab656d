"""Real KVM hosts on one machine: each a namespace with its own sshd, libvirtd and guest bridge.

    from tests.lab import Lab
    with Lab(root, hosts=2) as lab:
        connect.hypervisor(lab.address(0))

`python -m tests.lab up|down|status` does the same by hand; tests use the fixtures in `fixtures.py`.
"""

from tests.lab.host import LabHost
from tests.lab.lab import Lab, LabError

__all__ = ["Lab", "LabError", "LabHost"]
