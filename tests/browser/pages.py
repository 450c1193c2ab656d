"""Every page of the portal, who opens it, and where it is on a site that has one of everything."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

OPERATOR, MEMBER, NOBODY = "admin", "member", ""


@dataclass(frozen=True)
class Place:
    """`path` may hold $names of the site's objects (tests.browser.site); `view` is the URL's name, for
    the check that no page was forgotten."""

    name: str
    view: str
    path: str
    user: str = OPERATOR
    main: bool = False  # one of those that readers spend their time on: their speed is measured

    def address(self, objects: dict[str, str]) -> str:
        return Template(self.path).substitute(objects)


PAGES = (
    Place("login", "login", "/login/", NOBODY),
    Place("login-link", "login-link", "/login/link/", NOBODY),
    Place("home-operator", "home", "/", main=True),
    Place("home-user", "home", "/", MEMBER, main=True),
    Place("machines", "machines", "/virtual-machines/", main=True),
    Place("machines-user", "machines", "/virtual-machines/", MEMBER),
    Place("machine-create", "machine-create", "/virtual-machines/new/", MEMBER, main=True),
    Place("machine-running", "machine", "/virtual-machines/$running/", main=True),
    Place("machine-stopped", "machine", "/virtual-machines/$stopped/", MEMBER),
    Place("machine-error", "machine", "/virtual-machines/$error/"),
    *(
        Place(f"machine-{tab}", f"machine-{tab}", f"/virtual-machines/$running/{tab}/")
        for tab in ("console", "placement", "history")
    ),
    Place("machine-hosts", "machine-placement-hosts", "/virtual-machines/$running/placement/hosts/"),
    Place("machine-no-place", "machine-placement", "/virtual-machines/$error/placement/"),
    Place("machine-settings", "machine-settings", "/virtual-machines/$stopped/settings/", MEMBER),
    Place("machine-destroy", "machine-ask", "/virtual-machines/$stopped/act/destroy/", MEMBER),
    Place("jobs", "jobs", "/jobs/", main=True),
    Place("jobs-user", "jobs", "/jobs/?parts=shown", MEMBER),
    Place("job-done", "job", "/jobs/$done/"),
    Place("job-stuck", "job", "/jobs/$stuck/"),
    Place("job-batch", "job", "/jobs/$batch/"),
    Place("job-resolve", "job-resolve", "/jobs/$stuck/resolve/"),
    Place("job-cancel", "job-cancel", "/jobs/$waiting/cancel/"),
    Place("ssh-keys", "ssh-keys", "/ssh-keys/", MEMBER),
    Place("ssh-key-create", "ssh-key-create", "/ssh-keys/new/", MEMBER),
    Place("ssh-key", "ssh-key", "/ssh-keys/$ssh_key/", MEMBER),
    Place("ssh-key-delete", "ssh-key-delete", "/ssh-keys/$ssh_key/delete/", MEMBER),
    Place("trash", "trash", "/trash/"),
    Place("trash-delete", "trash-delete", "/trash/$destroyed/delete/"),
    Place("launch", "launch", "/launch/"),
    *(
        Place(f"launch-{step}", "launch-step", f"/launch/steps/{step}/")
        for step in ("zone", "pod", "cluster", "host", "primary", "secondary")
    ),
    Place("launch-review", "launch-review", "/launch/review/"),
    Place("launch-yaml", "launch-yaml", "/launch/yaml/"),
    Place("launch-discard", "launch-discard", "/launch/discard/"),
    Place("launch-document", "launch-document", "/launch/document/?zone=$zone"),
    Place("launch-progress", "launch-progress", "/launch/$launch/"),
    Place("launch-repair", "launch-repair", "/launch/$launch/hosts/$launched/"),
    Place("search", "search", "/search/?q=a"),
    Place("search-user", "search", "/search/?q=nothing-is-called-so", MEMBER),
    Place("shortcuts", "shortcuts", "/shortcuts/", MEMBER),
    Place("style", "style", "/style/"),
    Place("not-found", "", "/nothing-is-here/", MEMBER),
)

NO_PAGES = (
    {"look", "logout", "machine-live", "machine-act", "machine-check", "trash-act", "palette", "keys"}
    | {
        "launch-check",
        "launch-live",
        "launch-act",
        "launch-export",
    }
    | {"jobs-now", "job-live", "job-retry"}
    | {"machine-console-live", "machine-console-refresh", "machine-console-download"}
    | {"docs", "docs-page"}
)
"""Names of addresses that answer a part of a page, act and lead elsewhere, or (the documentation) have
tests of their own."""
