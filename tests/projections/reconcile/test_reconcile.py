"""Reconciliation on the real stack: it passes when everything is there, and finds each damage down to the event."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from contracts.codec import build_event, encode
from contracts.envelope import Envelope, Event
from contracts.events.registry import ALERT_ANSWERED, CLOCKED_IN, STOCK_COUNTED, STOCK_ORDERED
from contracts.fields import Model
from contracts.identifiers import derived_id
from contracts.records import OutboundRecord
from contracts.topics import ALERTS, DEAD_LETTERS, REFERENCE_DATA, REORDER_RECOMMENDATIONS, STORE_FACTS
from infra.addresses import Addresses
from infra.clickhouse.client import async_reader
from infra.kafka.publisher import Publisher
from infra.postgres.engine import async_engine
from projections.generation_runners import run_generations
from projections.options import RunnerOptions
from projections.reconcile.clickhouse_digest import SalesDigest
from projections.reconcile.compare import Digest, Key
from projections.reconcile.covered import FACTS_MODELS, POSTGRES_MODELS
from projections.reconcile.facts_digest import FactsDigest
from projections.reconcile.postgres_digest import PostgresDigest, StoreEnds
from projections.reconcile.report import Report
from projections.reconcile.run import ReconcileOptions, reconcile
from tests.projections.clickhouse.driving import clickhouse, publish, publish_records
from tests.projections.clickhouse.sales_events import DAY, at, corrected, line, returned, sale, voided
from tests.projections.story import alert, recommended
from tests.projections.story import store as store_defined

pytestmark = pytest.mark.stack

MODELS = (
    *("event_index", "stock_on_hand", "incoming_goods", "attendance_day", "till_periods", "open_alerts"),
    *("stores", "reference_data", "reorder_recommendations", "dead_letters", "till_days"),
    *("sales", "stock_ledger", "clock_events", "alert_history", "event_log"),
)


def fact(kind: str, name: str, content: dict[str, Any], store: str = "S1") -> Event[Model]:
    """Return an event of another family."""
    envelope = Envelope(
        id=derived_id("test", store, name),
        source="test",
        type=kind,
        occurred_at=at(9),
        tenant_id="chain",
        store_id=store,
        business_date=DAY,
        history=True,
    )
    return build_event(envelope, content)


def story() -> list[Event[Model]]:
    """Return events of every family that is compared, with corrections and repeats."""
    first, second = sale("R1", at(9), line(1, 500), line(2, 70)), sale("R2", at(10), line(1, 300))
    punch = fact(CLOCKED_IN, "P1", {"employee_id": "E1"})
    events = [
        first,
        second,
        returned("T1", at(11), line(1, 40)),
        voided("V1", at(11), line(1, 300), tenders=[{"kind": "cash", "amount": 300}]),
        corrected("C1", first, sale("right", at(9), line(1, 450))),
        corrected("C2", second),
        corrected("C3", punch),
        punch,
        fact(STOCK_COUNTED, "N1", {"sheet_id": "N1", "lines": [{"line": 1, "sku": "SKU-1", "quantity": "12"}]}),
        fact(STOCK_ORDERED, "O1", {"purchase_order_id": "PO-1", "lines": [{"line": 1, "sku": "SKU-1", "quantity": "12"}]}),
        fact(ALERT_ANSWERED, "A1", {"alert_id": str(event("alert")), "rule": "no_show", "subject": "E1", "answer": "false_alarm"}),
        sale("R3", at(12), line(1, 10), store="S2"),
    ]
    return events + events[:3]


def spoken() -> list[Event[Model]]:
    """Return what rules say of two alerts, with a business date and without, and a repeat."""
    raised, undated = alert(1, "raised"), alert(1, "raised", "ben")
    undated = Event(undated.envelope.model_copy(update={"business_date": None}), undated.data)
    return [raised, alert(2, "resolved"), undated, raised]


def letter() -> OutboundRecord:
    """Return what a rule worker says of a record that it could not apply."""
    record = encode(sale("poison", at(9)), STORE_FACTS)
    about = [("x-source-topic", STORE_FACTS.encode()), ("x-source-partition", b"2"), ("x-source-offset", b"17"), ("x-reason", b"why")]
    return OutboundRecord(DEAD_LETTERS, record.key, b"{", [*record.headers, *about])


def tell(place: Addresses) -> None:
    """Put everything on the log; versions of a store come on both topics that have them."""
    publish(place, story())
    publish(place, spoken(), ALERTS)
    publish(place, [store_defined()])
    publish(place, [store_defined(), store_defined(version=2)], REFERENCE_DATA)
    publish(place, [recommended(1, 5), recommended(2, 7)], REORDER_RECOMMENDATIONS)
    publish_records(place, [letter()])


def project(place: Addresses) -> None:
    """Run the projections until reconciliation no longer finds one behind."""

    async def run() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(run_generations(MODELS, RunnerOptions(place), stop))
        waiting = asyncio.create_task(reconcile(place, ReconcileOptions(wait_seconds=60)))
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await asyncio.gather(running, waiting)

    asyncio.run(run())


def judged(place: Addresses, wait_seconds: float = 0) -> Report:
    """Reconcile."""
    return asyncio.run(reconcile(place, ReconcileOptions(wait_seconds=wait_seconds)))


async def _below_the_log(place: Addresses) -> list[dict[Key, Digest]]:
    """Return what each model has below an end vector of nothing."""
    engine, client = async_engine(place.postgres_dsn, "tests"), await async_reader(place.clickhouse_url)
    try:
        async with engine.connect() as conn:
            digests: list[Any] = [PostgresDigest(conn, each, 1, StoreEnds({}, 0), {0: 0}) for each in POSTGRES_MODELS]
            digests += [FactsDigest(client, each, 1, {STORE_FACTS: {0: 0}, ALERTS: {0: 0}}) for each in FACTS_MODELS]
            return [await digest.sums() for digest in (*digests, SalesDigest(client, 1, {0: 0}))]
    finally:
        await client.close()
        await engine.dispose()


def test_what_is_whole_passes(place: Addresses) -> None:
    """Repeats, corrections and every family: each model holds what the log has, and the report says how much that was.

    What a model holds beyond the end of the log as it was read is not looked at: a stack that lives goes on.
    """
    tell(place)
    project(place)
    report = judged(place)

    assert (report.verdict, report.differences, report.unverified, report.error) == ("PASS", [], [], None)
    found = json.loads(json.dumps(report.as_json()))
    assert found["log"] == {"records": 25, "records_read": 0, "events": 18, "repeats": 4, "conflicting_duplicates": []}
    assert {model: row["events"] for model, row in found["compared"].items()} == {
        "event_index": 12,
        "stock_on_hand": 8,
        "incoming_goods": 1,
        "attendance_day": 2,
        "till_periods": 7,
        "open_alerts": 4,
        "sales": 7,
        "stock_ledger": 8,
        "clock_events": 2,
        "alert_history": 4,
        "event_log": 25,
        "stores": 2,
        "reference_data": 2,
        "reorder_recommendations": 2,
        "dead_letters": 1,
    }
    assert asyncio.run(_below_the_log(place)) == [{}] * (len(POSTGRES_MODELS) + len(FACTS_MODELS) + 1)


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


def event(name: str, store: str = "S1") -> str:
    """Return an event's id."""
    return str(derived_id("test", store, name))


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


