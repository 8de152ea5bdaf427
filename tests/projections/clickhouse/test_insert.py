"""How pieces are cut into inserts, and which errors of the store are whose fault; without any server."""

from datetime import date, timedelta

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from hypothesis import given
from hypothesis import strategies as st

from projections.errors import Unavailable
from projections.facts import EventRows
from projections.sinks.clickhouse_insert import MONTHS_PER_INSERT, ROWS_PER_INSERT, Piece, attempt, is_rejection, portions
from projections.sinks.clickhouse_sales import portions_of_days
from projections.sinks.clickhouse_table import UnfitRows

days = st.dates(date(2000, 1, 1), date(2012, 12, 31))


@given(sizes=st.lists(st.tuples(days, st.sampled_from([1, 5, 5_000, 15_000, 30_000])), max_size=40))
def test_every_piece_is_in_exactly_one_insert_of_few_rows_and_few_months(sizes: list[tuple[date, int]]) -> None:
    """Only a single event may be larger than an insert is meant to be."""
    pieces = [Piece(index, day, EventRows((), [()] * size)) for index, (day, size) in enumerate(sizes)]
    cut = list(portions(pieces))

    assert sorted(piece.place for portion in cut for piece in portion) == list(range(len(pieces)))
    for portion in cut:
        assert len({(piece.day.year, piece.day.month) for piece in portion}) <= MONTHS_PER_INSERT
        assert len(portion) == 1 or sum(len(piece.rows.own) for piece in portion) <= ROWS_PER_INSERT


@given(found=st.sets(days, max_size=60))
def test_every_store_day_is_summed_once_in_recomputes_of_few_months(found: set[date]) -> None:
    """A recompute is an insert too."""
    touched = [("S1", day) for day in sorted(found)]
    cut = list(portions_of_days(touched))

    assert [day for portion in cut for day in portion] == touched
    assert all(len({(day.year, day.month) for _, day in portion}) <= MONTHS_PER_INSERT for portion in cut)


def test_portions_keep_neighbours_of_a_month_together() -> None:
    """Parts of one month in several inserts would only be merged again."""
    pieces = [Piece(index, date(2026, 1 + index % 2, 1) + timedelta(days=index), EventRows((), [()])) for index in range(20)]

    assert len(list(portions(pieces))) == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DatabaseError("constraint", code=469), DatabaseError),
        (UnfitRows("too large"), UnfitRows),
        (DatabaseError("no such table", code=60), DatabaseError),
        (DatabaseError("too many parts", code=252), Unavailable),
        (DatabaseError("out of memory", code=241), Unavailable),
        (DatabaseError("disk full", code=243), Unavailable),
        (OperationalError("connection lost"), Unavailable),
        (ConnectionResetError(), Unavailable),
        (TimeoutError(), Unavailable),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_only_what_repeating_can_heal_is_repeated(error: Exception, expected: type[Exception]) -> None:
    """Unknown outcomes and faults of the store are tried again by the runner; content and our own mistakes are not."""

    async def fail() -> None:
        raise error

    with pytest.raises(expected):
        await attempt("a test", fail)


def test_only_content_is_rejected() -> None:
    """Taking a batch apart because a disk is full would make dead letters of good events."""
    assert is_rejection(UnfitRows("x"))
    assert is_rejection(DatabaseError("x", code=469))
    assert not any(is_rejection(DatabaseError("x", code=code)) for code in (None, 60, 62, 241, 243, 252, 319))
