"""Drive a sink as a runner would, on the real log and the real stores, and read back what it made of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
from clickhouse_connect import get_client

from contracts.codec import encode
from contracts.envelope import Event
from contracts.fields import Model
from contracts.records import LogRecord, OutboundRecord, RawRecord
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.clickhouse.client import WRITER_SETTINGS
from infra.kafka.consumer import Partition, Record, end_offsets, read_range
from infra.kafka.publisher import Publisher
from infra.postgres.engine import async_engine
from projections.batching import Batch, LedgerRow, Part, part_batch
from projections.options import CrashPoints, NoCrashPoints, Safeguards
from projections.positions import claim
from projections.read_models.sales_by_hour.table import MEASURES
from projections.sinks.clickhouse import event_log_sink, sales_sink
from projections.sinks.sink import SinkContext
from tests.projections.clickhouse.oracle import HourKey, Sums

FACTORIES = {"sales": sales_sink, "event_log": event_log_sink}


def publish(place: Addresses, events: Sequence[Event[Model]], topic: str = STORE_FACTS) -> None:
    """Write events to the log, in their order."""
    publish_records(place, [encode(event, topic) for event in events])


def publish_records(place: Addresses, records: Sequence[OutboundRecord]) -> None:
    """Write records to the log as they are, in their order."""

    async def run() -> None:
        async with Publisher(place.kafka_bootstrap, "test", place.topic_prefix) as publisher:
            await publisher.publish_all(records)

    asyncio.run(run())


def seen(model: Any, records: Sequence[LogRecord]) -> list[Any]:
    """Return what a model sees in records, as a sink hands it back to the model."""
    return list(model.read(0, records))


async def read_all(place: Addresses, topics: Sequence[str] = (STORE_FACTS,)) -> dict[Partition, list[RawRecord]]:
    """Read the whole log as a runner hands it to its sink: topics by their declared names."""
    found: dict[Partition, list[RawRecord]] = {}

    def take(partition: Partition, records: list[Record]) -> None:
        found.setdefault(partition, []).extend(
            RawRecord(partition.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers) for r in records
        )

    ends = await end_offsets(place.kafka_bootstrap, topics, place.topic_prefix)
    await read_range(place.kafka_bootstrap, dict.fromkeys(ends, 0), ends, take, place.topic_prefix)
    return found


def drive(
    place: Addresses,
    projection: str = "sales",
    records_per_batch: int = 1_000,
    safeguards: Safeguards = Safeguards(),  # noqa: B008 - frozen
    crash_points: CrashPoints | None = None,
    topics: Sequence[str] = (STORE_FACTS,),
) -> list[LedgerRow]:
    """Claim all partitions, go on from the stored positions to the end of the log, and return the accounts."""

    async def run() -> list[LedgerRow]:
        engine = async_engine(place.postgres_dsn, "test")
        sink = FACTORIES[projection](SinkContext(projection, 1, engine, place, safeguards, crash_points or NoCrashPoints()))
        accounts: list[LedgerRow] = []
        try:
            await sink.start()
            log = await read_all(place, topics)
            async with engine.begin() as conn:
                claims = await claim(conn, projection, 1, [Part(tp.topic, tp.partition) for tp in log])
            left = {tp: records[claims[Part(tp.topic, tp.partition)].next_offset :] for tp, records in log.items()}
            while any(left.values()):
                parts = []
                for tp, records in left.items():
                    taken, left[tp] = records[:records_per_batch], records[records_per_batch:]
                    if taken:
                        part = Part(tp.topic, tp.partition)
                        parts.append(part_batch(part, claims[part].epoch, taken[0].offset, taken))
                accounts += await sink.apply(Batch(projection, 1, tuple(parts)))
        finally:
            await sink.close()
            await engine.dispose()
        return accounts

    return asyncio.run(run())


def whole_log(place: Addresses) -> list[RawRecord]:
    """Return every record of the facts' topic."""
    return [record for records in asyncio.run(read_all(place)).values() for record in records]


def clickhouse(place: Addresses) -> Any:
    """Return a client for looking and for doing damage."""
    return get_client(dsn=place.clickhouse_url, settings=dict(WRITER_SETTINGS), tz_mode="aware", autogenerate_session_id=False)


def sums(client: Any) -> dict[HourKey, Sums]:
    """Return the hourly sums that count anything."""
    columns = ", ".join(MEASURES)
    rows = client.query(
        f"SELECT store_id, business_date, hour_start, currency, {columns} FROM sales_by_hour_g1 FINAL WHERE counted_lines != 0"
    ).result_rows
    return {HourKey(*row[:4]): dict(zip(MEASURES, row[4:], strict=True)) for row in rows}


def consumed(place: Addresses) -> list[tuple[int, ...]]:
    """Return applied, repeats, filtered, control and dead of the whole ledger, and what was consumed by positions."""
    with psycopg.connect(place.postgres_dsn) as connection:
        return connection.execute(
            """SELECT sum(applied)::int, sum(repeats)::int, sum(filtered)::int, sum(control)::int, sum(dead)::int,
                      (SELECT sum(next_offset)::int FROM delivery.positions) FROM delivery.ledger"""
        ).fetchall()
