"""The digest of the log: what it holds per store, business date and type, and which events. Kept, so that a record is read once.

It is read with no mapping of any read model. Per topic, store and id the first position counts; what else came under the same
id is kept as a conflict where its content differs. Whoever advances it does so alone.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.codec import content_hash
from contracts.envelope import CHAIN_WIDE
from contracts.topics import ALERTS, DEAD_LETTERS, REFERENCE_DATA, REORDER_RECOMMENDATIONS, STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.consumer import Partition, Record, first_offsets, read_range
from projections.reconcile.compare import MODULUS, Digest, Entry, Key, Sums, plus
from projections.reconcile.log_record import Passed, Said, Unnamed, read_record
from projections.reconcile.log_store import Kept, drop_all, kept_reads, store
from projections.reconcile.report import Conflict, StoreDay

_AT_ONCE: Final = 5_000
"""Records of a partition between two writes: what is held of them in memory."""
_LOCK: Final = text("SELECT pg_advisory_lock(hashtextextended('tillstream log digest', 0))")
_UNLOCK: Final = text("SELECT pg_advisory_unlock(hashtextextended('tillstream log digest', 0))")
_SUMS: Final = text(
    """
    SELECT r.topic, r.part, d.store_id, d.business_date, d.event_type, d.events, d.hash_sum, d.id_sum
    FROM delivery.log_digest d JOIN delivery.log_reads r ON r.id = d.read_id WHERE d.events > 0
    """
)
_REACHING_BACK: Final = text(
    """
    WITH RECURSIVE reaches AS (
        SELECT k.topic, k.store_id, k.event_id, k.event_hash, d.business_date AS own_day, k.corrects AS target
        FROM delivery.log_events k JOIN delivery.log_digest d ON d.id = k.digest_id WHERE k.corrects IS NOT NULL
        UNION
        SELECT r.topic, r.store_id, r.event_id, r.event_hash, r.own_day, e.corrects FROM reaches r
        JOIN delivery.log_events e ON (e.topic, e.store_id, e.event_id) = (r.topic, r.store_id, r.target) WHERE e.corrects IS NOT NULL
    )
    SELECT store_id, business_date, count(*) AS corrections, sum(event_hash) AS hashes FROM (
        SELECT DISTINCT r.store_id, d.business_date, r.event_id, r.event_hash FROM reaches r
        JOIN delivery.log_events e ON (e.topic, e.store_id, e.event_id) = (r.topic, r.store_id, r.target)
        JOIN delivery.log_digest d ON d.id = e.digest_id WHERE d.business_date <> r.own_day
    ) AS reached GROUP BY store_id, business_date
    """
)
"""Corrections that move what they correct to another business date: the day that it leaves changes, and has no record of that."""
_CONFLICTS: Final = text(
    """
    SELECT c.store_id, c.event_id::text, c.first, c.later,
           EXISTS (SELECT FROM delivery.log_events k
                   JOIN delivery.log_digest d ON d.id = k.digest_id JOIN delivery.log_reads r ON r.id = d.read_id
                   WHERE k.store_id = c.store_id AND k.corrects = c.event_id AND r.part = c.part AND k.record_offset > c.record_offset)
    FROM delivery.log_conflicts c ORDER BY c.topic, c.part, c.record_offset
    """
)
_EVENTS: Final = text(
    """
    SELECT e.event_id::text, e.event_hash, r.topic, r.part, e.record_offset
    FROM delivery.log_events e JOIN delivery.log_digest d ON d.id = e.digest_id JOIN delivery.log_reads r ON r.id = d.read_id
    JOIN unnest(CAST(:topics AS text[]), CAST(:parts AS int[]), CAST(:ends AS bigint[])) AS b (topic, part, until)
      ON (b.topic, b.part) = (r.topic, r.part)
    WHERE e.record_offset < b.until AND (d.store_id, d.business_date, d.event_type) IN
          (SELECT * FROM unnest(CAST(:stores AS text[]), CAST(:days AS text[]), CAST(:types AS text[])))
    """
)


@dataclass(slots=True)
class LogState:
    """What the log says below an end vector. `read`: how many records this took; `holes`: why it is not the whole log.

    `days`: by store and business date, the events that its rows follow from; corrections that lie on another date among them.
    """

    ends: dict[Partition, int] = field(default_factory=dict)
    sums: dict[Key, Sums] = field(default_factory=dict)
    days: dict[StoreDay, Digest] = field(default_factory=dict)
    partitions_of_store: dict[str, set[Partition]] = field(default_factory=dict)
    archive: dict[Partition, Digest] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)
    read: int = 0
    records: int = 0
    events: int = 0
    repeats: int = 0


class KeptLog:
    """Advances the digest, and answers from it."""

    def __init__(self, addresses: Addresses, engine: AsyncEngine) -> None:
        self._addresses, self._engine = addresses, engine

    async def advance(self, ends: Mapping[Partition, int], fresh: bool = False) -> LogState:
        """Read what was added below these ends and return what the log holds; `fresh` forgets first what was read before.

        Where somebody has read further meanwhile, the ends are where that was.
        """
        state = LogState()
        async with self._alone():
            async with self._engine.begin() as conn:
                if fresh:
                    await drop_all(conn)
                kept = await kept_reads(conn, self._addresses.log_id, ends)
            await self._read(kept, ends, state)
            async with self._engine.connect() as conn:
                await self._tell(conn, await kept_reads(conn, self._addresses.log_id, {}), ends, state)
        return state

    async def events(self, keys: Sequence[Key], state: LogState) -> dict[str, Entry]:
        """Return the events of keys below the ends of a state."""
        bound: dict[str, list[str]] = {"stores": [], "days": [], "types": []}
        for key in keys:
            bound["stores"].append(key.store_id)
            bound["days"].append(key.business_date)
            bound["types"].append(key.event_type)
        ends = {"topics": [tp.topic for tp in state.ends], "parts": [tp.partition for tp in state.ends], "ends": list(state.ends.values())}
        async with self._engine.connect() as conn:
            rows = (await conn.execute(_EVENTS, {**bound, **ends})).all()
        return {event_id: Entry(event_hash, f"{topic}/{part}/{offset}") for event_id, event_hash, topic, part, offset in rows}

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with self._engine.connect() as conn:
            await conn.execution_options(isolation_level="AUTOCOMMIT")
            await conn.execute(_LOCK)
            try:
                yield
            finally:
                await conn.execute(_UNLOCK)

    async def _read(self, kept: Mapping[Partition, Kept], ends: Mapping[Partition, int], state: LogState) -> None:
        addresses = self._addresses
        changed = [tp for tp, end in ends.items() if kept[tp].next_offset != end]
        firsts = await first_offsets(addresses.kafka_bootstrap, changed, addresses.topic_prefix)
        wanted: dict[Partition, int] = {}
        for tp in changed:
            hole = _hole(tp, kept[tp].next_offset, firsts[tp], ends[tp])
            if hole is None:
                wanted[tp] = kept[tp].next_offset
            else:
                state.holes.append(hole)
        while wanted:
            chunk = _Chunk(
                wanted, {tp: k.last_hash for tp, k in kept.items() if k.last_hash is not None and k.next_offset == wanted.get(tp)}
            )
            begins = {tp: max(firsts[tp], next_offset - 1) for tp, next_offset in wanted.items()}
            until = {tp: min(ends[tp], next_offset + _AT_ONCE) for tp, next_offset in wanted.items()}
            await read_range(addresses.kafka_bootstrap, begins, until, chunk.take, addresses.topic_prefix)
            for tp, said in chunk.said.items():
                state.read += len(said)
                async with self._engine.begin() as conn:
                    await store(conn, kept[tp].id, tp, said)
            state.holes += chunk.holes.values()
            wanted = {tp: next_offset for tp, next_offset in until.items() if next_offset < ends[tp] and tp not in chunk.holes}

    async def _tell(self, conn: AsyncConnection, kept: Mapping[Partition, Kept], ends: Mapping[Partition, int], state: LogState) -> None:
        for tp, known in kept.items():
            if tp in ends:
                state.ends[tp] = known.next_offset
                state.archive[tp] = Digest(known.next_offset, int(known.hash_sum) % MODULUS)
                state.records += known.next_offset
                state.repeats += known.repeats
        for topic, part, store_id, day, event_type, count, hash_sum, id_sum in (await conn.execute(_SUMS)).all():
            state.partitions_of_store.setdefault(store_id, set()).add(Partition(topic, part))
            if topic != DEAD_LETTERS:
                store_day = StoreDay(CHAIN_WIDE, "") if topic == REFERENCE_DATA else StoreDay(store_id, day)
                known_day = state.days.get(store_day, Digest(0, 0))
                state.days[store_day] = plus(known_day, Digest(count, int(hash_sum) % MODULUS))
            if topic in {STORE_FACTS, ALERTS, REORDER_RECOMMENDATIONS}:
                key = Key(store_id, day, event_type)
                found = Sums(Digest(count, int(hash_sum) % MODULUS), Digest(count, int(id_sum) % MODULUS))
                state.sums[key] = state.sums[key].plus(found) if key in state.sums else found
                state.events += count
        for store_id, day, count, hash_sum in (await conn.execute(_REACHING_BACK)).all():
            state.days[StoreDay(store_id, day)] = plus(state.days[StoreDay(store_id, day)], Digest(count, int(hash_sum) % MODULUS))
        state.conflicts = [Conflict(*row) for row in (await conn.execute(_CONFLICTS)).all()]


def _hole(tp: Partition, next_offset: int, first: int, end: int) -> str | None:
    """Say why the log is no longer, or never was, wholly readable."""
    place = f"{tp.topic}/{tp.partition}"
    if end < next_offset:
        return f"{place}: the log ends at offset {end}, but was read up to {next_offset} before: it has lost records"
    if first > next_offset:
        return f"{place}: the offsets {next_offset} to {first - 1} are gone before they were ever read"
    return None


class _Chunk:
    """Takes the records of one reading: each partition's in their order, without a gap, after the last one that is known."""

    def __init__(self, begins: Mapping[Partition, int], last_hashes: Mapping[Partition, int]) -> None:
        self._next = dict(begins)
        self._last_hashes = last_hashes
        self.said: dict[Partition, list[Said | Unnamed | Passed]] = {}
        self.holes: dict[Partition, str] = {}

    def take(self, tp: Partition, records: list[Record]) -> None:
        for record in records:
            if tp in self.holes:
                return
            expected = self._next[tp]
            if record.offset == expected - 1:
                self._check_last(tp, record)
            elif record.offset != expected:
                self.holes[tp] = f"{tp.topic}/{tp.partition}: offset {expected} is not there, {record.offset} is"
            else:
                self.said.setdefault(tp, []).append(read_record(tp.topic, record))
                self._next[tp] = expected + 1

    def _check_last(self, tp: Partition, record: Record) -> None:
        known = self._last_hashes.get(tp)
        if known is not None and known != content_hash(record.headers, record.value):
            self.holes[tp] = (
                f"{tp.topic}/{tp.partition}: offset {record.offset} is another record than when it was read: --fresh reads all anew"
            )


async def read_records(addresses: Addresses, partition: Partition, end: int) -> dict[int, int]:
    """Return offset to hash of every record of one partition below `end`."""
    found: dict[int, int] = {}

    def take(_: Partition, records: list[Record]) -> None:
        found.update({record.offset: content_hash(record.headers, record.value) for record in records})

    await read_range(addresses.kafka_bootstrap, {partition: 0}, {partition: end}, take, addresses.topic_prefix)
    return found
