"""Every table of Postgres lives in one of three schemas: what is true, what was delivered, what is read."""

import psycopg
import pytest

from infra.addresses import Addresses

FOREIGN = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN ('information_schema', 'pg_catalog')"


@pytest.mark.stack
def test_every_table_is_in_write_delivery_or_a_generation(place: Addresses) -> None:
    """A table elsewhere would belong to no backup and to no rebuild."""
    with psycopg.connect(place.postgres_dsn) as connection:
        tables = connection.execute(FOREIGN).fetchall()

    outside = [f"{schema}.{name}" for schema, name in tables if schema not in {"write", "delivery"} and not schema.startswith("read_g")]
    assert outside == []
    assert {"write", "delivery"} <= {schema for schema, _ in tables}
