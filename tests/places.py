"""A place of its own for a test on running servers: topics by prefix, and databases that are migrated."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import psycopg
from clickhouse_connect import get_client
from sqlalchemy import make_url

from infra.addresses import Addresses
from infra.kafka.admin import delete_topics, ensure_topics
from projections.migrations.run import migrate_clickhouse, migrate_postgres

PARTITIONS = 3


def _database(dsn: str, name: str) -> str:
    return make_url(dsn).set(database=name).render_as_string(hide_password=False)


@contextmanager
def migrated_template(stack: Addresses) -> Iterator[str]:
    """Migrate one Postgres database that places are copied from."""
    name = f"tillstream_template_{uuid4().hex[:8]}"
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    migrate_postgres(_database(stack.postgres_dsn, name))
    yield name
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def new_place(stack: Addresses, template: str) -> Iterator[Addresses]:
    """Make a place, and take it away afterwards."""
    name = f"t{uuid4().hex[:12]}"
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection, get_client(dsn=stack.clickhouse_url) as clickhouse:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        clickhouse.command(f"CREATE DATABASE {name} ENGINE = Atomic")
    place = replace(
        stack,
        topic_prefix=f"{name}-",
        postgres_dsn=_database(stack.postgres_dsn, name),
        clickhouse_url=_database(stack.clickhouse_url, name),
    )
    migrate_clickhouse(place.clickhouse_url)
    asyncio.run(ensure_topics(stack.kafka_bootstrap, PARTITIONS, prefix=place.topic_prefix))
    try:
        yield place
    finally:
        asyncio.run(delete_topics(stack.kafka_bootstrap, place.topic_prefix))
        with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection, get_client(dsn=stack.clickhouse_url) as clickhouse:
            clickhouse.command(f"DROP DATABASE {name} SYNC")
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
