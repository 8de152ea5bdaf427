"""Who was heard on a business date, who was silent, and which numbers are missing: no data is never no sales."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.generations import serving_generation
from projections.read_models.till_days.expectation import ALWAYS, Calendars, TillLists, days_after, store_spans, till_spans, tills_on

RECENT: Final = timedelta(days=7)
"""Before the latest business date: as long as facts of a date are expected to come."""
MOST_RANGES: Final = 20
"""So many ranges of missing numbers are listed for a store-day; their sum is over all."""

_KNOWN: Final = "(CAST(:known_at AS timestamptz) IS NULL OR {} <= :known_at)"
_HEARD_THEN, _CERTAIN_THEN = _KNOWN.format("d.recorded_at"), _KNOWN.format("d.certain_at")
_NUMBERED_THEN: Final = _KNOWN.format("least(n.received_at, n.announced_at)")
_HEARD: Final = f"""
    SELECT s.store_id,
           (SELECT min(d.business_date) FROM read_g{{generation}}.store_days d
               WHERE d.store_id = s.store_id AND {_HEARD_THEN}) AS first_day,
           (SELECT max(d.business_date) FROM read_g{{generation}}.store_days d
               WHERE d.store_id = s.store_id AND d.is_certain AND {_CERTAIN_THEN}) AS last_day,
           EXISTS (SELECT FROM read_g{{generation}}.device_numbers n WHERE n.store_id = s.store_id AND {_NUMBERED_THEN}) AS is_numbered
    FROM unnest(CAST(:stores AS text[])) AS s (store_id)
"""  # noqa: S608 - literal texts
_GAPS_THEN: Final = """(
        SELECT store_id, device_id, device_seq AS next_seq, coalesce(received, announced) AS business_date,
               lag(device_seq) OVER (PARTITION BY store_id, device_id ORDER BY device_seq) + 1 AS first_missing,
               device_seq - (received IS NOT NULL)::integer AS last_missing
        FROM (
            SELECT store_id, device_id, device_seq, CASE WHEN received_at <= :known_at THEN received_on END AS received,
                   CASE WHEN announced_at <= :known_at THEN announced_on END AS announced
            FROM read_g{generation}.device_numbers
            WHERE store_id = ANY (CAST(:asked AS text[])) AND least(received_at, announced_at) <= :known_at
        ) AS known
    )"""
"""The gaps between the numbers that were known then; those of now are kept in a table."""
_COUNTS: Final = f"""
    SELECT
        (SELECT coalesce(sum((SELECT count(*) FROM read_g{{generation}}.store_days d
            WHERE d.store_id = s.store_id AND d.business_date BETWEEN s.first AND s.last AND {_HEARD_THEN})), 0)
            FROM unnest(CAST(:stores AS text[]), CAST(:firsts AS date[]), CAST(:lasts AS date[])) AS s (store_id, first, last)
        ) AS days_heard,
        (SELECT coalesce(sum((SELECT count(*) FROM read_g{{generation}}.till_days d
            WHERE d.store_id = s.store_id AND d.till_id = s.till_id AND d.business_date BETWEEN s.first AND s.last AND {_HEARD_THEN})), 0)
            FROM unnest(CAST(:till_stores AS text[]), CAST(:tills AS text[]), CAST(:till_firsts AS date[]), CAST(:till_lasts AS date[]))
                AS s (store_id, till_id, first, last)
        ) AS tills_heard,
        (SELECT coalesce(sum(last_missing::numeric - first_missing + 1), 0) FROM {{gaps}} AS g
            WHERE g.store_id = ANY (CAST(:asked AS text[])) AND g.business_date BETWEEN :date_from AND :date_until
              AND g.first_missing <= g.last_missing) AS numbers_missing
"""  # noqa: S608 - literal texts
"""A range of an index for each span: a join would read every store's history to find one day."""
_DAYS: Final = """
    SELECT {columns} FROM unnest(CAST(:stores AS text[]), CAST(:days AS date[])) AS asked (store_id, business_date)
    JOIN {table} d USING (store_id, business_date) WHERE {known} ORDER BY store_id, business_date, {order}
"""


