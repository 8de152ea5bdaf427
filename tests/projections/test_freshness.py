"""As of when a read model answers: what moves that time, and what must not hold it back."""

from datetime import datetime
from typing import NamedTuple

from contracts.topics import ALERTS, REFERENCE_DATA, STORE_FACTS
from projections.freshness import _freshness
from tests.projections.story import at


class Position(NamedTuple):
    """A row of positions."""

    topic: str
    part: int
    recorded_at: datetime | None
    next_offset: int = 1
    generation: int = 1


def as_of(*rows: Position) -> datetime | None:
    """Return the time of an answer from a model with these positions."""
    return _freshness(list(rows)).as_of  # type: ignore[arg-type]


def test_reference_data_that_does_not_change_holds_no_answer_back() -> None:
    """Its topic has no ticks: else a stack would answer as of its last new SKU, and no day would become final."""
    old = Position(REFERENCE_DATA, 0, at(0))
    assert as_of(old, Position(STORE_FACTS, 0, at(90)), Position(STORE_FACTS, 1, at(80))) == at(80)
    assert as_of(old) == at(0)
    assert as_of(old, Position(STORE_FACTS, 0, None)) == at(0)


def test_a_partition_whose_ticks_were_not_applied_holds_the_answer_back() -> None:
    """The slowest one decides, over topics as well: rules that stand still are seen in their alerts."""
    assert as_of(Position(STORE_FACTS, 0, at(90)), Position(ALERTS, 0, at(30))) == at(30)
