"""The sales model in ClickHouse: which records of a batch it takes, what it writes, which store-days it sums again.

A batch may be repeated at any time and changes nothing: facts replace by identity, sums are recomputed from the facts.
A correction is expected to carry the store and business date of what it corrects, as its contract says: corrections are
looked up by store-day.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient

from contracts.codec import content_hash, decode
from contracts.corrections import Link, not_counting
from contracts.errors import UnreadableRecord
from contracts.quick_codec import compiled_event
from contracts.records import LogRecord
from contracts.topics import STORE_FACTS
from projections.batching import Covers
from projections.facts import EventRows, recorded_at
from projections.read_models.sales_by_hour.recompute import CORRECTIONS_OF_DAYS, RECOMPUTE
from projections.read_models.sales_by_hour.table import SALES_BY_HOUR
from projections.read_models.sales_lines.mapping import (
    COVERED_TYPES,
    MAPPING_VERSION,
    Origin,
    SaleFacts,
    concerns_sales,
    map_event,
    version_of,
)
from projections.read_models.sales_lines.table import KNOWN_EVENTS, RECEIPT_TENDERS, SALE_CORRECTIONS, SALES_LINES
from projections.sinks.clickhouse_insert import MONTHS_PER_INSERT, Piece, attempt, insert_pieces
from projections.sinks.clickhouse_model import FILTERED, REPEAT, Candidates, Judgement, SeenEvents, dead, judged

EventKey: TypeAlias = tuple[str, UUID]
StoreDay: TypeAlias = tuple[str, date]

IDS_PER_QUERY: Final = 3_000
STORE_DAYS_PER_RECOMPUTE: Final = 1_000
_FORGET: Final = "DELETE FROM {table:Identifier} WHERE store_id = {store:String} AND business_date = {day:Date} AND event_id = {id:UUID}"


class Candidate(NamedTuple):
    """A readable event that concerns sales."""

    place: int
    key: EventKey
    position: int
    day: date
    facts: SaleFacts


class SalesBatch(Candidates[Candidate]):
    """A batch in work."""


class SalesModel:
    """Reads, writes and sums the sales of one generation."""

    mapping_version: Final = MAPPING_VERSION
    covers: Final[Covers] = {STORE_FACTS: COVERED_TYPES}
    tables: Final = (SALES_LINES, RECEIPT_TENDERS, SALE_CORRECTIONS, SALES_BY_HOUR)

    def __init__(self, generation: int = 1, first_position_wins: bool = True) -> None:
        self._client: AsyncClient
        self._generation = generation
        self._first_position_wins = first_position_wins
        self._seen: SeenEvents[Candidate] = SeenEvents()

    def connect(self, client: AsyncClient) -> None:
        """Work with this connection from now on."""
        self._client = client

    async def withdraw(self, seen: Sequence[Candidate | Judgement], version: int) -> None:
        """Delete the facts of discarded records, where they are the ones that are there; their days are summed again in any case.

        Whoever deleted them may have died before the sum.
        """
        events = [each for each in seen if isinstance(each, Candidate)]
        known = await self._known(events)
        for event in events:
            if known.get(event.key) == event.position:
                await self._forget(event)
        await self.sum_again(SalesBatch(candidates=events), version)

    async def prepare(self, seen: Sequence[Candidate | Judgement], is_covered: bool = False) -> SalesBatch:
        """Take the records apart; repeats, within the batch or of an earlier one, are judged here."""
        work = SalesBatch(judged(seen), [each for each in seen if isinstance(each, Candidate)])
        if self._first_position_wins:
            work.set_copies_aside()
            known = await self._known(self._seen.among(work.candidates) if is_covered else work.candidates)
            work.reject({c.place: REPEAT for c in work.candidates if known.get(c.key, c.position) < c.position})
        return work

    def remember(self, work: SalesBatch) -> None:
        """Take note of the events that are in the tables now."""
        self._seen.note(work.candidates)

    async def insert(self, work: SalesBatch) -> None:
        """Write the facts; an event that the store refuses is judged dead and leaves nothing behind."""
        waiting: Sequence[Candidate] = work.candidates
        while waiting:
            waiting = work.refuse(await self._insert(waiting))

    async def sum_again(self, work: SalesBatch, version: int) -> None:
        """Sum every touched store-day again, under the number of this work."""
        days = sorted({(c.key[0], c.day) for c in work.candidates}, key=lambda touched: (touched[1], touched[0]))
        for portion in portions_of_days(days):
            await self._recompute(portion, version)

    def read_one(self, index: int, record: LogRecord) -> Candidate | Judgement:
        """Read one record."""
        version = version_of(record.offset, self._first_position_wins)
        try:
            event = compiled_event(record) or decode(record)
            if not concerns_sales(event):
                return FILTERED
            hashed = content_hash(record.headers, record.value)
            facts = map_event(event, Origin(record.partition, record.offset, recorded_at(record), hashed, version))
        except UnreadableRecord as error:
            return dead(error.code, str(error))
        return Candidate(index, (event.store_id, event.id), record.offset, facts.business_date, facts)

    async def _insert(self, candidates: Sequence[Candidate]) -> dict[int, str]:
        rejected: dict[int, str] = {}
        for table, rows_of in ((SALE_CORRECTIONS, _correction_rows), (RECEIPT_TENDERS, _tender_rows), (SALES_LINES, _line_rows)):
            pieces = [Piece(c.place, c.day, rows_of(c)) for c in candidates if c.place not in rejected]
            rejected |= await insert_pieces(self._client, table, self._generation, pieces)
        for candidate in candidates:
            if candidate.place in rejected:
                await self._forget(candidate)
        return rejected

    async def _known(self, candidates: Sequence[Candidate]) -> dict[EventKey, int]:
        known: dict[EventKey, int] = {}
        for start in range(0, len(candidates), IDS_PER_QUERY):
            portion = candidates[start : start + IDS_PER_QUERY]
            bound = {**self._names(), "stores": sorted({c.key[0] for c in portion}), "ids": [c.key[1] for c in portion]}
            for store_id, event_id, position in await self._rows(KNOWN_EVENTS, bound):
                known[store_id, event_id] = position
        return known

    async def _recompute(self, days: Sequence[StoreDay], version: int) -> None:
        bound: dict[str, Any] = {**self._names(), "stores": [store for store, _ in days], "dates": [day for _, day in days]}
        links: dict[str, list[Link]] = {}
        for store_id, event_id, corrects_event_id, position in await self._rows(CORRECTIONS_OF_DAYS, bound):
            links.setdefault(store_id, []).append(Link(event_id, corrects_event_id, position))
        excluded = [(store_id, event_id) for store_id, of_store in links.items() for event_id in not_counting(of_store)]
        bound["excluded_stores"] = [store_id for store_id, _ in excluded]
        bound["excluded_ids"] = [event_id for _, event_id in excluded]
        bound["version"] = version
        await attempt("recompute of sales_by_hour", lambda: self._client.raw_query(RECOMPUTE, parameters=bound))

    async def _forget(self, candidate: Candidate) -> None:
        for table in (SALES_LINES, RECEIPT_TENDERS, SALE_CORRECTIONS):
            bound = {"table": table.name(self._generation), "store": candidate.key[0], "day": candidate.day, "id": candidate.key[1]}
            await attempt("removal of an event", lambda bound=bound: self._client.raw_query(_FORGET, parameters=bound))  # type: ignore[misc]

    async def _rows(self, statement: str, bound: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        result = await attempt("look-up", lambda: self._client.query(statement, parameters=dict(bound)))
        rows: Sequence[Sequence[Any]] = result.result_rows
        return rows

    def _names(self) -> dict[str, Any]:
        return {
            "lines": SALES_LINES.name(self._generation),
            "corrections": SALE_CORRECTIONS.name(self._generation),
            "rollup": SALES_BY_HOUR.name(self._generation),
        }


def portions_of_days(days: Sequence[StoreDay]) -> Iterator[list[StoreDay]]:
    """Cut store-days, in order of their dates, so that a recompute touches few partitions and has short parameters."""
    portion: list[StoreDay] = []
    months: set[tuple[int, int]] = set()
    for store_id, day in days:
        month = (day.year, day.month)
        if portion and (len(portion) == STORE_DAYS_PER_RECOMPUTE or (month not in months and len(months) == MONTHS_PER_INSERT)):
            yield portion
            portion, months = [], set()
        portion.append((store_id, day))
        months.add(month)
    if portion:
        yield portion


def _line_rows(candidate: Candidate) -> EventRows:
    return candidate.facts.lines


def _tender_rows(candidate: Candidate) -> EventRows:
    return candidate.facts.tenders


def _correction_rows(candidate: Candidate) -> EventRows:
    return EventRows((), candidate.facts.corrections)
