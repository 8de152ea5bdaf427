"""A place of its own for a test on running servers: topics by prefix, and databases that are migrated.

To make one costs half a second of a processor. So what a test has not touched, or what can be emptied to the last row,
is given to the next test; the rest is thrown away.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
from aiokafka.admin import AIOKafkaAdminClient
from clickhouse_connect import get_client
from sqlalchemy import make_url

from contracts.topics import TOPICS
from infra.addresses import Addresses
from infra.kafka.admin import delete_topics, ensure_topics
from infra.kafka.consumer import end_offsets
from projections.migrations.run import migrate_clickhouse, migrate_postgres

PARTITIONS = 3


def _database(dsn: str, name: str) -> str:
    return make_url(dsn).set(database=name).render_as_string(hide_password=False)


def _new_name() -> str:
    return f"t{uuid4().hex[:12]}"


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


class Topics:
    """Sets of topics by prefix. A set in which nothing was ever written, and that no group knows, is as good as new."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._free: list[str] = []

    def take(self) -> str:
        """Return the prefix of a set of empty topics."""
        if self._free:
            return self._free.pop()
        prefix = f"{_new_name()}-"
        asyncio.run(ensure_topics(self._bootstrap, PARTITIONS, prefix=prefix))
        return prefix

    def give_back(self, prefix: str) -> None:
        """Keep an untouched set, delete any other."""
        if asyncio.run(self._is_untouched(prefix)):
            self._free.append(prefix)
        else:
            asyncio.run(delete_topics(self._bootstrap, prefix))

    async def _is_untouched(self, prefix: str) -> bool:
        if any((await end_offsets(self._bootstrap, TOPICS, prefix)).values()):
            return False
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        try:
            found = {name for name in await admin.list_topics() if name.startswith(prefix)}
            groups = [name for name, _ in await admin.list_consumer_groups() if name.startswith(prefix)]
            return found == {f"{prefix}{name}" for name in TOPICS} and not groups
        finally:
            await admin.close()

    def close(self) -> None:
        """Delete what is kept."""
        for prefix in self._free:
            asyncio.run(delete_topics(self._bootstrap, prefix))


_TABLES = "SELECT name, create_table_query, total_rows FROM system.tables WHERE database = {name:String}"
_RUNNING = "SELECT count() FROM system.processes WHERE current_database = {name:String}"


class Tables:
    """Migrated ClickHouse databases. One is kept while its tables are those of its first day and nobody works in it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = get_client(dsn=url)
        self._free: list[str] = []
        self._first_day: dict[str, tuple[dict[str, str], dict[str, int]]] = {}

    def take(self) -> str:
        """Return the name of a database whose tables are empty."""
        if self._free:
            return self._free.pop()
        name = _new_name()
        self._client.command(f"CREATE DATABASE {name} ENGINE = Atomic")
        migrate_clickhouse(_database(self._url, name))
        self._first_day[name] = self._look(name)
        return name

    def give_back(self, name: str) -> None:
        """Empty a database, or drop it where its tables were changed or a query still runs."""
        tables, rows = self._look(name)
        first_tables, first_rows = self._first_day[name]
        running = self._client.query(_RUNNING, parameters={"name": name}).first_row[0]
        if running or tables != first_tables or any(rows[table] != count for table, count in first_rows.items() if count):
            self._client.command(f"DROP DATABASE {name} SYNC")
            return
        for table in tables:
            if rows[table] and not first_rows[table]:
                self._client.command(f"TRUNCATE TABLE {name}.{table} SYNC")
        self._free.append(name)

    def _look(self, name: str) -> tuple[dict[str, str], dict[str, int]]:
        """Return how each table is declared, and how many rows it has."""
        found = self._client.query(_TABLES, parameters={"name": name}).result_rows
        return {table: declared for table, declared, _ in found}, {table: rows or 0 for table, _, rows in found}

    def close(self) -> None:
        """Drop what is kept."""
        for name in self._free:
            self._client.command(f"DROP DATABASE {name} SYNC")
        self._client.close()


_OBJECTS = """
SELECT md5(string_agg(concat_ws('.', kind, id, name, more), ' ' ORDER BY kind, id, name)) FROM (
    SELECT 'class' AS kind, oid AS id, relname::text AS name, concat_ws(' ', relkind, relacl, relrowsecurity) AS more
    FROM pg_class WHERE oid >= 16384 AND relnamespace::regnamespace::text NOT LIKE 'pg_%'
    UNION ALL SELECT 'constraint', oid, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT 'column', attrelid, attname, concat_ws(' ', attnum, atttypid, attnotnull) FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT 'policy', oid, polname, NULL FROM pg_policy
    UNION ALL SELECT 'trigger', oid, tgname, NULL FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function', oid, proname, prosrc FROM pg_proc WHERE oid >= 16384
) AS objects
"""
_NAMES = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
_NUMBERS = "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences"
_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class _Database:
    """One Postgres database, as it was when it was copied from the template."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._objects = self._ask(_OBJECTS)
        self._tables = [name for (name,) in self._connection.execute(_NAMES).fetchall()]
        self._first_rows = {name: self._rows(name) for name in self._filled(self._tables)}
        self._first_numbers = self._numbers()

    def _rows(self, table: str) -> Any:
        return self._ask(f"SELECT array_agg(t::text ORDER BY t::text) FROM {table} AS t")

    def _ask(self, query: str) -> Any:
        row = self._connection.execute(query).fetchone()
        return row and row[0]

    def _numbers(self) -> dict[str, int | None]:
        return dict(self._connection.execute(_NUMBERS).fetchall())

    def _filled(self, tables: Sequence[str]) -> list[str]:
        asked = ", ".join(f"EXISTS (SELECT FROM {name})" for name in tables)
        found = self._connection.execute(f"SELECT {asked}").fetchone() or ()
        return [name for name, filled in zip(tables, found, strict=True) if filled]

    def is_emptied(self) -> bool:
        """End all sessions and remove the rows of tests; False when more has changed than rows that can be removed."""
        self._connection.execute(_END_SESSIONS)
        if self._ask(_OBJECTS) != self._objects:
            return False
        if any(self._rows(name) != rows for name, rows in self._first_rows.items()):
            return False
        filled = [name for name in self._filled(self._tables) if name not in self._first_rows]
        if filled:
            self._connection.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
        moved = [name for name, number in self._numbers().items() if number != self._first_numbers[name]]
        if any(self._first_numbers[name] is not None for name in moved):
            return False
        for name in moved:
            self._connection.execute(f"ALTER SEQUENCE {name} RESTART")
        return True

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()


