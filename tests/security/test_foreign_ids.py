"""An id or a name of another tenant is worth no more than one that nobody has: in a form's field, a filter, a
search, an order, a page's cursor, an export.

The rows and the requests that work are the matrix's; here what they name is replaced.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver

from apps.portal import urls as portal_urls
from tests.matrix import tables
from tests.matrix.cast import Cast
from tests.matrix.harness import Harness, text_of
from tests.matrix.line import At, Line
from tests.matrix.world import DOMAINS, PROJECTS, TENANT, World, world

pytestmark = pytest.mark.django_db
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PASSING = re.compile(
    r"""(name="(?:csrfmiddlewaretoken|submission)" value="|"csrf[^"]*": ?"|nonce[=-]"?|request_id": ?"|"""
    r"""live-since=")[^"']+"""
)
ELSEWHERE = ("sibling", "other", "near")
ASKERS = ("user", "project_admin", "domain_admin")


@pytest.fixture(scope="module")
def harness(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    with django_db_blocker.unblock(), world(tmp_path_factory.mktemp("foreign")) as cloud:
        logging.disable(logging.WARNING)
        yield Harness(cloud, Cast(cloud))
        logging.disable(logging.NOTSET)


def nouns(cloud: World) -> dict[str, str]:
    """What an id in a request's body is the id of."""
    found = {
        str(row.uuid): noun
        for places in (TENANT, PROJECTS, DOMAINS)
        for rows in cloud.rows[places].values()
        for noun, row in rows.items()
        if hasattr(row, "uuid")
    }
    found |= {str(row.uuid): "account" for row in cloud.accounts.values()}
    return found | {str(row.uuid): "domain" for row in cloud.domains.values()}


def foreign(cloud: World, noun: str) -> str:
    """The same of the other tenant; nothing where all have one in common."""
    for places in (TENANT, PROJECTS, DOMAINS):
        rows = cloud.rows[places]
        row, mine = rows["other"].get(noun), next(iter(rows.values())).get(noun)
        if row is not None and row != mine and hasattr(row, "uuid"):
            return str(row.uuid)
    return ""


def replaced(value: Any, old: str, new: str) -> Any:
    return json.loads(json.dumps(value).replace(old, new))


def plain(status: int, body: str, sent: str) -> tuple[int, str]:
    """An answer without what is another each time."""
    return status, re.sub(r"\s+", " ", PASSING.sub(r"\1", body.replace(sent, "SENT")))


def asked(harness: Harness, line: Line, role: str, at: At, body: Any) -> tuple[int, str]:
    told = replace(line, body=lambda _at: body)
    with transaction.atomic():
        if line.prepare:
            line.prepare(at)
        answer = harness.send(told, role, at)
        transaction.set_rollback(True)
    return answer


def requests(harness: Harness) -> Iterator[tuple[Line, str, At, dict[str, Any]]]:
    """Of each request with a body one that is answered, for each who asks."""
    for line in tables.ALL:
        if line.body is None or line.shown or line.inside:
            continue
        for role in ASKERS:
            answers = line.expected.answers[role]
            if "+" not in answers:
                continue
            place = line.expected.places[answers.index("+")]
            at = At(harness.world, place, harness.world.at(line.expected.places, place))
            body = line.body(at)
            if isinstance(body, dict) and "file" not in body and UUID.search(json.dumps(body, default=str)):
                yield line, role, at, json.loads(json.dumps(body, default=str))


def test_in_no_field_of_a_request(harness: Harness) -> None:
    """Told word for word what an id is told that nobody has; and never done."""
    known, wrong, tried = nouns(harness.world), [], set[str]()
    for line, role, at, body in requests(harness):
        for own in dict.fromkeys(UUID.findall(json.dumps(body))):
            theirs, nobodys = foreign(harness.world, known.get(own, "")), str(uuid4())
            if not theirs:
                continue
            found = plain(*asked(harness, line, role, at, replaced(body, own, theirs)), theirs)
            wanted = plain(*asked(harness, line, role, at, replaced(body, own, nobodys)), nobodys)
            tried.add(line.name)
            if found != wanted:
                wrong.append(f"{line.name} {role} {known[own]}: {found[0]} {difference(found[1], wanted[1])}")
            if line.method != "GET" and not line.page and found[0] < 400 and '"error"' not in found[1]:
                wrong.append(f"{line.name} {role} {known[own]}: done, {found[0]} {found[1][:200]}")
    assert len(tried) > 20, sorted(tried)
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def difference(one: str, other: str) -> str:
    pairs = enumerate(zip(one, other, strict=False))
    at = next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))
    return f"“{one[max(0, at - 60) : at + 120]}” and not “{other[max(0, at - 60) : at + 120]}”"


def theirs(cloud: World) -> dict[str, str]:
    """Ids and names of what lies elsewhere, each with what it is."""
    found = {}
    for places in (TENANT, PROJECTS, DOMAINS):
        for place in ELSEWHERE:
            for noun, row in cloud.rows[places].get(place, {}).items():
                if noun in {"zone", "public_template", "role"}:
                    continue
                if hasattr(row, "uuid"):
                    found[str(row.uuid)] = f"{noun} of {place}"
                for name in ("name", "username", "full_name"):
                    text = str(getattr(row, name, ""))
                    if text.endswith(f"-{place}"):
                        found[text] = f"{noun} of {place}"
    return found


