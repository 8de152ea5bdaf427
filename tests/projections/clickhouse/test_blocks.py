"""How rows of many events are cut into inserts, by event; without any server."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from projections.sinks import clickhouse_blocks
from projections.sinks.clickhouse_blocks import Block, insert_block
from projections.sinks.clickhouse_insert import MONTHS_PER_INSERT
from tests.projections.clickhouse.test_insert import days

sizes = st.lists(st.tuples(days, st.integers(1, 40)), max_size=40)


def block_of(events: list[tuple[date, int]]) -> Block:
    """Return rows of events, each with its day and so many rows, in an odd order of their places."""
    places = [place for place in sorted(range(len(events)), key=lambda place: place % 3) for _ in range(events[place][1])]
    return Block(pa.table({"business_date": pa.array([events[place][0] for place in places], pa.date32())}), np.array(places, np.int64))


@given(events=sizes)
def test_every_event_is_in_exactly_one_insert_of_few_rows_and_few_months(events: list[tuple[date, int]]) -> None:
    """Only a single event may be larger than an insert is meant to be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clickhouse_blocks, "ROWS_PER_BLOCK", 30)
        parts = list(block_of(events).inserts())

    found = [set(part.places.tolist()) for part in parts]
    assert sorted(place for each in found for place in each) == list(range(len(events)))
    for part, places in zip(parts, found, strict=True):
        told = part.rows.column("business_date").to_pylist()
        assert told == [events[place][0] for place in part.places]
        assert len({(each.year, each.month) for each in told}) <= MONTHS_PER_INSERT
        assert len(told) <= 30 or len(places) == 1


def test_history_of_many_months_is_cut_into_inserts_of_few() -> None:
    """However few its rows are."""
    events = [(date(2000 + number // 12, 1 + number % 12, 7), 1) for number in range(130)]
    months = [{(day.year, day.month) for day in part.rows.column("business_date").to_pylist()} for part in block_of(events).inserts()]

    assert len(months) >= 130 / MONTHS_PER_INSERT
    assert max(map(len, months)) <= MONTHS_PER_INSERT


@given(events=sizes, refused=st.sets(st.integers(0, 39)))
async def test_what_the_store_refuses_is_taken_apart_to_the_event(events: list[tuple[date, int]], refused: set[int]) -> None:
    """Everything else is inserted, each row once."""
    inserted: list[date] = []
    day_of = {place: date(1990 + place // 12, 1 + place % 12, 1) for place in refused}
    bad = set(day_of.values())
    given_events = [(day_of.get(place, day), size) for place, (day, size) in enumerate(events)]

    class Store:
        """Refuses some days."""

        async def insert_arrow(self, _: str, rows: Any) -> None:
            told = rows.column("business_date").to_pylist()
            if any(each in bad for each in told):
                raise DatabaseError("violated", code=469)
            inserted.extend(told)

    class Table:
        """Has a name."""

        def name(self, generation: int) -> str:
            return f"t{generation}"

    found = await insert_block(Store(), Table(), 1, block_of(given_events))  # type: ignore[arg-type]

    assert set(found) == {place for place in refused if place < len(events)}
    assert sorted(inserted) == sorted(day for day, size in given_events for _ in range(size) if day not in bad)


def test_the_rows_of_some_records_are_found_by_their_places() -> None:
    """Places beyond those that are asked for are of records that nobody wants."""
    block = block_of([(date(2026, 3, 1 + place), 2) for place in range(6)])
    wanted = np.array([True, False, False, True])

    assert block.of(wanted).places.tolist() == [0, 0, 3, 3]
    assert block.of(wanted).rows.column("business_date").to_pylist() == [date(2026, 3, day) for day in (1, 1, 4, 4)]
    assert block.of(np.ones(6, np.bool_)) is block
