"""Write a read model of plain facts into its one ClickHouse table: no sums follow, readers ask the facts.

A batch may be repeated at any time and changes nothing: rows replace by identity, and of several positions of an event the first
stays, wherever its later contents would have fallen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.asyncclient import AsyncClient

from contracts.codec import content_hash
from contracts.envelope import Event
from contracts.errors import Problem, UnreadableRecord
from contracts.events.correction import EventCorrected
from contracts.events.registry import POSTABLE_TYPES
from contracts.fields import Model
from contracts.records import LogRecord
from projections.batching import Covers
from projections.facts import EventRows, concerned_type, content_of, recorded_at
from projections.shared_records import event_of
from projections.sinks.clickhouse_fact_columns import NONE, FactHead
from projections.sinks.clickhouse_insert import Piece, attempt, insert_pieces
from projections.sinks.clickhouse_model import FILTERED, REPEAT, Candidates, EventKey, Judgement, SeenEvents, dead, judged
from projections.sinks.clickhouse_table import ClickHouseTable

_FORGET: Final = "DELETE FROM {table:Identifier} WHERE store_id = {store:String} AND business_date = {day:Date} AND event_id = {id:UUID}"
IDS_PER_QUERY: Final = 3_000
_TOP: Final = 2**63
_KNOWN: Final = """
    SELECT store_id, event_id, min(position) FROM {table:Identifier}
    WHERE store_id IN {stores:Array(String)} AND event_id IN {ids:Array(UUID)} AND line = 0 GROUP BY store_id, event_id
"""


@dataclass(frozen=True, slots=True)
class FactsDeclared:
    """A read model of facts: its table, its types, and how content becomes the model's own columns, line by line; pure.

    `nothing`: the own columns of an event that says nothing to the model.
    """

    table: ClickHouseTable
    covers: Covers
    fact_types: frozenset[str]
    mapping_version: int
    map: Callable[[Event[Model]], Sequence[tuple[Any, ...]]]
    nothing: tuple[Any, ...]


class Candidate(NamedTuple):
    """A readable event of the model."""

    place: int
    head: FactHead
    rows: EventRows

    @property
    def key(self) -> EventKey:
        """Its identity."""
        return self.head.store_id, self.head.event_id.bytes

    @property
    def position(self) -> int:
        """Its position on the log."""
        return self.head.position


class FactsBatch(Candidates[Candidate]):
    """A batch in work."""


class FactsModel:
    """Reads and writes the facts of one generation."""

    def __init__(self, declared: FactsDeclared, generation: int = 1, first_position_wins: bool = True) -> None:
        self._client: AsyncClient
        self._declared = declared
        self._table = declared.table.name(generation)
        self._generation = generation
        self._first_position_wins = first_position_wins
        self._seen: SeenEvents[Candidate] = SeenEvents()
        self.mapping_version: Final = declared.mapping_version
        self.covers: Final = declared.covers
        self.tables: Final = (declared.table,)

    def connect(self, client: AsyncClient) -> None:
        """Work with this connection from now on."""
        self._client = client

    async def withdraw(self, seen: Sequence[Candidate | Judgement], version: int) -> None:
        """Delete the facts of discarded records, where they are the ones that are there."""
        del version  # no sums follow from these facts
        events = [each for each in seen if isinstance(each, Candidate)]
        known = await self._known(events)
        for head in [event.head for event in events if known.get(event.key) == event.position]:
            bound = {"table": self._table, "store": head.store_id, "day": head.business_date, "id": head.event_id}
            await attempt("removal of a discarded event", lambda bound=bound: self._client.raw_query(_FORGET, parameters=bound))  # type: ignore[misc]

    async def prepare(self, seen: Sequence[Candidate | Judgement], is_covered: bool = False) -> FactsBatch:
        """Take the records apart; repeats, within the batch or of an earlier one, are judged here."""
        work = FactsBatch(judged(seen), [each for each in seen if isinstance(each, Candidate)])
        if self._first_position_wins:
            work.set_copies_aside()
            known = await self._known(self._seen.among(work.candidates) if is_covered else work.candidates)
            work.reject({c.place: REPEAT for c in work.candidates if known.get(c.key, c.position) < c.position})
        return work

    def remember(self, work: FactsBatch) -> None:
        """Take note of the events that are in the tables now."""
        self._seen.note(work.candidates)

    async def insert(self, work: FactsBatch) -> None:
        """Write the facts; an event that the store refuses is judged dead. Its rows are one insert: none of them is there."""
        waiting: Sequence[Candidate] = work.candidates
        while waiting:
            pieces = [Piece(c.place, c.head.business_date, c.rows) for c in waiting]
            waiting = work.refuse(await insert_pieces(self._client, self._declared.table, self._generation, pieces))

    async def sum_again(self, work: FactsBatch, version: int) -> None:
        """Nothing follows from these facts."""

    def read(self, first: int, records: Sequence[LogRecord]) -> list[Candidate | Judgement]:
        """Read records that follow each other."""
        return [self._read_one(place, record) for place, record in enumerate(records, first)]

    def _read_one(self, place: int, record: LogRecord) -> Candidate | Judgement:
        try:
            event = event_of(record)
            if concerned_type(event) not in self._declared.fact_types:
                return FILTERED
            version = _TOP - record.offset if self._first_position_wins else record.offset
            head = head_of(record, event, version)
            content = content_of(event)
            own = self._declared.map(content) if content is not None else ()
        except UnreadableRecord as error:
            return dead(error.code, str(error))
        return Candidate(place, head, head.rows(own or (self._declared.nothing,)))

    async def _known(self, candidates: Sequence[Candidate]) -> dict[EventKey, int]:
        known: dict[EventKey, int] = {}
        for start in range(0, len(candidates), IDS_PER_QUERY):
            portion = candidates[start : start + IDS_PER_QUERY]
            bound = {"table": self._table, "stores": sorted({c.key[0] for c in portion}), "ids": [c.head.event_id for c in portion]}
            result = await attempt("look-up", lambda bound=bound: self._client.query(_KNOWN, parameters=bound))  # type: ignore[misc]
            known |= {(store_id, event_id.bytes): position for store_id, event_id, position in result.result_rows}
        return known


def head_of(record: LogRecord, event: Event[Model], version: int) -> FactHead:
    """Describe an event; UnreadableRecord for a fact without a business date. What rules say has the date of its time in UTC."""
    day = event.envelope.business_date
    if day is None:
        if event.type in POSTABLE_TYPES:
            raise UnreadableRecord([Problem("missing", "/headers/businessdate", "the business date of a fact")])
        day = event.envelope.occurred_at.astimezone(UTC).date()
    correction = event.data if isinstance(event.data, EventCorrected) else None
    return FactHead(
        event.store_id,
        day,
        event.id,
        event.type,
        correction.corrects_event_id if correction else NONE,
        correction.corrects_type if correction else "",
        content_hash(record.headers, record.value),
        record.partition,
        record.offset,
        version,
        recorded_at(record),
        event.envelope.occurred_at,
    )
