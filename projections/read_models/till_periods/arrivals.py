"""When did a fact come? By the broker's clock, or where time is simulated by the highest tick before it on its partition; pure."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

from projections.facts import FactEvent, FactKey
from projections.read_models.till_periods.lateness import may_be_late, quarter_of
from projections.read_models.till_periods.mapping import PeriodFact, TickRow


class LateRow(NamedTuple):
    """A fact of sales that may have come after the lateness window of its business date; `quarter` is of the clock that says so."""

    store_id: str
    business_date: date
    simulated: bool
    quarter: datetime
    recorded_at: datetime


Clocks: TypeAlias = Mapping[int, TickRow]
"""Partition to the highest tick that was accepted on it."""


def follow(clocks: Clocks, rows: Iterable[tuple[int, PeriodFact | TickRow]]) -> tuple[Clocks, dict[FactKey, LateRow | None]]:
    """Return where the clocks stand after records of known partitions, and which of the facts may be late; of two the first decides."""
    moved, late = dict(clocks), dict[FactKey, LateRow | None]()
    for part, row in rows:
        clock = moved.get(part)
        if isinstance(row, PeriodFact):
            if row.revises:
                late.setdefault(row.event.key, _late(row.event, clock))
        elif clock is None or row.at > clock.at:
            moved[part] = row
    return moved, late


def _late(event: FactEvent, clock: TickRow | None) -> LateRow | None:
    """Before the first tick the broker is believed."""
    simulated = clock is not None and clock.simulated
    present = clock.at if clock is not None and simulated else event.recorded_at
    day = event.business_date
    if day is None or not may_be_late(day, present):
        return None
    return LateRow(event.store_id, day, simulated, quarter_of(present), event.recorded_at)
