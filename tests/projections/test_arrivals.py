"""When facts came: by the broker, or where time is simulated by the ticks before them; cutting the log into batches changes nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.records import RawRecord
from projections.batching import Part, part_batch, sort_records
from projections.catalogue import PROJECTIONS
from projections.facts import FactKey
from projections.read_models.till_periods.arrivals import Clocks, LateRow, follow
from projections.read_models.till_periods.mapping import PeriodFact, TickRow, period_fact
from tests.projections.story import START, at, corrected, log_of, sold, tick

DAY = START.date()
WEEK = timedelta(days=9)
WRITTEN = datetime(2030, 1, 1, tzinfo=UTC)
"""When the broker got everything: years after the simulated days."""


def _rows(*story: Event[Any], part: int = 0) -> list[tuple[int, PeriodFact | TickRow]]:
    records = [_written(each, WRITTEN) for each in story]
    return [(part, row) for record in records if (row := period_fact(record)) is not None]


def _written(event: Event[Any], when: datetime) -> RawRecord:
    made = log_of([event])[0]
    return RawRecord(made.topic, 0, 0, int(when.timestamp() * 1000), made.key, made.value, made.headers)


def _late(found: dict[FactKey, LateRow | None]) -> list[LateRow]:
    return [row for row in found.values() if row is not None]


def test_simulated_ticks_stand_for_the_broker() -> None:
    """What came within the week by the ticks is in time, whenever it was written; what came after it is late by them."""
    story = _rows(tick(START, time="simulated"), sold("a", at(1)), tick(START + WEEK, time="simulated"), sold("b", at(2)))
    clocks, late = follow({}, story)

    assert clocks == {0: TickRow(0, START + WEEK, True)}
    assert _late(late) == [LateRow("S1", DAY, True, START + WEEK, WRITTEN)]
    assert late[("S1", sold("a", at(1)).id)] is None


def test_live_ticks_and_none_at_all_leave_it_to_the_broker() -> None:
    """A late record is late by its own time, to the quarter of an hour."""
    for story in ([sold("a", at(1))], [tick(START), sold("a", at(1))]):
        assert _late(follow({}, _rows(*story))[1]) == [LateRow("S1", DAY, False, WRITTEN, WRITTEN)]


def test_a_clock_never_goes_back_nor_ahead_of_its_record() -> None:
    """An older tick is a repeat; one that names a time hours after the broker's is nobody's clock; another partition has its own."""
    ahead = _written(tick(WRITTEN + timedelta(hours=1), time="simulated"), WRITTEN)
    assert period_fact(ahead) is None

    clocks, late = follow({}, _rows(tick(START + WEEK, time="simulated"), tick(START, time="simulated"), sold("a", at(1))))
    assert clocks[0].at == START + WEEK
    assert len(_late(late)) == 1
    _, other = follow(clocks, [*_rows(tick(START, time="simulated"), part=1), *_rows(sold("b", at(1)), part=1)])
    assert _late(other) == []


def test_history_is_never_late_and_a_repeat_is_judged_where_it_came_first() -> None:
    """A load says that it is old; what was sent again after the week had come in time."""
    sale = sold("a", at(1))
    _, late = follow({}, _rows(tick(START, time="simulated"), sale, tick(START + WEEK, time="simulated"), sale, corrected("c", sale)))

    assert [row is not None for row in late.values()] == [False, True]


@given(st.data())
def test_batches_change_nothing(data: st.DataObject) -> None:
    """The clock that a batch leaves is the one that the next begins with."""
    days = data.draw(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=12))
    story = [
        tick(START + timedelta(days=day, minutes=number), time="simulated") if ticks else sold(str(number), START - timedelta(days=day))
        for number, (ticks, day) in enumerate(days)
    ]
    rows, cut = _rows(*story), data.draw(st.integers(0, len(story)))
    whole_clocks, whole = follow({}, rows)

    assert (whole_clocks, whole) == _in_two(rows, cut)


def _in_two(rows: Sequence[tuple[int, PeriodFact | TickRow]], cut: int) -> tuple[Clocks, dict[FactKey, LateRow | None]]:
    clocks, first = follow({}, rows[:cut])
    clocks, second = follow(clocks, rows[cut:])
    return clocks, first | second


def test_a_batch_for_one_store_keeps_the_ticks() -> None:
    """The days of a store that are built again are told late by the same clock."""
    records = log_of([tick(START), sold("a", at(1)), sold("b", at(2), store="S2")])
    batch = part_batch(Part(records[0].topic, 0), 1, 0, records, only_store="S1")
    kept = sort_records(batch, PROJECTIONS["till_periods"].covers)

    assert [record.offset for record in kept.taken] == [0, 1]
    assert (kept.filtered, kept.control) == (1, 0)
