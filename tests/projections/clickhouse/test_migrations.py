"""The schema that the ClickHouse migrations make."""

import pytest

from infra.addresses import Addresses
from projections.migrations.run import downgrade_clickhouse, migrate_clickhouse
from projections.read_models.event_log.table import EVENT_LOG
from projections.read_models.sales_by_hour.table import SALES_BY_HOUR
from projections.read_models.sales_lines.table import RECEIPT_TENDERS, SALE_CORRECTIONS, SALES_LINES
from projections.sinks.clickhouse_facts_declared import FACTS
from tests.projections.clickhouse.driving import clickhouse

pytestmark = pytest.mark.stack

TABLES = (SALES_LINES, RECEIPT_TENDERS, SALE_CORRECTIONS, SALES_BY_HOUR, EVENT_LOG, *(declared.table for declared in FACTS.values()))


COLUMNS = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {name:String} ORDER BY position"
KEYS = "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {name:String}"
INDEXES = "SELECT name, expr FROM system.data_skipping_indices WHERE database = currentDatabase() AND table = {name:String}"


def described(place: Addresses, suffix: str) -> dict[str, object]:
    """Return what the engine says of our tables: columns, keys, engine, indexes."""
    found: dict[str, object] = {}
    with clickhouse(place) as client:
        for (name,) in client.query("SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name").result_rows:
            if name.endswith(suffix):
                said = [client.query(statement, parameters={"name": name}).result_rows for statement in (COLUMNS, KEYS, INDEXES)]
                found[name.removesuffix(suffix)] = said
    return found


def test_the_migrations_make_exactly_the_declared_tables(place: Addresses) -> None:
    """Tables made from the declarations, as a rebuild makes them, are the same as those made by the migrations."""
    client = clickhouse(place)
    for table in TABLES:
        client.command(table.create_statement(7))
    client.close()

    assert set(described(place, "_g1")) == {table.stem for table in TABLES}
    assert described(place, "_g1") == described(place, "_g7")


def test_migrations_go_down_and_up_again(place: Addresses) -> None:
    """Each direction may also run twice: ClickHouse has no transactions around its schema."""
    before = described(place, "_g1")
    migrate_clickhouse(place.clickhouse_url)
    downgrade_clickhouse(place.clickhouse_url)
    downgrade_clickhouse(place.clickhouse_url)

    assert described(place, "_g1") == {}
    migrate_clickhouse(place.clickhouse_url)
    assert described(place, "_g1") == before
