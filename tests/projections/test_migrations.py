"""The Postgres migrations: up, down and up again, and the tables that the code declares are the tables that they make."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, Table, make_url

from infra.addresses import Addresses
from infra.postgres.engine import sync_engine
from projections.migrations.run import downgrade_postgres, migrate_postgres
from projections.read_models.attendance_day.table import attendance_tables
from projections.read_models.event_index.table import event_index
from projections.read_models.incoming_goods.table import incoming_tables
from projections.read_models.open_alerts.table import alert_tables
from projections.read_models.reference_data.table import reference_data
from projections.read_models.reorder_recommendations.table import reorder_tables
from projections.read_models.stock_on_hand.table import stock_tables
from projections.read_models.stores.table import reference_tables
from projections.read_models.till_days.table import till_day_tables
from projections.read_models.till_periods.table import till_period_tables

pytestmark = pytest.mark.stack

LATER = {
    *("write.letter_decisions", "delivery.consumers", "delivery.holds", "delivery.archive_checks"),
    *("delivery.log_reads", "delivery.log_digest", "delivery.log_events", "delivery.log_conflicts", "delivery.store_days_checked"),
    *("write.reconciliations", "write.reconciliation_findings"),
    *("write.archive_retention", "write.archive_files", "write.archive_drops"),
}
"""Tables beside the read models that came after the first revision."""
TABLES = "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema !~ '^(pg_|information_schema)'"


@pytest.fixture
def empty_database(stack: Addresses) -> Iterator[str]:
    """Make a database without any table."""
    name = f"m{uuid4().hex[:12]}"
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield make_url(stack.postgres_dsn).set(database=name).render_as_string(hide_password=False)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {row[0] for row in connection.execute(TABLES).fetchall()}


def test_migrations_go_up_down_and_up_again(empty_database: str) -> None:
    """What one revision makes, its way back takes away, step by step."""
    migrate_postgres(empty_database)
    whole = _tables(empty_database)
    migrate_postgres(empty_database)
    downgrade_postgres(empty_database, "0001")
    without_models = _tables(empty_database)
    downgrade_postgres(empty_database)
    nothing = _tables(empty_database)
    migrate_postgres(empty_database)

    assert _tables(empty_database) == whole
    assert without_models == {table for table in whole if not table.startswith("read_g1.")} - LATER
    assert nothing == {"delivery.alembic_version"}


def _declared() -> list[Table]:
    bundles = (
        stock_tables(1),
        incoming_tables(1),
        attendance_tables(1),
        alert_tables(1),
        reorder_tables(1),
        reference_tables(1),
        till_day_tables(1),
        till_period_tables(1),
    )
    return [event_index(1), reference_data(1), *(table for bundle in bundles for table in vars_of(bundle))]


def vars_of(bundle: object) -> list[Table]:
    """Return the tables of a frozen bundle."""
    return [getattr(bundle, name) for name in bundle.__dataclass_fields__]  # type: ignore[attr-defined]


def test_declared_tables_are_those_that_migrations_make(place: Addresses) -> None:
    """Readers and writers never name a column that is not there."""
    metadata = MetaData()
    for table in _declared():
        table.to_metadata(metadata)
    engine = sync_engine(place.postgres_dsn, "tests")
    with engine.connect() as connection:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _: name == "read_g1" if kind == "schema" else True,
            "include_object": lambda _object, _name, kind, *_: kind != "index",
            "compare_type": True,
        }
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    engine.dispose()

    assert differences == []
    assert len(metadata.tables) == 35
