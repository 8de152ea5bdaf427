"""Closing the days of a SKU from packed rows comes to what reading each row comes to, and its times to those of a clock on the wall."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.business_time import business_date
from contracts.events.reference import StoreDefined
from processors.rules.demand.closing import next_closing, today
from processors.rules.demand.days import Demand, _day, close
from processors.rules.on_hand import Count, Settled, Stock, day_of
from processors.rules.rule import RETENTION, microseconds
from processors.rules.stock_rows import ROW_BYTES, Row, days_in, deltas_in, event_in, packed, times_in, unpacked
from tests.examples import examples

TODAY = 20_000
_DAY = 86_400_000_000
_KEPT = 364
_CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 4, 5)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Asia/Beirut", date(2026, 3, 29)),
    ("Asia/Beirut", date(2026, 10, 25)),
]
_ZONES = ("UTC", "Asia/Seoul", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Beirut", "Africa/Casablanca")


def _plainly(known: Demand, rows: list[tuple[int, Row]], stock: Stock, today: int, shift: int, due_at: int) -> Demand:
    """Close by reading each numbered row that counts."""
    first = min(today - RETENTION.days + 1, known.until or today)
    table = {day: row for day, *row in _day.iter_unpack(known.days) if day < first}
    for number, row in rows:
        if row.is_demand and row.day < today and (row.day >= first or number >= known.closed):
            entry = table.setdefault(row.day, [0, False])
            entry[0] -= row.delta
    for day in _empty(stock, [row for _, row in rows], max(first, today - RETENTION.days + 1), today, shift):
        if table.get(day, [0])[0] <= 0:
            table[day] = [0, True]
    seen = [row.day for _, row in rows]
    first_day = min([*seen, *([] if known.first_day is None else [known.first_day])], default=None)
    kept = sorted(day for day, (quantity, empty) in table.items() if day >= today - _KEPT and (quantity or empty))
    since = min((number for number, row in rows if row.day >= today), default=stock.known)
    return Demand(b"".join(_day.pack(day, *table[day]) for day in kept), first_day, today, stock.known, since, due_at)


def _empty(stock: Stock, rows: list[Row], first: int, today: int, shift: int) -> Iterator[int]:
    settled = stock.settled
    known = settled is not None and settled.quantity is not None
    quantity = settled.quantity if settled is not None and settled.quantity is not None else 0
    steps = [(row.at, 1, row.delta) for row in rows if settled is None or row.at > settled.at]
    steps += [(count.at, 0, count.quantity) for count in stock.counts if count.counts]
    steps.sort()
    at = 0
    for day in range(first, today):
        while at < len(steps) and (steps[at][0] + shift) // _DAY < day:
            known, quantity = (True, steps[at][2]) if steps[at][1] == 0 else (known, quantity + steps[at][2])
            at += 1
        if known and quantity <= 0:
            yield day


_days = st.one_of(st.integers(TODAY - 45, TODAY + 2), st.integers(TODAY - 400, TODAY + 2))
_hours = st.integers(-30, 30)


@st.composite
def _rows(draw: st.DrawFn) -> list[Row]:
    """Rows of many days, some of them under a business date that is not that of their time, in any order."""
    found = []
    for number in range(draw(st.integers(0, 60))):
        day = draw(_days)
        at = day * _DAY + draw(_hours) * 3_600_000_000
        found.append(Row(at, number.to_bytes(16, "big"), draw(st.integers(-6, 4)), day, draw(st.booleans())))
    return sorted(found) if draw(st.booleans()) else found


@st.composite
def _stocks(draw: st.DrawFn, rows: list[Row]) -> Stock:
    """A stock that was counted, settled, or neither, and of whose rows some do not count."""
    day = draw(_days)
    settled = draw(st.none() | st.builds(Settled, st.just(day * _DAY), st.none() | st.integers(-3, 9), st.just(0), st.just(b"")))
    since = settled.at if settled else 0
    times = [*sorted(row.at for row in rows if row.at > since), TODAY * _DAY]
    at = draw(st.lists(st.sampled_from(times) | st.integers(TODAY - 60, TODAY).map(lambda each: each * _DAY), max_size=4))
    counts = [Count(each, n, 1, b"", draw(st.integers(-1, 9)), draw(st.booleans())) for n, each in enumerate(sorted(at)) if each > since]
    voided = b"".join(row.event for row in rows if draw(st.integers(0, 9)) == 0) if draw(st.booleans()) else b""
    return Stock(rows=b"".join(packed(*row) for row in rows), counts=tuple(counts), settled=settled, voided=voided)


@settings(max_examples=examples(100))
@given(st.data(), st.integers(-12, 14), st.integers(0, 300))
def test_days_are_closed_as_by_reading_each_row(data: st.DataObject, hours: int, first_number: int) -> None:
    """Once and again a few days later, with rows that came meanwhile, corrections, counts and empty shelves."""
    rows, shift = data.draw(_rows()), hours * 3_600_000_000
    known = quick = Demand()
    for part, day in ((rows[: len(rows) // 2], TODAY - data.draw(st.integers(1, 50))), (rows, TODAY)):
        stock = data.draw(_stocks(part))
        voided = {stock.voided[at : at + 16] for at in range(0, len(stock.voided), 16)}
        numbered = [(first_number + n, row) for n, row in enumerate(part) if row.event not in voided]
        known = _plainly(known, numbered, stock, day, shift, 7)
        quick = close(quick, stock.rows, first_number, stock, day, shift, 7)
        assert quick == known


@given(_rows())
def test_fields_are_read_without_the_rows(rows: list[Row]) -> None:
    """Times, quantities, days and ids are those of the unpacked rows."""
    held = b"".join(packed(*row) for row in rows)
    assert len(held) == len(rows) * ROW_BYTES
    assert list(unpacked(held)) == rows
    assert (times_in(held), deltas_in(held), days_in(held)) == ([r.at for r in rows], [r.delta for r in rows], [r.day for r in rows])
    assert [event_in(held, place) for place in range(len(rows))] == [row.event for row in rows]


@settings(max_examples=examples(100))
@given(st.sampled_from(_ZONES), st.integers(0, 23), st.datetimes(datetime(2019, 1, 1), datetime(2027, 1, 1)), st.text(max_size=3))  # noqa: DTZ001
def test_closings_are_at_the_time_that_clocks_on_the_wall_show(zone: str, cut_off: int, moment: datetime, sku: str) -> None:
    """The first one after a moment, on the SKU's own weekday."""
    now = moment.replace(tzinfo=UTC)
    assert next_closing(_store(zone, cut_off), "S1", sku, microseconds(now)) == microseconds(_on_the_wall(zone, cut_off, sku, now))
    shift = (now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()) - timedelta(hours=cut_off)
    expected = day_of(business_date(now, zone, cut_off)), shift // timedelta.resolution
    assert today(_store(zone, cut_off), microseconds(now)) == expected


