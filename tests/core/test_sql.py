"""Statements written out: what they answer, on both databases, and that PostgreSQL keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from apps.core import sql
from apps.zones.models import Region

STATEMENT = "SELECT name FROM zones_region WHERE name = %(name)s"


@pytest.mark.databases
@pytest.mark.django_db
def test_rows_are_answered_and_changes_counted() -> None:
    Region.objects.create(name="North")
    rename = "UPDATE zones_region SET name = %(new)s WHERE name = %(old)s"

    assert sql.rows(STATEMENT, {"name": "North"}) == [("North",)]
    assert sql.changed(rename, {"old": "North", "new": "Süd"}) == 1
    assert sql.changed(rename, {"old": "North", "new": "Süd"}) == 0
    assert sql.rows(STATEMENT, {"name": "Süd"}) == [("Süd",)]


@pytest.mark.databases
@pytest.mark.django_db
def test_statements_count_as_queries_like_any_other(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1) as counted:
        sql.rows(STATEMENT, {"name": "North"})

    assert "zones_region" in counted[0]["sql"]


@pytest.mark.postgres
@pytest.mark.django_db
def test_postgresql_keeps_them_prepared() -> None:
    for _time in range(3):
        sql.rows(STATEMENT, {"name": "North"})

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement FROM pg_prepared_statements WHERE statement LIKE %s", ["%zones_region%"]
        )
        assert cursor.fetchall() == [(STATEMENT.replace("%(name)s", "$1"),)]