class Databases:
    """Migrated Postgres databases. One is kept while only rows have changed in it."""

    def __init__(self, dsn: str, template: str) -> None:
        self._dsn, self._template = dsn, template
        self._free: list[str] = []
        self._known: dict[str, _Database] = {}

    def take(self) -> str:
        """Return the address of a database whose tables are as the migrations left them."""
        if self._free:
            return self._free.pop()
        name = _new_name()
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}" STRATEGY FILE_COPY')
        dsn = _database(self._dsn, name)
        self._known[dsn] = _Database(dsn)
        return dsn

    def give_back(self, dsn: str) -> None:
        """Empty a database, or drop it; a test may have shut it for everyone."""
        try:
            emptied = self._known[dsn].is_emptied()
        except psycopg.OperationalError:
            emptied = False
        if emptied:
            self._free.append(dsn)
        else:
            self._drop(dsn)

    def _drop(self, dsn: str) -> None:
        self._known.pop(dsn).close()
        self._execute(f'DROP DATABASE "{make_url(dsn).database}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        """By a connection of its own: a test may have killed the server meanwhile."""
        with psycopg.connect(self._dsn, autocommit=True) as conn:
            conn.execute(statement)

    def close(self) -> None:
        """Drop what is kept."""
        for dsn in self._free:
            self._drop(dsn)


class Places:
    """Places on running servers, given to one test after another."""

    def __init__(self, stack: Addresses, template: str) -> None:
        self._stack = stack
        self._topics, self._tables = Topics(stack.kafka_bootstrap), Tables(stack.clickhouse_url)
        self._databases = Databases(stack.postgres_dsn, template)

    @contextmanager
    def lend(self) -> Iterator[Addresses]:
        """Give a place away, and see to what is left of it afterwards."""
        prefix, dsn, tables = self._topics.take(), self._databases.take(), self._tables.take()
        try:
            yield replace(self._stack, topic_prefix=prefix, postgres_dsn=dsn, clickhouse_url=_database(self._stack.clickhouse_url, tables))
        finally:
            self._databases.give_back(dsn)
            self._topics.give_back(prefix)
            self._tables.give_back(tables)

    def close(self) -> None:
        """Take everything away."""
        self._topics.close()
        self._tables.close()
        self._databases.close()


@contextmanager
def new_place(stack: Addresses, template: str) -> Iterator[Addresses]:
    """Make a single place, and take it away afterwards."""
    places = Places(stack, template)
    try:
        with places.lend() as place:
            yield place
    finally:
        places.close()