@pytest.mark.parametrize("cut_off", [0, 1, 2, 3, 22, 23])
@pytest.mark.parametrize(("zone", "changes"), _CHANGES)
def test_closings_are_on_the_wall_in_nights_with_a_clock_change(zone: str, changes: date, cut_off: int) -> None:
    """Put forward or back, by an hour or by half of one, at midnight or later."""
    for days in (2, 3):
        now = datetime.combine(changes, time(12), UTC) - timedelta(days=days)
        for sku in map(str, range(60)):
            expected = microseconds(_on_the_wall(zone, cut_off, sku, now))
            assert next_closing(_store(zone, cut_off), "S1", sku, microseconds(now)) == expected


def _store(zone: str, cut_off: int) -> StoreDefined:
    settings = {"timezone": zone, "cut_off_hour": cut_off, "currency": "EUR", "country": "DE", "head_count": 1}
    return StoreDefined(version=1, effective_from=datetime(2019, 1, 1, tzinfo=UTC), store_id="S1", name="", **settings)


def _on_the_wall(zone: str, cut_off: int, sku: str, now: datetime) -> datetime:
    share, day = crc32(f"S1/{sku}".encode()), business_date(now, zone, cut_off)
    day += timedelta(days=(share - day.toordinal()) % 7)

    def closing(on: date) -> datetime:
        return datetime.combine(on, time(cut_off), ZoneInfo(zone)) + timedelta(minutes=5, seconds=share // 7 % 7_200)

    return closing(day) if closing(day) > now else closing(day + timedelta(days=7))
