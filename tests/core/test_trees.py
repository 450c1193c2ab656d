"""`path__within`: a node and all below it, by a range of the index, on every database."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from django.db import connection
from django.db.models import Exists, ExpressionWrapper, F, OuterRef

from apps.accounts.models import Account, Domain
from apps.core import trees
from tests.factories import make_account, make_domain, root_domain

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def at(path: str) -> Domain:
    """A domain at a path of the test's choice."""
    domain = make_domain()
    Domain.objects.filter(pk=domain.pk).update(path=path)
    domain.refresh_from_db()
    return domain


def paths(top: str) -> set[str]:
    return {row.path or "" for row in Domain.objects.filter(path__within=top)}


def test_a_subtree_is_its_top_and_what_lies_below() -> None:
    for path in ("/0/7/", "/0/7/8/", "/0/7/70/9/", "/0/70/", "/0/6/", "/0/", "/07/7/"):
        at(path)
    assert paths("/0/7/") == {"/0/7/", "/0/7/8/", "/0/7/70/9/"}


def test_a_filter_and_a_look_at_one_row_agree() -> None:
    top = make_domain()
    inner, other = make_domain(make_domain(top)), make_domain()
    for domain in (root_domain(), top, inner, other):
        found = Domain.objects.filter(path__within=top.path).filter(pk=domain.pk).exists()
        assert found == trees.is_within(domain.path, top.path)
        assert found == (top.pk in trees.keys_of(domain.path))


def test_a_row_without_a_path_is_in_no_tree() -> None:
    lost = make_domain()
    Domain.objects.filter(pk=lost.pk).update(path=None)
    assert not Domain.objects.filter(path__within=root_domain().path).filter(pk=lost.pk).exists()
    assert not trees.is_within(None, root_domain().path)
    assert not trees.is_within("/1/", None)


@pytest.mark.parametrize("path", ["", "/1/7", "1"])
def test_what_would_find_its_neighbours_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        list(Domain.objects.filter(path__within=path))
    with pytest.raises(ValueError, match="not a path"):
        trees.is_within("/1/70/", path)


def test_the_path_may_be_another_rows() -> None:
    """As a grant's place leads to all that lies below."""
    top = make_domain()
    inner, other = make_domain(top), make_domain()
    tops = Domain.objects.filter(pk=top.pk)
    outer = ExpressionWrapper(OuterRef("path"), output_field=Domain._meta.get_field("path"))
    assert set(Domain.objects.filter(Exists(tops.alias(at=outer).filter(at__within=F("path"))))) == {
        top,
        inner,
    }
    covered = Domain.objects.alias(top_path=tops.values("path")[:1]).filter(path__within=F("top_path"))
    assert set(covered) == {top, inner}
    assert other not in covered


def test_rows_of_the_tree_are_found_through_what_refers_to_it() -> None:
    top = make_domain()
    mine, below, _beside = make_account(top), make_account(make_domain(top)), make_account()
    assert set(Account.objects.filter(domain__path__within=top.path)) == {mine, below}


def many_domains(count: int = 5000) -> None:
    """Enough that no database reads them all for the sake of a few."""
    root = root_domain()
    rows = [Domain(name=f"n{n}", name_key=f"n{n}", name_sort=f"n{n}", parent=root) for n in range(count)]
    made = Domain.objects.bulk_create(rows)
    for domain in made:
        domain.path = trees.path_of(root.path, domain.pk)
    for low, high in pairwise(range(0, count + 1, 500)):
        Domain.objects.bulk_update(made[low:high], ["path"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_domain")


@pytest.mark.parametrize("as_expression", [False, True])
def test_an_index_leads_to_a_subtree(as_expression: bool) -> None:
    many_domains()
    top = Domain.objects.get(name="n77")
    rows = Domain.objects.filter(path__within=top.path)
    if as_expression:
        path = Domain.objects.filter(pk=top.pk).values("path")[:1]
        rows = Domain.objects.filter(path__within=path)
    assert [row.name for row in rows] == ["n77"]
    plan = rows.explain()
    index = r"accounts_domain_path_\w+_like\b.*\n +Index Cond: .*~>=~"
    wanted = index if connection.vendor == "postgresql" else r"\(path>\? AND path<\?\)"
    assert re.search(wanted, plan), plan
