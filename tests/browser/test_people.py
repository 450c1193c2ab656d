"""The demo campus' people in a browser: each logs in with the password of their campus, and sees exactly
their part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

pytest.importorskip("ldap", reason="make test installs the LDAP library")

from tests.browser.people import ELSEWHERE, ZONE, PeoplesPortal
from tests.stack import Stack

pytestmark = pytest.mark.browser
SECONDS = 30_000  # in Playwright's milliseconds: workers have the machine to share
OWN_MENU = ["Home", "Virtual machines", "Images", "SSH keys", "Jobs", "Projects"]
DOMAIN_MENU = ["Domains", "Accounts", "Quotas", "Left behind", "People", "Roles", "Grants", "Events"]
ALL_MENU = ["Infrastructure", "Launch a zone", "Sizes", *DOMAIN_MENU[:-1], "Directories", "Events"]
ADMIN_PAGES = ("/infrastructure/", "/domains/", "/directories/", "/launch/", "/offerings/", "/leavers/")
SECRET = "#cloud-config\n# secret-of-nikos"
Enter = Callable[..., Page]


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeoplesPortal]:
    with Stack(tmp_path_factory.mktemp("people"), short_workers=2) as stack, PeoplesPortal(stack) as portal:
        portal.machine("thesis", "nikos", user_data=SECRET)
        portal.machine("exercise", "Computational physics")
        portal.machine("contract", "eleni")
        yield portal


@pytest.fixture
def enter(browser: Browser, portal: PeoplesPortal) -> Iterator[Enter]:
    """Log somebody in, in a browser of their own."""
    opened = []

    def log_in(uid: str, language: str = "en") -> Page:
        opened.append(portal.open(browser, language))
        return portal.log_in(opened[-1], uid)

    yield log_in
    for context in opened:
        context.close()


def menu(page: Page) -> tuple[list[str], list[str]]:
    """The entries of everybody, and those of the admin area."""
    lists = [page.locator(f"nav.side > {part} a") for part in ("ul", "details.operator")]
    own, admin = ([text.strip() for text in found.all_text_contents()] for found in lists)
    return own, admin


def listed(page: Page, path: str) -> set[str]:
    """What the first column of a list names; its status has to be good."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, path
    return set(page.locator("#list-table tbody th").all_inner_texts())


def status(page: Page, path: str) -> int:
    answer = page.goto(path)
    assert answer is not None
    return answer.status


@dataclass(frozen=True)
class Part:
    """What one of the campus' people sees: the admin's menu, what lists show, pages that are not there."""

    uid: str
    admin_menu: list[str]
    lists: dict[str, set[str]]
    hidden: tuple[str, ...] = field(default=())


PARTS = (
    Part(
        "anna",
        [],
        {
            "/virtual-machines/": {"exercise"},
            "/projects/": {"Computational physics"},
            "/accounts/": {"anna", "Computational physics"},
        },
        ADMIN_PAGES,
    ),
    Part(
        "maria",
        [],
        {
            "/virtual-machines/": {"exercise"},
            "/projects/": {"Computational physics"},
            "/people/": {"anna", "maria", "nikos"},
        },
        ADMIN_PAGES[:-1],
    ),
    Part(
        "sofia",
        ["Infrastructure", "Events"],
        {
            "/virtual-machines/": {"thesis", "exercise", "contract"},
            "/infrastructure/hosts/": {"10-77-h01", "10-77-h02"},
            "/projects/": set(),
        },
        ("/domains/", "/directories/", "/accounts/", "/leavers/", "/launch/"),
    ),
    Part(
        "dimitra",
        DOMAIN_MENU,
        {
            "/virtual-machines/": {"thesis", "exercise"},
            "/domains/": {"Physics"},
            "/people/": {"anna", "dimitra", "maria", "nikos"},
            "/accounts/": {"anna", "Computational physics", "dimitra", "maria", "nikos"},
        },
        ("/infrastructure/", "/directories/", "/launch/"),
    ),
    Part(
        "giorgos",
        ALL_MENU,
        {
            "/virtual-machines/": {"thesis", "exercise", "contract"},
            "/projects/": {"Computational physics", "Law of data"},
            "/infrastructure/hosts/": {"10-77-h01", "10-77-h02", "10-78-h01"},
        },
    ),
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.uid)
def test_each_logs_in_with_the_password_of_the_campus_and_sees_exactly_their_part(
    enter: Enter, part: Part
) -> None:
    page = enter(part.uid)
    page.goto("/")
    assert menu(page) == (OWN_MENU, part.admin_menu)
    for path, names in part.lists.items():
        assert listed(page, path) == names, path
    for path in part.hidden:
        assert status(page, path) == 404, path


