"""Tell the read models that the business checks read a whole story, as their sinks would, and run checks over what they hold then."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from contracts.codec import encode
from contracts.envelope import Event
from contracts.records import RawRecord
from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.addresses import Addresses
from infra.clickhouse.client import async_reader, async_writer, writer
from infra.postgres.engine import async_engine
from producers.simulator.world import SimulatedRecord
from projections.read_models.reference_data.mapping import COVERED_TYPES as REFERENCE_TYPES
from projections.reconcile.business.catalogue import CHECKS, run_checks
from projections.reconcile.checks import BusinessCheck, CheckOutcome, Connections, Scope
from projections.sinks.clickhouse_archive import ArchiveModel
from projections.sinks.clickhouse_facts import FactsModel
from projections.sinks.clickhouse_facts_declared import FACTS
from projections.sinks.clickhouse_sales import SalesModel
from tests.projections.clickhouse.driving import seen
from tests.projections.folding import empty, fold_steps

POSTGRES = ("stores", "reference_data", "till_days", "till_periods", "stock_on_hand")
WHOLE = Scope(date(2026, 1, 1), date(2026, 12, 31))


def log_of(story: Iterable[tuple[datetime, Event[Any]]]) -> dict[str, list[RawRecord]]:
    """Write events down on one partition of each topic, each recorded when it arrived."""
    logs: dict[str, list[RawRecord]] = {STORE_FACTS: [], REFERENCE_DATA: []}
    for arrival, event in story:
        topic = REFERENCE_DATA if event.type in REFERENCE_TYPES else STORE_FACTS
        written, log = encode(event, topic, 0), logs[topic]
        log.append(RawRecord(topic, 0, len(log), int(arrival.timestamp() * 1000), written.key, written.value, written.headers))
    return logs


def arrivals(records: Iterable[SimulatedRecord]) -> list[tuple[datetime, Event[Any]]]:
    """Return what a simulation sends, but its ticks."""
    return [(record.arrival, record.event) for record in records if record.route != "tick"]


def tell(place: Addresses, story: Iterable[tuple[datetime, Event[Any]]]) -> None:
    """Fold a story from zero into every read model that the checks read."""
    asyncio.run(_tell(place, log_of(story)))


def check(place: Addresses, clock: datetime | None, scope: Scope = WHOLE, *checks: BusinessCheck) -> dict[str, CheckOutcome]:
    """Run checks (all of them where none is named) by a clock, and return what they say by their names."""
    return {outcome.name: outcome for outcome in asyncio.run(_check(place, clock, scope, checks or CHECKS))}


def said(outcome: CheckOutcome) -> list[tuple[str, date, str]]:
    """Return store, date and subject of all findings, sorted."""
    return sorted((finding.store_id, finding.business_date, finding.subject) for finding in outcome.findings)


async def _tell(place: Addresses, logs: dict[str, list[RawRecord]]) -> None:
    for projection in POSTGRES:
        await asyncio.to_thread(empty, place, projection)
    with writer(place.clickhouse_url) as client:
        for model in _models():
            for table in model.tables:
                client.command(f"TRUNCATE TABLE {table.name(1)}")
    for projection in POSTGRES:
        topics = [REFERENCE_DATA] if projection in {"stores", "reference_data"} else [STORE_FACTS]
        await fold_steps(place, projection, [logs[topic] for topic in topics])
    for model in _models():
        await _insert(place, model, logs[STORE_FACTS])


def _models() -> tuple[Any, ...]:
    return SalesModel(), FactsModel(FACTS["stock_ledger"], 1, True), ArchiveModel("log")


async def _insert(place: Addresses, model: Any, records: Sequence[RawRecord]) -> None:
    client = await async_writer(place.clickhouse_url)
    client.form_encode_query_params = True
    model.connect(client)
    try:
        work = await model.prepare(seen(model, records))
        await model.insert(work)
    finally:
        await client.close()


async def _check(place: Addresses, clock: datetime | None, scope: Scope, checks: Sequence[BusinessCheck]) -> list[CheckOutcome]:
    engine, client = async_engine(place.postgres_dsn, "tests"), await async_reader(place.clickhouse_url)
    try:
        return await run_checks(Connections(engine, client, clock), scope, checks)
    finally:
        await client.close()
        await engine.dispose()
