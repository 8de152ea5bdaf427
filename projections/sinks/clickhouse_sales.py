"""The sales model in ClickHouse: which records of a batch it takes, what it writes, which store-days it sums again.

A batch may be repeated at any time and changes nothing: facts replace by identity, sums are recomputed from the facts.
A correction is expected to carry the store and business date of what it corrects, as its contract says: corrections are
looked up by store-day.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt
from clickhouse_connect.driver.asyncclient import AsyncClient

from contracts.codec import content_hash, decode
from contracts.corrections import Link, not_counting
from contracts.errors import UnreadableRecord
from contracts.records import LogRecord
from contracts.topics import STORE_FACTS
from projections.batching import Covers
from projections.facts import EventRows, recorded_at
from projections.read_models.sales_by_hour.recompute import CORRECTIONS_OF_DAYS, RECOMPUTE
from projections.read_models.sales_by_hour.table import SALES_BY_HOUR
from projections.read_models.sales_lines.columns import Receipt, quick_receipts, receipt_columns
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
from projections.sinks.clickhouse_blocks import Block, fit_block, insert_block, joined
from projections.sinks.clickhouse_insert import MONTHS_PER_INSERT, Piece, attempt
from projections.sinks.clickhouse_model import FILTERED, REPEAT, Candidates, EventKey, Judgement, SeenEvents, dead, judged
from projections.sinks.clickhouse_table import ClickHouseTable

StoreDay: TypeAlias = tuple[str, date]

IDS_PER_QUERY: Final = 3_000
STORE_DAYS_PER_RECOMPUTE: Final = 1_000
_FORGET: Final = "DELETE FROM {table:Identifier} WHERE store_id = {store:String} AND business_date = {day:Date} AND event_id = {id:UUID}"


class Portion(msgspec.Struct, gc=False):
    """Records that were read together: the rows of their events, table by table, and by its place why those of an event do not fit."""

    lines: Block
    tenders: Block
    corrections: Block
    unfit: Mapping[int, str]


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A readable event that concerns sales; its rows are those of its place in the portion."""

    place: int
    key: EventKey
    position: int
    day: date
    is_correction: bool
    portion: Portion


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
            if known:
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

    def read(self, first: int, records: Sequence[LogRecord]) -> list[Candidate | Judgement]:
        """Read records that follow each other: what is in canonical form into columns, anything else row by row."""
        receipts = {place: receipt for place, receipt in enumerate(quick_receipts(records), first) if receipt is not None}
        others = {place: self._facts(record) for place, record in enumerate(records, first) if place not in receipts}
        facts = {place: found[1] for place, found in others.items() if not isinstance(found, Judgement)}
        portion = self._portion(receipts, facts)
        return [_candidate(place, record, receipts.get(place) or others[place], portion) for place, record in enumerate(records, first)]

    def _facts(self, record: LogRecord) -> tuple[EventKey, SaleFacts] | Judgement:
        """Read a record in any form."""
        try:
            event = decode(record)
            if not concerns_sales(event):
                return FILTERED
            hashed, version = content_hash(record.headers, record.value), version_of(record.offset, self._first_position_wins)
            facts = map_event(event, Origin(record.partition, record.offset, recorded_at(record), hashed, version))
        except UnreadableRecord as error:
            return dead(error.code, str(error))
        return (event.store_id, event.id.bytes), facts

    def _portion(self, receipts: Mapping[int, Receipt], facts: Mapping[int, SaleFacts]) -> Portion:
        unfit: dict[int, str] = {}

        def fit(table: ClickHouseTable, rows: Mapping[int, EventRows]) -> Block:
            block, bad = fit_block(table, [Piece(place, facts[place].business_date, each) for place, each in rows.items()])
            unfit.update(bad)
            return block

        lines = fit(SALES_LINES, {place: each.lines for place, each in facts.items()})
        tenders = fit(RECEIPT_TENDERS, {place: each.tenders for place, each in facts.items()})
        corrections = fit(SALE_CORRECTIONS, {place: EventRows((), each.corrections) for place, each in facts.items()})
        if receipts:
            columns, places = receipt_columns(list(receipts.values()), self._first_position_wins), np.array(list(receipts), np.int64)
            lines = joined(SALES_LINES, [Block(columns.lines, np.repeat(places, columns.line_counts)), lines])
            tenders = joined(RECEIPT_TENDERS, [Block(columns.tenders, np.repeat(places, columns.tender_counts)), tenders])
        return Portion(lines, tenders, corrections, unfit)

    async def _insert(self, candidates: Sequence[Candidate]) -> dict[int, str]:
        """Write into all tables at once: what one of them rejects is taken out of all."""
        places = [candidate.place for candidate in candidates]
        is_wanted = np.zeros(max(places) + 1, np.bool_)
        is_wanted[places] = True
        portions = list({id(candidate.portion): candidate.portion for candidate in candidates}.values())
        unfit = {place: reason for portion in portions for place, reason in portion.unfit.items()}
        rejected = {place: unfit[place] for place in unfit.keys() & set(places)}
        blocks = {
            SALES_LINES: [portion.lines for portion in portions],
            RECEIPT_TENDERS: [portion.tenders for portion in portions],
            SALE_CORRECTIONS: [portion.corrections for portion in portions],
        }
        inserts = (self._insert_those(table, of_table, is_wanted) for table, of_table in blocks.items())
        outcomes = await asyncio.gather(*inserts, return_exceptions=True)  # none is left on its way when another one has failed
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            rejected |= outcome
        for candidate in candidates:
            if candidate.place in rejected:
                await self._forget(candidate)
        return rejected

    async def _insert_those(self, table: ClickHouseTable, blocks: Sequence[Block], is_wanted: npt.NDArray[np.bool_]) -> dict[int, str]:
        block = joined(table, [block.of(is_wanted) for block in blocks])
        return await insert_block(self._client, table, self._generation, block)

    async def _known(self, candidates: Sequence[Candidate]) -> dict[EventKey, int]:
        known: dict[EventKey, int] = {}
        for start in range(0, len(candidates), IDS_PER_QUERY):
            portion = candidates[start : start + IDS_PER_QUERY]
            bound = {**self._names(), "stores": sorted({c.key[0] for c in portion}), "ids": [UUID(bytes=c.key[1]) for c in portion]}
            for store_id, event_id, position in await self._rows(KNOWN_EVENTS, bound):
                known[store_id, event_id.bytes] = position
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
        store_id, event_id = candidate.key
        for table in (SALES_LINES, RECEIPT_TENDERS, SALE_CORRECTIONS):
            bound = {"table": table.name(self._generation), "store": store_id, "day": candidate.day, "id": UUID(bytes=event_id)}
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


def _candidate(
    place: int, record: LogRecord, found: Receipt | tuple[EventKey, SaleFacts] | Judgement, portion: Portion
) -> Candidate | Judgement:
    if isinstance(found, Receipt):
        return Candidate(place, (found.head.store_id, found.head.identity), record.offset, found.head.day, False, portion)
    if isinstance(found, Judgement):
        return found
    key, facts = found
    return Candidate(place, key, record.offset, facts.business_date, bool(facts.corrections), portion)
