"""What a test leaves behind reaches no other test, though the next one may be given the same databases and topics."""

import asyncio

import psycopg
import pytest
from clickhouse_connect import get_client

from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.consumer import end_offsets
from infra.kafka.publisher import Publisher
from tests.places import Places

pytestmark = pytest.mark.stack

HOLD = "INSERT INTO delivery.holds (projection, ends, expires_at) VALUES ('sales', '{}', now()) RETURNING id"


def hold(place: Addresses) -> int:
    """Write a row with a number that a sequence gives."""
    with psycopg.connect(place.postgres_dsn) as connection:
        row = connection.execute(HOLD).fetchone()
        assert row is not None
        return int(row[0])


def in_clickhouse(place: Addresses, statement: str) -> None:
    """Change something in ClickHouse."""
    with get_client(dsn=place.clickhouse_url) as client:
        client.command(statement)


def lines(place: Addresses) -> int:
    """Count the rows of a ClickHouse table."""
    with get_client(dsn=place.clickhouse_url) as client:
        return int(client.query("SELECT count() FROM sales_lines_g1").first_row[0])


async def written(place: Addresses) -> None:
    """Write a record to a topic."""
    async with Publisher(place.kafka_bootstrap, "tests", prefix=place.topic_prefix) as publisher:
        await publisher.publish_all([OutboundRecord(STORE_FACTS, b"A", b"{}", [])])


def test_rows_and_records_are_gone(places: Places) -> None:
    """The same databases come empty, their sequences at the beginning; topics that were written to do not come again."""
    with places.lend() as first:
        assert hold(first) == 1
        in_clickhouse(first, "INSERT INTO sales_lines_g1 (event_id) VALUES (generateUUIDv4())")
        assert lines(first) == 1
        asyncio.run(written(first))
    with places.lend() as second:
        assert (second.postgres_dsn, second.clickhouse_url) == (first.postgres_dsn, first.clickhouse_url)
        assert second.topic_prefix != first.topic_prefix
        assert hold(second) == 1
        assert lines(second) == 0
        assert not any(asyncio.run(end_offsets(second.kafka_bootstrap, [STORE_FACTS], second.topic_prefix)).values())


def test_numbers_of_rows_that_are_gone_begin_anew(places: Places) -> None:
    """A sequence moves also where its row was removed again."""
    with places.lend() as first:
        hold(first)
        with psycopg.connect(first.postgres_dsn) as connection:
            connection.execute("DELETE FROM delivery.holds")
    with places.lend() as second:
        assert second.postgres_dsn == first.postgres_dsn
        assert hold(second) == 1


def test_a_database_that_was_shut_does_not_come_again(places: Places) -> None:
    """Also where its sessions were ended, that of whoever keeps it among them."""
    with places.lend() as first, psycopg.connect(first.postgres_dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with places.lend() as second:
        assert second.postgres_dsn != first.postgres_dsn


def test_what_was_not_touched_comes_again(places: Places) -> None:
    """Nothing is made anew for a test that only looks."""
    with places.lend() as first:
        lines(first)
    with places.lend() as second:
        assert second == first


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE delivery.extra (number int)",
        "ALTER TABLE delivery.holds ADD CONSTRAINT narrow CHECK (projection <> 'stock')",
        "ALTER TABLE delivery.holds ALTER COLUMN expires_at DROP NOT NULL",
        "DELETE FROM delivery.alembic_version",
    ],
)
def test_a_changed_database_does_not_come_again(places: Places, change: str) -> None:
    """In Postgres what is more than rows of a test is not repaired but thrown away."""
    with places.lend() as first, psycopg.connect(first.postgres_dsn, autocommit=True) as connection:
        connection.execute(change)
    with places.lend() as second:
        assert second.postgres_dsn != first.postgres_dsn


@pytest.mark.parametrize("change", ["ALTER TABLE sales_lines_g1 ADD CONSTRAINT c CHECK sku != 'x'", "DROP TABLE sales_lines_g1 SYNC"])
def test_changed_tables_do_not_come_again(places: Places, change: str) -> None:
    """In ClickHouse neither."""
    with places.lend() as first:
        in_clickhouse(first, change)
    with places.lend() as second:
        assert second.clickhouse_url != first.clickhouse_url
