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


def _of(what: str, *acts: str) -> list[Place]:
    """The page of a part of the infrastructure, and the dialogs of what can be done to it."""
    page = f"/infrastructure/{what}s/${what.replace('-', '_')}/"
    return [
        Place(what, what, page),
        *(Place(f"{what}-{act}", f"{what}-{act}", f"{page}{act}/") for act in acts),
    ]


PAGES = (
    Place("login", "login", "/login/", NOBODY),
    Place("login-link", "login-link", "/login/link/", NOBODY),
    Place("login-forgotten", "login-forgotten", "/login/forgotten/", NOBODY),
    Place("login-password", "login-password", "/login/password/", NOBODY),
    Place("account", "account", "/account/", MEMBER),
    Place("working-account", "working-account", "/working-account/?next=/jobs/", MEMBER),
    Place("account-password", "account-password", "/account/password/", MEMBER),
    Place("account-sessions", "account-sessions", "/account/sessions/", MEMBER),
    Place("account-session-end", "account-session-end", "/account/sessions/$session/", MEMBER),
    Place("account-sessions-end", "account-sessions-end", "/account/sessions/others/", MEMBER),
    Place("account-tokens", "account-tokens", "/account/tokens/", MEMBER),
    Place("account-token-new", "account-token-new", "/account/tokens/new/", MEMBER),
    Place("account-token-revoke", "account-token-revoke", "/account/tokens/$token/", MEMBER),
    Place("service-accounts", "service-accounts", "/service-accounts/"),
    Place("service-account-new", "service-account-new", "/service-accounts/new/"),
    Place("service-account", "service-account", "/service-accounts/$robot/"),
    Place("service-account-token", "service-account-token", "/service-accounts/$robot/token/"),
    Place("service-account-remove", "service-account-remove", "/service-accounts/$robot/remove/"),
    Place("user-access", "user-access", "/people/$member/access/"),
    Place("user-sessions-end", "user-sessions-end", "/people/$member/access/end/"),
    Place("user-password-link", "user-password-link", "/people/$member/access/password/"),
    Place("user-unlock", "user-unlock", "/people/$member/access/unlock/"),
    Place("user-token-revoke", "user-token-revoke", "/people/$member/access/tokens/$token/"),
    Place("home-operator", "home", "/", main=True),
    Place("home-user", "home", "/", MEMBER, main=True),
    Place("machines", "machines", "/virtual-machines/", main=True),
    Place("machines-user", "machines", "/virtual-machines/", MEMBER),
    Place("view-save", "view-save", "/views/machines/new/?query=state%3DRunning"),
    Place("view-change", "view-change", "/views/$view/"),
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
    Place("job-done", "job", "/jobs/$done/", main=True),
    Place("job-stuck", "job", "/jobs/$stuck/"),
    Place("job-batch", "job", "/jobs/$batch/"),
    Place("job-resolve", "job-resolve", "/jobs/$stuck/resolve/"),
    Place("job-cancel", "job-cancel", "/jobs/$waiting/cancel/"),
    Place("machine-destroyed", "machine", "/virtual-machines/$destroyed/"),
    Place("infrastructure", "infrastructure", "/infrastructure/", main=True),
    Place("infrastructure-picture", "infrastructure", "/infrastructure/?view=picture", main=True),
    Place("recount", "recount", "/infrastructure/recount/"),
    *_of("region", "change", "remove"),
    *_of("zone", "change", "remove"),
    *_of("pod", "change", "remove"),
    *_of("cluster", "change", "remove"),
    *_of("host", "change", "remove"),
    *_of("primary-storage", "change", "remove"),
    *_of("secondary-storage", "change", "remove"),
    *(
        Place(f"{what}-new", f"{what}-new", f"/infrastructure/{what}s/new/{query}")
        for what, query in (
            ("region", ""),
            ("zone", "?in=$region"),
            ("pod", "?in=$zone"),
            ("cluster", "?in=$pod"),
            ("host", "?in=$cluster"),
            ("primary-storage", "?in=$cluster"),
            ("secondary-storage", "?in=$zone"),
        )
    ),
    Place("hosts", "hosts", "/infrastructure/hosts/", main=True),
    Place("host-unwell", "host", "/infrastructure/hosts/$unwell/"),
    Place("host-trust", "host-trust", "/infrastructure/hosts/$unwell/trust/"),
    Place("host-empty-remove", "host-remove", "/infrastructure/hosts/$launched/remove/"),
    Place("infrastructure-states", "infrastructure", "/infrastructure/?view=picture&by=state"),
    Place("primary-storages", "primary-storages", "/infrastructure/primary-storages/"),
    Place("secondary-storages", "secondary-storages", "/infrastructure/secondary-storages/"),
    Place("domains", "domains", "/domains/"),
    Place("domain", "domain", "/domains/$domain/"),
    Place("domain-new", "domain-new", "/domains/$domain/new/"),
    Place("account-new", "account-new", "/domains/$domain/new-account/"),
    Place("accounts", "accounts", "/accounts/"),
    Place("account-of-many", "account", "/accounts/$account/"),
    Place("project-rules", "project-rules", "/domains/$domain/project-rules/"),
    Place("account-hand-over", "account-hand-over", "/accounts/$account/hand-over/"),
    Place("account-add-member", "account-add-member", "/accounts/$account/add-member/"),
    Place("account-member", "account-member", "/accounts/$account/members/$member/"),
    *(
        Place(f"{noun}-{act}", f"{noun}-{act}", f"/{noun}s/${noun}/{act}/")
        for noun in ("domain", "account")
        for act in ("rename", "move", "disable", "close")
    ),
    Place("machine-transfer", "machine-transfer", "/virtual-machines/$stopped/transfer/"),
    Place("quotas", "quotas", "/quotas/"),
    Place("quotas-user", "quotas", "/quotas/", MEMBER),
    Place("quota", "quota", "/quotas/$account/"),
    Place("quota-change", "quota-change", "/quotas/$account/change/"),
    Place("quota-member-new", "quota-member-new", "/quotas/$account/members/"),
    Place("quota-member", "quota-member", "/quotas/$account/members/$member/"),
    Place("quota-counting", "quota-counting", "/quotas/$domain/counting/"),
    Place("quota-recount", "quota-recount", "/quotas/$account/recount/"),
    Place("quotas-recount", "quotas-recount", "/quotas/recount/"),
    Place("offerings", "offerings", "/offerings/"),
    Place("offering-new", "offering-new", "/offerings/new/"),
    Place("offering", "offering", "/offerings/$offering/"),
    Place("offering-change", "offering-change", "/offerings/$offering/change/"),
    Place("offering-remove", "offering-remove", "/offerings/$offering/remove/"),
    Place("directories", "directories", "/directories/"),
    Place("directory-new", "directory-new", "/directories/new/"),
    Place("directory", "directory", "/directories/$directory/"),
    Place("directory-change", "directory-change", "/directories/$directory/change/"),
    Place("directory-remove", "directory-remove", "/directories/$directory/remove/"),
    Place("mapping", "mapping", "/directories/$directory/mapping/"),
    Place("mapping-new", "mapping-new", "/directories/$directory/mapping/new/"),
    Place("mapping-settings", "mapping-settings", "/directories/$directory/mapping/settings/"),
    Place("mapping-rule", "mapping-rule", "/directories/$directory/mapping/$rule/"),
    Place("mapping-rule-remove", "mapping-rule-remove", "/directories/$directory/mapping/$rule/remove/"),
    Place("mapping-preview", "mapping-preview", "/directories/$directory/preview/"),
    Place("sync-runs", "sync-runs", "/directories/$directory/runs/"),
    Place("sync-run", "sync-run", "/directories/$directory/runs/$run/"),
    Place("leavers", "leavers", "/leavers/"),
    Place("leaver", "leaver", "/leavers/$left/"),
    Place("invite", "invite", "/people/invite/"),
    Place("people", "people", "/people/", main=True),
    Place("person", "person", "/people/$person/"),
    Place("person-user", "person", "/people/$person/", MEMBER),
    *(
        Place(f"person-{act}", f"person-{act}", f"/people/$person/{act}/")
        for act in ("keep-out", "close", "erase")
    ),
    Place("view-as", "view-as", "/people/$person/view-as/"),
    Place("rights", "rights", "/people/rights/"),
    Place("roles", "roles", "/roles/", main=True),
    Place("role-new", "role-new", "/roles/new/"),
    Place("role", "role", "/roles/$role/", main=True),
    Place("role-change", "role-change", "/roles/$role/change/"),
    Place("role-remove", "role-remove", "/roles/$role/remove/"),
    Place("grants", "grants", "/grants/", main=True),
    Place("grant-new", "grant-new", "/grants/new/?role=$role"),
    Place("grant", "grant", "/grants/$grant/"),
    Place("grant-extend", "grant-extend", "/grants/$grant/extend/"),
    Place("grant-revoke", "grant-revoke", "/grants/$grant/revoke/"),
    Place("fresh-link", "fresh-link", "/people/link/"),
    Place("templates", "templates", "/templates/", main=True),
    Place("templates-user", "templates", "/templates/", MEMBER),
    Place("template-new", "template-new", "/templates/new/"),
    Place("template", "template", "/templates/$template/"),
    Place("template-user", "template", "/templates/$template/", MEMBER),
    Place("template-change", "template-change", "/templates/$template/change/"),
    Place("template-delete", "template-delete", "/templates/$template/delete/"),
    Place("ssh-keys", "ssh-keys", "/ssh-keys/", MEMBER),
    Place("ssh-key-create", "ssh-key-create", "/ssh-keys/new/", MEMBER),
    Place("ssh-key", "ssh-key", "/ssh-keys/$ssh_key/", MEMBER),
    Place("ssh-key-delete", "ssh-key-delete", "/ssh-keys/$ssh_key/delete/", MEMBER),
    Place("trash", "trash", "/trash/"),
    Place("projects", "projects", "/projects/"),
    Place("project-new", "project-new", "/projects/new/"),
    Place("project", "project", "/projects/$project/", MEMBER),
    *(
        Place(f"project-{act}", f"project-{act}", f"/projects/$project/{act}/", MEMBER)
        for act in ("change", "end", "suspend", "resume", "hand-over", "leave", "invite")
    ),
    Place("invitation", "invitation", "/invitations/$invitation/", MEMBER),
    Place("invitation-change", "invitation-change", "/invitations/$invited/change/", MEMBER),
    Place("invitation-link", "invitation-link", "/invitations/link/", MEMBER),
    Place("trash-delete", "trash-delete", "/trash/$destroyed/delete/"),
    Place("launch", "launch", "/launch/", main=True),
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
    Place("events", "events", "/events/"),
    Place("event", "event", "/events/$event/"),
    Place("search", "search", "/search/?q=a"),
    Place("search-user", "search", "/search/?q=nothing-is-called-so", MEMBER),
    Place("shortcuts", "shortcuts", "/shortcuts/", MEMBER),
    Place("style", "style", "/style/"),
    Place("not-found", "", "/nothing-is-here/", MEMBER),
)

ACTS = ("switch", "reconnect", "retry", "act", "start")
"""How addresses end that only take a POST, and lead elsewhere."""

PARTS = ("live", "check", "now", "refresh", "download", "export")
"""How addresses end that answer a part of a page, or a file."""

NO_PAGES = frozenset(
    {
        "directory-test",
        "docs",
        "docs-page",
        "keys",
        "logout",
        "look",
        "machines-acted",
        "mapping-rule-answer",
        "mapping-rule-move",
        "palette",
        "pick",
        "quota-usage",
    }
)
"""Others like them. The documentation has tests of its own, and so has what acts on several machines
leave behind (tests/browser/test_bulk.py)."""


def is_page(view: str) -> bool:
    return view not in NO_PAGES and view.rpartition("-")[2] not in {*ACTS, *PARTS}