@dataclass(frozen=True, slots=True)
class DaysAsked:
    """Stores and business dates (both inclusive). `scope`: all stores whose being heard shows that a date has come.

    `date_from` None: the last eight business dates that have come, within which facts are expected to come late.
    `known_at`: what was known at that time of the broker, None for all that is; which tills a store has is what is known now.
    """

    store_ids: tuple[str, ...]
    scope: tuple[str, ...]
    date_from: date | None
    date_until: date
    known_at: datetime | None = None


class TillDayCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    business_date: date


@dataclass(frozen=True, slots=True)
class TillHeard:
    """A till that was heard on a business date; `last_heard_at` is its own clock's.

    All but its name is None in an answer as known at a moment: only that it had been heard is kept.
    """

    till_id: str
    last_heard_at: datetime | None
    has_heartbeat: bool | None
    is_closed: bool | None


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Numbers of a device that it made and that did not come, both ends inclusive."""

    device_id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TillDay:
    """A store on a business date. `tills_expected` is None where the store names no tills; then all that were heard are counted."""

    store_id: str
    business_date: date
    tills_expected: int | None
    tills_heard: int
    tills_silent: tuple[str, ...]
    tills: tuple[TillHeard, ...]
    numbers_missing: int | None
    missing: tuple[MissingRange, ...]
    last_heard_at: datetime | None

    @property
    def cursor(self) -> TillDayCursor:
        """Where the next page begins."""
        return TillDayCursor(self.store_id, self.business_date)


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of what should have come has come, summed over store-days; None where nothing says what should have.

    `from_date`, `until_date`: the business dates looked at, both inclusive; None where none of them has come.
    """

    from_date: date | None
    until_date: date | None
    tills_expected: int | None
    tills_heard: int | None
    numbers_missing: int | None
    store_days_expected: int
    store_days_heard: int


@dataclass(frozen=True, slots=True)
class _Known:
    """What decides which days are expected."""

    first_heard: Mapping[str, date]
    latest: date | None
    numbered: frozenset[str]


async def read_completeness(engine: AsyncEngine, asked: DaysAsked, lists: TillLists, calendars: Calendars = ALWAYS) -> Completeness:
    """Sum up the days that were asked for; `lists` are the tills of the asked stores, `calendars` say when they are closed."""
    async with engine.connect() as conn:
        generation = await serving_generation(conn, "till_days")
        known = await _known(conn, generation, asked)
        date_from = asked.date_from or (known.latest or asked.date_until) - RECENT
        around = known.first_heard, known.latest, date_from, asked.date_until
        whole, spans = store_spans(*around), store_spans(*around, calendars)
        tills = till_spans(spans, lists)
        bound = {
            "stores": [span.store_id for span in spans],
            "firsts": [span.first for span in spans],
            "lasts": [span.last for span in spans],
            "till_stores": [span.store_id for span in tills],
            "tills": [span.till_id for span in tills],
            "till_firsts": [span.first for span in tills],
            "till_lasts": [span.last for span in tills],
            "asked": list(asked.store_ids),
            "date_from": date_from,
            "date_until": asked.date_until,
            "known_at": asked.known_at,
        }
        statement = _COUNTS.format(generation=generation, gaps=_gaps(generation, asked))
        found = (await conn.execute(text(statement), bound)).one()
    are_defined = any(tills for of_store in lists.values() for _, tills in of_store)
    return Completeness(
        from_date=min((span.first for span in whole), default=None),
        until_date=max((span.last for span in whole), default=None),
        tills_expected=sum(span.days for span in tills) if are_defined else None,
        tills_heard=int(found.tills_heard) if are_defined else None,
        numbers_missing=int(found.numbers_missing) if known.numbered else None,
        store_days_expected=sum(span.days for span in spans),
        store_days_heard=int(found.days_heard),
    )