def told_of(cloud: World, body: str, sent: str) -> list[str]:
    return [what for text, what in theirs(cloud).items() if text in body and text not in sent]


def lists_of_the_api() -> list[str]:
    """By which the table says that rows are shown."""
    return sorted({line.path.partition("?")[0] for line in tables.API if line.shown})


def pages() -> list[str]:
    """Addresses of the portal without an id in them."""

    def walk(patterns: Any, before: str) -> Iterator[str]:
        for one in patterns:
            path = before + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, path)
            elif isinstance(one, URLPattern) and "<" not in path:
                yield "/" + path

    left_out = re.compile(r"^/(logout|login|static|live|docs|view-as|language)")
    assert get_resolver().resolve("/virtual-machines/")
    return sorted(path for path in walk(portal_urls.urlpatterns, "") if not left_out.match(path))


MEANT = {
    **dict.fromkeys(("user", "who", "actor", "person", "holder"), "person"),
    **{noun: noun for noun in ("vm", "job", "template", "volume", "invitation", "grant", "network", "event")},
}
"""What a filter of this name is given; every other one an account, and one of its name a domain."""


def asks(cloud: World, filters: Iterable[str]) -> list[str]:
    """Queries that somebody would try who knows what there is."""
    rows = cloud.rows[TENANT]["other"]
    found = ["q=of-othe", f"q={rows['vm'].uuid}", "format=csv", "order=name"]
    for name in filters:
        row: Any = cloud.domains["other"] if name == "domain" else rows[MEANT.get(name, "account")]
        found.append(f"{name}={row.uuid}")
        if name in {"owner", "account", "who", "about"}:
            found.append(f"{name}={getattr(row, 'name', '') or row.username}")
    return found


Get = Callable[[str], Any]


def crossed(
    cloud: World, paths: list[str], get: Get, filters: Callable[[str], list[str]]
) -> tuple[set[str], list[str]]:
    """The filters that were tried, and what was told of others."""
    wrong, tried = [], set()
    for path in paths:
        plain_answer = get(path)
        if plain_answer.status_code != 200:
            continue
        page = text_of(plain_answer)
        is_list = 'name="q"' in page or '"results"' in page or plain_answer.streaming
        known = filters(page if path.startswith("/") else path) if is_list else []
        for query in ("", *(asks(cloud, known) if is_list else [])):
            answer = get(f"{path}?{query}")
            tried.add(f"{path}?{query.partition('=')[0]}")
            if answer.status_code == 200:
                told = told_of(cloud, text_of(answer), query)
                wrong += [f"{path}?{query}: {what}" for what in told]
            elif answer.status_code >= 500:
                wrong.append(f"{path}?{query}: {answer.status_code}")
    return tried, wrong


def drawn(page: str) -> list[str]:
    """The filters of a page, by their controls."""
    found = re.findall(r'<(?:select|input)[^>]* name="([a-z_]+)"', page)
    return [name for name in dict.fromkeys(found) if name not in {"q", "csrfmiddlewaretoken"}]


def test_in_no_filter_search_or_order_of_the_api(harness: Harness) -> None:
    """Nor by the cursor of a list that somebody else read."""
    api, admin = harness.cast.apis["user"], harness.cast.apis["super"]

    def declared(path: str) -> list[str]:
        refused = json.loads(api.get(f"{path}?no-such-filter=1").content)
        known = str(refused.get("params", {}).get("known", ""))
        return [name for name in known.split(", ") if name not in {"", "q", "cursor", "limit", "order"}]

    paths = lists_of_the_api()
    tried, wrong = crossed(harness.world, paths, api.get, declared)
    for path in paths:
        page = admin.get(f"{path}?limit=1")
        told = json.loads(text_of(page)) if page.status_code == 200 and not page.streaming else None
        cursor = told.get("next_cursor") if isinstance(told, dict) else None
        if cursor:
            found = text_of(api.get(f"{path}?limit=200&cursor={cursor}"))
            wrong += [f"{path}, cursor: {what}" for what in told_of(harness.world, found, cursor)]
    assert {"virtual-machines/?account", "events/?account", "jobs/?account"} <= tried, sorted(tried)
    assert not wrong, "\n".join(wrong)


def test_in_no_list_search_or_export_of_the_portal(harness: Harness) -> None:
    browser = harness.cast.browsers["user"]
    tried, wrong = crossed(harness.world, pages(), browser.get, drawn)
    assert len([each for each in tried if not each.endswith(("?", "?q", "?format", "?order"))]) > 20, tried
    assert not wrong, "\n".join(wrong)


def test_it_would_be_seen(harness: Harness) -> None:
    """To who may see everything all of it is told: the names and ids are those that the pages use."""
    admin = harness.cast.browsers["super"]
    seen = set(told_of(harness.world, text_of(admin.get("/virtual-machines/?format=csv")), ""))
    seen |= set(told_of(harness.world, text_of(admin.get("/virtual-machines/")), ""))
    assert "vm of other" in seen
    assert "account of other" in seen
    listed = text_of(harness.cast.apis["super"].get("virtual-machines/?limit=200"))
    assert "vm of other" in told_of(harness.world, listed, "")
