"""Reconciliation on the real stack: it passes when everything is there, and finds each damage down to the event."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from contracts.codec import encode
from contracts.events.registry import SALE_RETURNED, SALE_VOIDED
from contracts.records import OutboundRecord
from contracts.topics import ALERTS, STORE_FACTS
from infra.addresses import Addresses
from infra.clickhouse.client import async_reader
from infra.kafka.publisher import Publisher
from infra.postgres.engine import async_engine
from projections.reconcile.clickhouse_digest import SalesDigest, SumsCheck
from projections.reconcile.compare import Digest, Key
from projections.reconcile.covered import FACTS_MODELS, POSTGRES_MODELS
from projections.reconcile.facts_digest import FactsDigest
from projections.reconcile.plan import plan_repairs
from projections.reconcile.postgres_digest import PostgresDigest, StoreEnds
from projections.reconcile.report import Report
from projections.reconcile.run import ReconcileOptions, reconcile
from tests.projections.applying import apply_log
from tests.projections.clickhouse.driving import publish
from tests.projections.clickhouse.sales_events import at, corrected, line, sale
from tests.projections.reconcile.damages import OTHERS, SALES, SUMS, Damage, in_postgres
from tests.projections.reconcile.telling import MODELS, event, project, spoken, story, tell

pytestmark = pytest.mark.stack


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


def test_the_sums_count_what_the_facts_count(place: Addresses) -> None:
    """Lines of services and returns, a void before the receipt was complete, what was corrected away: each side says the same of them."""
    rows = [line(1, 500), line(2, 30, kind="service"), line(3, 40, kind="return")]
    wrong = sale("R2", at(9), line(1, 300))
    voids = [sale(f"V-{phase}", at(9), *rows, kind=SALE_VOIDED, phase=phase) for phase in ("after_completion", "before_completion")]
    publish(place, [sale("R1", at(9), *rows), wrong, corrected("C1", wrong), sale("T1", at(9), *rows, kind=SALE_RETURNED), *voids])
    apply_log(place, "sales")

    assert asyncio.run(_wrong_sums(place)) == {}


async def _wrong_sums(place: Addresses) -> dict[Key, str]:
    client = await async_reader(place.clickhouse_url)
    client.form_encode_query_params = True
    try:
        return await SumsCheck(client, 1).wrong()
    finally:
        await client.close()


def test_damages_of_all_models_at_once_are_each_found_and_named(place: Addresses) -> None:
    """None hides another: each has a finding of its own."""
    tell(place)
    project(place)
    for damage in (*SALES.values(), *OTHERS.values()):
        damage.do(place)
    found = [(d.model, d.kind, d.event_id or "/".join(d.key)) for d in judged(place).differences]
    for name, damage in (SALES | OTHERS).items():
        model, kind, event_id = damage.said
        own = next((each for each in found if each[:2] == (model, kind) and each[2].startswith(event_id)), None)
        assert own is not None, (name, found)
        found.remove(own)


@pytest.mark.parametrize(
    "damages",
    [pytest.param(SALES, marks=pytest.mark.long), SUMS, pytest.param(OTHERS, marks=pytest.mark.long)],
    ids=["sales", "sums", "others"],
)
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


def test_a_conflicting_duplicate_is_told_until_it_is_corrected_and_no_record_is_read_twice(place: Addresses) -> None:
    """Each model keeps the first content; the other is told. Each run reads what was added, and knows what earlier ones had read.

    A correction that came before the conflict settles nothing: whoever wrote it did not know of the other content.
    """
    first, other = sale("R1", at(9), line(1, 500)), sale("R1", at(9), line(1, 900))
    publish(place, [first])
    assert judged(place).read == 1
    publish(place, [other])
    report = judged(place)
    assert (report.read, report.records) == (1, 2)
    project(place)
    report = judged(place)

    assert (report.verdict, report.read, report.repeats) == ("PASS", 0, 1)
    (conflict,) = report.open_conflicts
    assert (conflict.event_id, conflict.first[-2:], conflict.later[-2:]) == (event("R1"), "/0", "/1")
    assert [step.action for step in plan_repairs(report.differences, report.open_conflicts)] == ["settle_conflict"]

    publish(place, [corrected("C1", first, other)])
    project(place)
    report = judged(place)
    assert (report.verdict, len(report.conflicts), report.open_conflicts) == ("PASS", 1, [])

    early = sale("R2", at(9))
    publish(place, [early, corrected("C2", early), sale("R2", at(9), line(1, 900))])
    assert [conflict.event_id for conflict in judged(place).open_conflicts] == [event("R2")]


def test_a_log_that_is_not_the_one_that_was_read_is_not_verified(place: Addresses) -> None:
    """It ends earlier, or has another record in a place: a reading anew is asked for, and heals it."""
    publish(place, [sale("R1", at(9)), sale("R2", at(10))])
    project(place)
    assert judged(place).verdict == "PASS"
    in_postgres("UPDATE delivery.log_reads SET next_offset = next_offset + 5 WHERE next_offset > 0")(place)
    shorter = judged(place)
    assert shorter.verdict == "UNVERIFIED"
    assert "the log ends at offset 2, but was read up to 7 before: it has lost records" in shorter.unverified[0]

    in_postgres("UPDATE delivery.log_reads SET next_offset = next_offset - 5, last_hash = last_hash + 1 WHERE next_offset > 0")(place)
    publish(place, [sale("R3", at(11))])
    other = judged(place)
    assert other.verdict == "UNVERIFIED"
    assert "offset 1 is another record than when it was read" in other.unverified[0]
    project(place)
    again = asyncio.run(reconcile(place, ReconcileOptions(wait_seconds=0, fresh=True)))
    assert (again.verdict, again.read, again.events) == ("PASS", 3, 3)


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

    in_postgres("UPDATE delivery.dead_letters SET disposition = 'applied' WHERE projection = 'sales'")(place)
    applied = judged(place)
    assert [(d.model, d.kind, d.event_id) for d in applied.differences] == [("sales", "missing", event("R1"))]


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