async def read_till_days(
    engine: AsyncEngine,
    asked: DaysAsked,
    lists: TillLists,
    cursor: TillDayCursor | None = None,
    limit: int = 100,
    calendars: Calendars = ALWAYS,
) -> list[TillDay]:
    """Return a page of expected store-days, heard or not, by store and business date."""
    async with engine.connect() as conn:
        generation = await serving_generation(conn, "till_days")
        known = await _known(conn, generation, asked)
        date_from = asked.date_from or (known.latest or asked.date_until) - RECENT
        spans = store_spans(known.first_heard, known.latest, date_from, asked.date_until, calendars)
        days = days_after(spans, cursor, limit)
        look = _Look(conn, generation, days, asked)
        heard = await look.rows("store_days", "last_heard_at", "last_heard_at")
        tills = await look.rows("till_days", "till_id, last_heard_at, has_heartbeat, is_closed", "till_id")
        gaps = await look.gaps()
    if asked.known_at is not None:
        heard, tills = {}, {day: [(till_id, None, None, None) for till_id, *_ in of_day] for day, of_day in tills.items()}
    return [
        _till_day(
            day,
            lists,
            heard.get(day, []),
            [TillHeard(*row) for row in tills.get(day, [])],
            gaps.get(day, []) if day[0] in known.numbered else None,
        )
        for day in days
    ]


def _till_day(
    day: tuple[str, date],
    lists: TillLists,
    heard: Sequence[tuple[datetime]],
    tills: Sequence[TillHeard],
    gaps: Sequence[tuple[str, int, int]] | None,
) -> TillDay:
    expected, names = tills_on(lists, *day), {till.till_id for till in tills}
    return TillDay(
        *day,
        tills_expected=len(expected) or None,
        tills_heard=len(names.intersection(expected) if expected else names),
        tills_silent=tuple(till_id for till_id in expected if till_id not in names),
        tills=tuple(tills),
        numbers_missing=None if gaps is None else sum(last - first + 1 for _, first, last in gaps),
        missing=tuple(MissingRange(*row) for row in (gaps or ())[:MOST_RANGES]),
        last_heard_at=heard[0][0] if heard else None,
    )


async def _known(conn: AsyncConnection, generation: int, asked: DaysAsked) -> _Known:
    stores = sorted({*asked.store_ids, *asked.scope})
    bound = {"stores": stores, "known_at": asked.known_at}
    rows = (await conn.execute(text(_HEARD.format(generation=generation)), bound)).all()
    of_asked = [row for row in rows if row.store_id in set(asked.store_ids)]
    return _Known(
        {row.store_id: row.first_day for row in of_asked if row.first_day is not None},
        max((row.last_day for row in rows if row.last_day is not None), default=None),
        frozenset(row.store_id for row in of_asked if row.is_numbered),
    )


def _gaps(generation: int, asked: DaysAsked) -> str:
    return f"read_g{generation}.number_gaps" if asked.known_at is None else _GAPS_THEN.format(generation=generation)


@dataclass(frozen=True, slots=True)
class _Look:
    """Reads what is kept of some store-days."""

    conn: AsyncConnection
    generation: int
    days: Sequence[tuple[str, date]]
    asked: DaysAsked

    async def rows(self, table: str, columns: str, order: str) -> dict[tuple[str, date], list[Any]]:
        """Return by store-day what was heard."""
        return await self._rows(f"read_g{self.generation}.{table}", columns, order, _HEARD_THEN)

    async def gaps(self) -> dict[tuple[str, date], list[Any]]:
        """Return by store-day the numbers that are missing."""
        columns, is_one = "device_id, first_missing, last_missing", "d.first_missing <= d.last_missing"
        return await self._rows(_gaps(self.generation, self.asked), columns, "device_id, next_seq", is_one)

    async def _rows(self, table: str, columns: str, order: str, known: str) -> dict[tuple[str, date], list[Any]]:
        found: dict[tuple[str, date], list[Any]] = defaultdict(list)
        statement = text(_DAYS.format(table=table, columns=f"store_id, business_date, {columns}", order=order, known=known))
        bound = {"stores": [store_id for store_id, _ in self.days], "days": [day for _, day in self.days]}
        bound |= {"asked": list(self.asked.store_ids), "known_at": self.asked.known_at}
        for store_id, day, *row in (
            await self.conn.execute(statement, {n: v for n, v in bound.items() if f":{n}" in str(statement)})
        ).all():
            found[store_id, day].append(tuple(row))
        return dict(found)