def test_the_admins_area_looks_different(enter: Enter) -> None:
    page = enter("dimitra")
    page.goto("/")
    usual = page.locator("nav.side > ul a").first
    expect(page.locator(".operator-stripe")).to_have_count(0)
    page.goto("/domains/")
    stripe = page.locator(".operator-stripe")
    expect(stripe).to_contain_text("Operator's area")
    background = "element => getComputedStyle(element).backgroundColor"
    current = page.locator("nav.side details.operator a[aria-current]")
    assert stripe.evaluate(background) != page.locator("body").evaluate(background)
    assert current.evaluate(background) != usual.evaluate(background)


def test_a_simple_admin_sees_machines_without_data_console_and_keys(
    enter: Enter, portal: PeoplesPortal
) -> None:
    thesis = f"/virtual-machines/{portal.id_of('virtual-machines/', name='thesis')}/"
    page = enter("sofia")
    page.goto(thesis)
    facts = page.locator("#live")
    expect(facts).to_contain_text("nikos")
    expect(facts).not_to_contain_text("SSH keys")
    expect(page.get_by_role("button", name="Start", exact=True)).to_have_attribute("aria-disabled", "true")
    for tab in ("", "settings/", "history/", "placement/"):
        page.goto(thesis + tab)
        assert "secret-of-nikos" not in page.content()
    assert status(page, f"{thesis}console/") == 403
    expect(page.get_by_text("Read a machine's console log", exact=False)).to_be_visible()
    for kind, name in (("hosts", "10-78-h01"), ("clusters", "sim-1")):
        rows = portal.stack.get(f"{kind}/?limit=100")["results"]
        other = next(row["id"] for row in rows if row["name"] == name and is_elsewhere(portal, row))
        assert status(page, f"/infrastructure/{kind}/{other}/") == 404
    assert listed(page, "/ssh-keys/") == set()


def is_elsewhere(portal: PeoplesPortal, row: Any) -> bool:
    """Whether a host or a cluster lies in the other zone."""
    zone = row.get("zone") or portal.stack.get(f"pods/{row['pod']['id']}/")["zone"]
    assert zone["name"] in {ZONE, ELSEWHERE}
    return bool(zone["name"] == ELSEWHERE)


def test_a_domain_admin_reaches_nothing_of_a_sibling(enter: Enter, portal: PeoplesPortal) -> None:
    law = portal.id_of("domains/", name="Law")
    account = portal.id_of("accounts/", name="eleni")
    contract = portal.id_of("virtual-machines/", name="contract")
    person = portal.id_of("users/", username="eleni")
    course = portal.id_of("projects/", name="Law of data")
    page = enter("dimitra")
    own = portal.id_of("domains/", name="Physics")
    assert status(page, f"/domains/{own}/") == 200
    paths = [f"/domains/{law}/", f"/accounts/{account}/", f"/quotas/{law}/", f"/quotas/{account}/"]
    paths += [f"/virtual-machines/{contract}/", f"/virtual-machines/{contract}/console/"]
    paths += [f"/people/{person}/", f"/people/{person}/access/", f"/people/{person}/view-as/"]
    for path in [*paths, f"/projects/{course}/"]:
        assert status(page, path) == 404, path
    expect(page.get_by_role("heading", name="Not found").first).to_be_visible()
    assert listed(page, "/virtual-machines/?q=contract") == set()


def ask_for(page: Page, portal: PeoplesPortal, account: str, size: str, count: int) -> None:
    """Fill in the form for new machines; its dry run says what becomes of it."""
    page.goto(f"/virtual-machines/new/?account={portal.id_of('accounts/', name=account)}")
    chosen = portal.id_of("service-offerings/", name=size)
    page.locator(f"[name=offering][value='{chosen}']").check(force=True)
    how_many = page.locator("[name=count]")
    if not how_many.is_visible():
        page.locator("#advanced > summary").click()
    how_many.fill(str(count))


def test_a_refusal_names_the_level_that_is_full_and_who_can_raise_it(
    enter: Enter, portal: PeoplesPortal
) -> None:
    page = enter("anna")
    ask_for(page, portal, "Computational physics", "Large", 2)
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("The quota is used up", timeout=SECONDS)
    expect(verdict).to_contain_text("The quota of Computational physics for vCPUs is 6")
    expect(verdict).to_contain_text("2 vCPUs more, of Δήμητρα Θάνου")
    page.locator("#create").click()
    expect(page.get_by_role("alert").first).to_contain_text("Computational physics")
    ask_for(page, portal, "anna", "Large", 5)
    expect(verdict).to_contain_text("A quota above your account is used up", timeout=SECONDS)
    expect(verdict).to_contain_text("shares with others of Physics")
    expect(verdict).to_contain_text("Γιώργος Ιωάννου")
    assert listed(page, "/virtual-machines/") == {"exercise"}


