"""Ways to harm a read model, and what reconciliation must say of each."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from infra.addresses import Addresses
from tests.projections.clickhouse.driving import clickhouse
from tests.projections.reconcile.telling import event, spoken
from tests.projections.story import recommended
from tests.projections.story import store as store_defined


@dataclass(frozen=True)
class Damage:
    """One way to harm a model, and what must be said of it."""

    do: Callable[[Addresses], None]
    said: tuple[str, str, str]


def in_clickhouse(statement: str) -> Callable[[Addresses], None]:
    """Return a damage done in ClickHouse."""

    def do(place: Addresses) -> None:
        with clickhouse(place) as client:
            client.command(statement)

    return do


def in_postgres(statement: str) -> Callable[[Addresses], None]:
    """Return a damage done in Postgres."""

    def do(place: Addresses) -> None:
        with psycopg.connect(place.postgres_dsn) as connection:
            connection.execute(statement)

    return do


SALES = {
    "a lost event": Damage(
        in_clickhouse(f"DELETE FROM sales_lines_g1 WHERE event_id = '{event('R3', 'S2')}'"), ("sales", "missing", event("R3", "S2"))
    ),
    "a lost line": Damage(
        in_clickhouse(f"DELETE FROM sales_lines_g1 WHERE event_id = '{event('R1')}' AND line = 2"), ("sales", "incomplete", event("R1"))
    ),
    "a lost tender": Damage(
        in_clickhouse(f"DELETE FROM receipt_tenders_g1 WHERE event_id = '{event('V1')}'"), ("sales", "incomplete", event("V1"))
    ),
    "a changed hash": Damage(
        in_clickhouse(
            f"ALTER TABLE sales_lines_g1 UPDATE event_hash = event_hash + 1 WHERE event_id = '{event('T1')}' SETTINGS mutations_sync = 2"
        ),
        ("sales", "other_content", event("T1")),
    ),
    "one too many": Damage(
        in_clickhouse(
            "INSERT INTO sales_lines_g1 SELECT * REPLACE (toUUID('00000000-0000-0000-0000-000000000001') AS event_id) "
            f"FROM (SELECT * FROM sales_lines_g1 WHERE event_id = '{event('R2')}')"
        ),
        ("sales", "extra", "00000000-0000-0000-0000-000000000001"),
    ),
    "a lost correction": Damage(
        in_clickhouse(f"DELETE FROM sale_corrections_g1 WHERE event_id = '{event('C2')}'"), ("sales", "missing", event("C2"))
    ),
    "a correction without its content": Damage(
        in_clickhouse(f"DELETE FROM sales_lines_g1 WHERE event_id = '{event('C1')}'"), ("sales", "incomplete", event("C1"))
    ),
}
SUMS = {
    "a lost sum": Damage(in_clickhouse("DELETE FROM sales_by_hour_g1 WHERE store_id = 'S2'"), ("sales", "wrong_sum", "")),
    "a changed sum": Damage(
        in_clickhouse("ALTER TABLE sales_by_hour_g1 UPDATE net = net + 1 WHERE store_id = 'S1' AND net = -340 SETTINGS mutations_sync = 2"),
        ("sales", "wrong_sum", ""),
    ),
    "a changed number of lines, the money as it was": Damage(
        in_clickhouse(
            "ALTER TABLE sales_by_hour_g1 UPDATE counted_lines = counted_lines + 1 WHERE store_id = 'S1' AND net = 450 "
            "SETTINGS mutations_sync = 2"
        ),
        ("sales", "wrong_sum", ""),
    ),
}
OTHERS = {
    "a lost row of the index": Damage(
        in_postgres(f"DELETE FROM read_g1.event_index WHERE event_id = '{event('P1')}'"), ("event_index", "missing", event("P1"))
    ),
    "a changed hash of stock": Damage(
        in_postgres(f"UPDATE read_g1.stock_on_hand_events SET event_hash = 5 WHERE event_id = '{event('N1')}'"),
        ("stock_on_hand", "other_content", event("N1")),
    ),
    "a lost order": Damage(
        in_postgres(f"DELETE FROM read_g1.incoming_goods_events WHERE event_id = '{event('O1')}'"),
        ("incoming_goods", "missing", event("O1")),
    ),
    "attendance on another day": Damage(
        in_postgres(f"UPDATE read_g1.attendance_day_events SET business_date = '2026-03-05' WHERE event_id = '{event('P1')}'"),
        ("attendance_day", "missing", event("P1")),
    ),
    "a lost receipt of a till period": Damage(
        in_postgres(f"DELETE FROM read_g1.till_period_events WHERE event_id = '{event('T1')}'"), ("till_periods", "missing", event("T1"))
    ),
    "a lost answer to an alert": Damage(
        in_postgres(f"DELETE FROM read_g1.alert_answer_events WHERE event_id = '{event('A1')}'"), ("open_alerts", "missing", event("A1"))
    ),
    "one transition instead of another": Damage(
        in_postgres(f"UPDATE read_g1.alert_transitions SET event_id = '{event('none')}' WHERE event_id = '{spoken()[1].id}'"),
        ("open_alerts", "extra", event("none")),
    ),
    "a lost transition of an alert": Damage(
        in_postgres(f"DELETE FROM read_g1.alert_transitions WHERE event_id = '{spoken()[0].id}'"),
        ("open_alerts", "missing", str(spoken()[0].id)),
    ),
    "a lost version of a store": Damage(
        in_postgres("DELETE FROM read_g1.store_versions WHERE version = 1"), ("stores", "missing", str(store_defined().id))
    ),
    "another version of reference data": Damage(
        in_postgres(f"UPDATE read_g1.reference_data SET event_id = '{event('none')}' WHERE version = 2"),
        ("reference_data", "extra", event("none")),
    ),
    "a lost revision of a recommendation": Damage(
        in_postgres("DELETE FROM read_g1.reorder_revisions WHERE revision = 1"),
        ("reorder_recommendations", "missing", str(recommended(1, 5).id)),
    ),
    "a lost letter of the rules": Damage(
        in_postgres("DELETE FROM delivery.dead_letters WHERE projection = 'processors'"), ("dead_letters", "missing", "")
    ),
    "a lost line of the ledger": Damage(
        in_clickhouse(f"DELETE FROM stock_ledger_g1 WHERE event_id = '{event('R1')}' AND line = 1"),
        ("stock_ledger", "incomplete", event("R1")),
    ),
    "a lost punch": Damage(
        in_clickhouse(f"DELETE FROM clock_events_g1 WHERE event_id = '{event('P1')}'"), ("clock_events", "missing", event("P1"))
    ),
    "a lost answer in the history": Damage(
        in_clickhouse(f"DELETE FROM alert_history_g1 WHERE event_id = '{event('A1')}'"), ("alert_history", "missing", event("A1"))
    ),
    "a changed hash of a transition in the history": Damage(
        in_clickhouse(
            "ALTER TABLE alert_history_g1 UPDATE event_hash = event_hash + 1 "
            f"WHERE event_id = '{spoken()[1].id}' SETTINGS mutations_sync = 2"
        ),
        ("alert_history", "other_content", str(spoken()[1].id)),
    ),
    "a lost transition in the history": Damage(
        in_clickhouse(f"DELETE FROM alert_history_g1 WHERE event_id = '{spoken()[2].id}'"),
        ("alert_history", "missing", str(spoken()[2].id)),
    ),
    "a hole in the archive": Damage(
        in_clickhouse(f"DELETE FROM event_log_g1 WHERE ce_id = '{event('N1')}'"), ("event_log", "missing", "store-facts-v1/")
    ),
    "an account that is gone": Damage(in_postgres("DELETE FROM delivery.ledger WHERE projection = 'sales'"), ("sales", "unaccounted", "")),
}
