"""Why a directory could not be used: the step that failed and the reason, each a short code."""

from __future__ import annotations

from apps.core.errors import CloudError

STEPS = ("resolve", "connect", "tls", "bind", "search", "map")
"""The steps from a server's name to a person, in their order."""


class DirectoryUnavailable(CloudError):
    """The directory does not answer as it should. `params["reason"]` is "<step>_<reason>"; `server` is for
    those who may see directories, never for who logs in."""

    code = "directory_unavailable"
    status = 503
    retry = True

    def __init__(self, step: str, reason: str, *, server: str = "", technical: str = "") -> None:
        super().__init__(technical or f"{step}: {reason}", reason=f"{step}_{reason}")
        self.step, self.cause, self.server = step, reason, server