def test_a_view_as_somebody_is_framed_and_changes_nothing(enter: Enter) -> None:
    page = enter("dimitra")
    page.goto("/people/")
    page.locator("#list-table").get_by_role("link", name="anna").click()
    page.get_by_role("link", name="View as this user").click()
    page.locator("#dialog").get_by_role("button", name="View as this user").click()
    frame = page.get_by_role("complementary", name="Looking as somebody else")
    expect(frame).to_contain_text("You, dimitra, look at the portal as anna. Nothing can be changed.")
    page.goto("/")
    expect(frame).to_be_visible()
    expect(page.locator("[data-live-status]")).to_have_text("Looks every 5 s")
    assert menu(page) == (OWN_MENU, [])
    assert listed(page, "/accounts/") == {"anna", "Computational physics"}
    page.goto("/ssh-keys/")
    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    refused = page.request.post(
        "/ssh-keys/new/", form={"csrfmiddlewaretoken": token, "name": "mine"}, headers={"Referer": page.url}
    )
    assert refused.status == 403
    assert "Nothing can be changed" in refused.text() or "only" in refused.text()
    frame.get_by_role("button", name="End the view").click()
    expect(frame).to_have_count(0)
    page.goto("/")
    assert menu(page)[1] == DOMAIN_MENU


def outcome(page: Page, words: str) -> None:
    """Wait until the page of a run says so by itself."""
    expect(page.locator("#run-outcome")).to_have_text(words, timeout=30_000)


def test_a_rule_is_written_previewed_and_applied(enter: Enter, portal: PeoplesPortal) -> None:
    page = enter("giorgos")
    page.goto(f"/directories/{portal.directory}/mapping/")
    page.get_by_role("link", name="Add a rule").click()
    page.get_by_label("Name", exact=True).fill("Teachers look at both courses")
    for name, chosen in (("group", "law-teachers"), ("account", "Computational physics")):
        page.locator(f"[name={name}]").select_option(label=chosen)
    page.locator("[name=role]").select_option(label="Auditor")
    page.get_by_role("main").get_by_role("button", name="Add a rule").click()
    expect(page.get_by_text("The rules were changed since they were last applied")).to_be_visible()
    kostas = enter("kostas")
    assert listed(kostas, "/projects/") == {"Law of data"}
    page.get_by_role("button", name="Preview").click()
    outcome(page, "Previewed")
    expect(page.get_by_role("region", name="Changes")).to_contain_text("Memberships given")
    expect(page.get_by_role("region", name="Names")).to_contain_text("kostas")
    assert listed(kostas, "/projects/") == {"Law of data"}
    page.get_by_role("button", name="Apply").click()
    outcome(page, "Done")
    assert listed(kostas, "/projects/") == {"Law of data", "Computational physics"}


def test_the_brake_holds_until_it_is_released_and_what_a_leaver_left_is_handed_over(
    enter: Enter, portal: PeoplesPortal
) -> None:
    nikos = enter("nikos")
    assert listed(nikos, "/virtual-machines/") == {"thesis", "exercise"}
    page = enter("giorgos")
    mapping = f"/directories/{portal.directory}/mapping/"
    page.goto(f"{mapping}settings/")
    page.get_by_label("So many at once are never too many").fill("1")
    page.get_by_role("main").get_by_role("button").last.click()
    for dn in (f"uid=nikos,ou=physics,{portal.people}", f"uid=petros,ou=law,{portal.people}"):
        portal.campus.delete(dn)
    page.goto(mapping)
    page.get_by_role("button", name="Sync now").click()
    outcome(page, "Held by the brake")
    expect(page.get_by_text("Too many people would be kept out: 2 of")).to_be_visible()
    assert listed(nikos, "/virtual-machines/") == {"thesis", "exercise"}
    page.get_by_role("button", name="Release").click()
    outcome(page, "Done")
    nikos.goto("/virtual-machines/")
    nikos.wait_for_url("**/login/**")

    dimitra, anna = enter("dimitra"), enter("anna")
    assert "thesis" not in listed(anna, "/virtual-machines/")
    assert listed(dimitra, "/leavers/") == {"nikos"}
    dimitra.get_by_role("link", name="nikos").first.click()
    expect(dimitra.get_by_text("thesis").first).to_be_visible()
    dimitra.get_by_label("User name").fill("anna")
    dimitra.get_by_role("button", name="Hand over").click()
    expect(dimitra.get_by_role("status").first).to_contain_text("nikos is handed over.")
    assert listed(dimitra, "/leavers/") == set()
    assert listed(anna, "/virtual-machines/") == {"thesis", "exercise"}
    thesis = portal.id_of("virtual-machines/", name="thesis")
    anna.goto(f"/virtual-machines/{thesis}/")
    stop = anna.get_by_role("button", name="Stop", exact=True)
    expect(stop).not_to_have_attribute("aria-disabled", "true")


def test_a_student_of_law_reads_greek(enter: Enter) -> None:
    page = enter("eleni", "el")
    page.goto("/")
    own, admin = menu(page)
    assert own == ["Αρχική", "Εικονικές μηχανές", "Εικόνες", "Κλειδιά SSH", "Εργασίες", "Έργα"]
    assert admin == []
    assert listed(page, "/projects/") == {"Law of data"}
