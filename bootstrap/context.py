"""What the steps of one command share."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.api import Api
from bootstrap.assets import Assets
from bootstrap.installation import Installation
from bootstrap.portal import Portal
from bootstrap.python_env import PythonEnvironment
from bootstrap.supervision import Supervisor


@dataclass
class Context:
    """`token` is empty until a valid one is known."""

    installation: Installation
    python: PythonEnvironment
    portal: Portal
    assets: Assets
    supervisor: Supervisor
    token: str = ""

    @classmethod
    def of(cls, installation: Installation) -> Context:
        log = installation.log / "install.log"
        python = PythonEnvironment(installation.root, log)
        return cls(
            installation=installation,
            python=python,
            portal=Portal(installation, python),
            assets=Assets(python, installation.cache),
            supervisor=Supervisor(installation, python.program("supervisord")),
        )

    def unseen(self, first: str) -> str:
        """What a plan says of something inside the portal while nobody can look there: `first` on a
        first run, later that it will be looked at."""
        return "look at it once the portal answers" if self.installation.memory.code else first

    @property
    def api(self) -> Api:
        return Api(self.installation.url, self.token, self.installation.headers)
