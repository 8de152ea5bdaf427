"""How the digest of the log is kept in Postgres: per partition how far it was read, per key its sums, per event its first position."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.topics import ALERTS, DEAD_LETTERS, REFERENCE_DATA, REORDER_RECOMMENDATIONS, STORE_FACTS
from infra.kafka.consumer import Partition
from projections.reconcile.log_record import Passed, Said, Unnamed

TOPIC_NUMBERS: Final = {STORE_FACTS: 0, ALERTS: 1, REORDER_RECOMMENDATIONS: 2, REFERENCE_DATA: 3, DEAD_LETTERS: 4}
"""How the topics whose events are told apart are written in `log_events`, which has a row for each event: never change them."""

_OTHER_LOG: Final = text("SELECT EXISTS (SELECT FROM delivery.log_reads WHERE log_id <> :log)")
_DROP: Final = text(
    "TRUNCATE delivery.log_reads, delivery.log_digest, delivery.log_events, delivery.log_conflicts, delivery.store_days_checked"
)
_BEGIN: Final = text("INSERT INTO delivery.log_reads (log_id, topic, part) VALUES (:log, :topic, :part) ON CONFLICT DO NOTHING")
_READS: Final = text("SELECT id, topic, part, next_offset, hash_sum, last_hash, repeats FROM delivery.log_reads")
_STAGED: Final = """
    unnest(CAST(:stores AS text[]), CAST(:ids AS uuid[]), CAST(:days AS text[]), CAST(:types AS text[]), CAST(:offsets AS bigint[]),
           CAST(:hashes AS bigint[]), CAST(:corrects AS uuid[]))
    AS s (store_id, event_id, business_date, event_type, record_offset, event_hash, corrects)
"""
_KEYS: Final = text(
    f"""
    INSERT INTO delivery.log_digest (read_id, store_id, business_date, event_type)
    SELECT DISTINCT CAST(:read AS int), store_id, business_date, event_type FROM {_STAGED} ON CONFLICT DO NOTHING
    """  # noqa: S608 - a literal text
)
_EVENTS: Final = text(
    f"""
    WITH first AS (
        SELECT DISTINCT ON (store_id, event_id) * FROM {_STAGED} ORDER BY store_id, event_id, record_offset
    ), added AS (
        INSERT INTO delivery.log_events (topic, store_id, event_id, digest_id, record_offset, event_hash, corrects)
        SELECT CAST(:topic AS smallint), store_id, event_id, d.id, record_offset, event_hash, corrects
        FROM first JOIN delivery.log_digest d USING (store_id, business_date, event_type) WHERE d.read_id = :read
        ON CONFLICT DO NOTHING RETURNING digest_id, event_id, event_hash
    ), sums AS (
        UPDATE delivery.log_digest d SET events = d.events + a.events, hash_sum = d.hash_sum + a.hashes, id_sum = d.id_sum + a.ids
        FROM (SELECT digest_id, count(*) AS events, sum(event_hash) AS hashes,
                     sum(('x' || right(replace(event_id::text, '-', ''), 16))::bit(64)::bigint) AS ids FROM added GROUP BY digest_id) a
        WHERE d.id = a.digest_id
    )
    SELECT count(*) FROM added
    """  # noqa: S608 - a literal text
)
_CONFLICTS: Final = text(
    f"""
    INSERT INTO delivery.log_conflicts (topic, store_id, event_id, part, record_offset, first, later)
    SELECT CAST(:topic AS smallint), s.store_id, s.event_id, CAST(:part AS int), s.record_offset,
           concat_ws('/', r.topic, r.part, e.record_offset), concat_ws('/', r.topic, CAST(:part AS int), s.record_offset)
    FROM {_STAGED} JOIN delivery.log_events e ON (e.topic, e.store_id, e.event_id) = (CAST(:topic AS smallint), s.store_id, s.event_id)
    JOIN delivery.log_digest d ON d.id = e.digest_id JOIN delivery.log_reads r ON r.id = d.read_id
    WHERE e.event_hash <> s.event_hash ON CONFLICT DO NOTHING
    """  # noqa: S608 - a literal text
)
_READ: Final = text(
    """
    UPDATE delivery.log_reads SET next_offset = :next, hash_sum = hash_sum + :hashes, last_hash = :last, repeats = repeats + :repeats,
                                  unidentified = unidentified + :unnamed, read_at = now()
    WHERE id = :read
    """
)


class Kept(NamedTuple):
    """How far a partition was read: its row, the next offset, the sum of the hashes of all records and the hash of the last one."""

    id: int
    next_offset: int
    hash_sum: Decimal
    last_hash: int | None
    repeats: int


async def drop_all(conn: AsyncConnection) -> None:
    """Forget everything that was read."""
    await conn.execute(_DROP)


async def kept_reads(conn: AsyncConnection, log_id: str, partitions: Iterable[Partition]) -> dict[Partition, Kept]:
    """Return how far each partition was read, these ones and others; what was read of another log is forgotten."""
    if (await conn.execute(_OTHER_LOG, {"log": log_id})).scalar_one():
        await drop_all(conn)
    for tp in partitions:
        await conn.execute(_BEGIN, {"log": log_id, "topic": tp.topic, "part": tp.partition})
    rows = (await conn.execute(_READS)).all()
    return {Partition(row.topic, row.part): Kept(row.id, row.next_offset, row.hash_sum, row.last_hash, row.repeats) for row in rows}


async def store(conn: AsyncConnection, read_id: int, tp: Partition, records: Sequence[Said | Unnamed | Passed]) -> None:
    """Add records that follow those that were read before, in the caller's transaction."""
    said = [record for record in records if isinstance(record, Said)]
    repeats = 0
    if said:
        bound = {**_staged(said), "read": read_id, "topic": TOPIC_NUMBERS[tp.topic]}
        await conn.execute(_KEYS, bound)
        repeats = len(said) - int((await conn.execute(_EVENTS, bound)).scalar_one())
        if repeats:
            await conn.execute(_CONFLICTS, {**bound, "part": tp.partition})
    read = {
        "read": read_id,
        "next": records[-1].offset + 1,
        "hashes": sum(record.event_hash for record in records),
        "last": records[-1].event_hash,
        "repeats": repeats,
        "unnamed": sum(isinstance(record, Unnamed) for record in records),
    }
    await conn.execute(_READ, read)


def _staged(said: Sequence[Said]) -> Mapping[str, Any]:
    columns = zip(*said, strict=True)
    offsets, hashes, stores, ids, days, types, corrects = (list(column) for column in columns)
    return {"stores": stores, "ids": ids, "days": days, "types": types, "offsets": offsets, "hashes": hashes, "corrects": corrects}
