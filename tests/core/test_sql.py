"""Statements written out: what they answer, on both databases, and that PostgreSQL keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

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
@pytest.mark.django_db(transaction=True)
def test_a_table_that_was_changed_meanwhile_costs_one_request() -> None:
    """The statement would fail on this connection for ever; whoever asks again gets another."""
    for _time in range(3):
        sql.rows(STATEMENT, {"name": "North"})
    change = "ALTER TABLE zones_region ALTER COLUMN name TYPE varchar({})"
    elsewhere = connection.copy()
    try:
        with elsewhere.cursor() as cursor:
            cursor.execute(change.format(321))
        with pytest.raises(OperationalError), transaction.atomic():
            sql.rows(STATEMENT, {"name": "North"})
        connection.close_if_unusable_or_obsolete()
        assert sql.rows(STATEMENT, {"name": "North"}) == []
    finally:
        with elsewhere.cursor() as cursor:
            cursor.execute(change.format(100))
        elsewhere.close()


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


@pytest.mark.databases
@pytest.mark.django_db
def test_statistics_are_counted_where_the_database_does_not_do_it_itself() -> None:
    Region.objects.bulk_create(Region(name=str(n), name_key=str(n), name_sort=str(n)) for n in range(20))
    sql.refresh_statistics(Region._meta.db_table)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM sqlite_stat1 WHERE tbl = 'zones_region'")
            assert cursor.fetchone()[0] > 0