@pytest.mark.parametrize("damages", [SALES, SUMS, OTHERS], ids=["sales", "sums", "others"])
def test_each_damage_is_found_and_named(place: Addresses, damages: dict[str, Damage]) -> None:
    """Done one on top of the other, each adds exactly its own finding."""
    tell(place)
    project(place)
    assert judged(place).verdict == "PASS"
    before: set[tuple[str, str, str]] = set()
    for name, damage in damages.items():
        damage.do(place)
        report = judged(place)
        now: set[tuple[str, str, str]] = {(d.model, d.kind, d.event_id or "/".join(d.key)) for d in report.differences}
        model, kind, event_id = damage.said

        assert report.verdict == "MISMATCH", name
        assert any(found[:2] == (model, kind) and found[2].startswith(event_id) for found in now - before), (name, now - before)
        assert before <= now, name
        before = now


def test_a_conflicting_duplicate_is_told_and_is_no_mismatch(place: Addresses) -> None:
    """Every model keeps the first content; the other is on the log, in the archive, and in the report."""
    publish(place, [sale("R1", at(9), line(1, 500)), sale("R1", at(9), line(1, 900))])
    project(place)
    report = judged(place)

    assert report.verdict == "PASS"
    assert [conflict.event_id for conflict in report.open_conflicts] == [event("R1")]


def test_a_dead_letter_explains_what_the_models_do_not_have(place: Addresses) -> None:
    """A record whose content nobody can read is listed with its reason instead of counting as lost."""

    async def run() -> None:
        record = encode(sale("R1", at(9)), STORE_FACTS)
        async with Publisher(place.kafka_bootstrap, "test", place.topic_prefix) as publisher:
            await publisher.publish_all([OutboundRecord(record.topic, record.key, b'{"receipt_id": 7}', record.headers)])

    asyncio.run(run())
    publish(place, [sale("R2", at(9))])
    project(place)
    report = judged(place)

    assert report.verdict == "PASS"
    assert {(d.model, d.kind, d.event_id) for d in report.explained} == {
        (m, "missing", event("R1")) for m in ("sales", "stock_ledger", "stock_on_hand", "till_periods")
    }


def test_what_could_not_be_looked_at_is_not_verified(place: Addresses) -> None:
    """A model that is behind, a store that does not answer, a log that is not there: none of them passes."""
    publish(place, story())
    behind = judged(place)
    assert (behind.verdict, [row for row in behind.compared if row.events]) == ("UNVERIFIED", [])
    silent = {"reference_data", "reorder_recommendations", "dead_letters", "till_days"}
    assert all(any(text.startswith(f"{model}: ") for text in behind.unverified) for model in set(MODELS) - silent)

    project(place)
    no_store = judged(replace(place, clickhouse_url="http://nobody:x@127.0.0.1:1/none"))
    assert no_store.verdict == "UNVERIFIED"
    assert [row.model for row in no_store.compared] == [
        "event_index",
        "stock_on_hand",
        "incoming_goods",
        "attendance_day",
        "till_periods",
        "open_alerts",
        "stores",
        "reference_data",
        "reorder_recommendations",
        "dead_letters",
    ]

    assert judged(replace(place, kafka_bootstrap="127.0.0.1:1")).verdict == "UNVERIFIED"

    publish(place, spoken(), ALERTS)
    assert {text.split(":")[0] for text in judged(place).unverified} == {"open_alerts", "alert_history", "event_log"}
