"""How far the stores of a chain strayed on the days before decides what is odd today, whenever it is heard of."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import encode
from contracts.envelope import Event
from contracts.events.alerts import AlertChanged
from contracts.events.registry import SALES_OBSERVED
from contracts.records import LogRecord, RawRecord
from contracts.topics import CHAIN_OBSERVATIONS
from processors.fold import Fold
from processors.rules.rule import Entity
from processors.rules.sales.comparison import DAYS_BEFORE
from processors.rules.sales_deviation_chain import SalesDeviationChain
from processors.stages import Stage
from tests.examples import examples
from tests.processors.events import event
from tests.processors.observations import MIDNIGHT, observation, progress
from tests.processors.oracle import Replica, contents
from tests.processors.sales_stories import day, standing

PROPERTY = settings(max_examples=examples(10))
STORES = tuple(f"S{number:02}" for number in range(12))
LOW, HOUR = "S03", 12
QUIET, RESTLESS = 0.8, 2.4
Story = list[Event[Any]]


def said(number: int, store: str, residual: float, revision: int = 1) -> Event[Any]:
    """Say how far a store is from what its past lets expect, on a day of the story."""
    content = observation(MIDNIGHT + timedelta(days=number), HOUR, 3000, revision)
    content = content.model_copy(update={"residual": Decimal(f"{residual:.2f}"), "actual": 3000 if residual < -1 else 5000})
    return event(SALES_OBSERVED, f"said/{number}/{revision}", content.hour_end, content.model_dump(mode="json"), store)


def chain_day(number: int, stray: float, revision: int = 1) -> Story:
    """Let stores be as far above and below their pasts at most, evenly."""
    return [said(number, store, stray * even(place), revision) for place, store in enumerate(STORES)]


def even(place: int) -> float:
    """Return places from -1 to 1."""
    return 2 * place / (len(STORES) - 1) - 1


def last_day() -> Story:
    """An ordinary day for all but one store."""
    return [said(DAYS_BEFORE, store, -2.5 if store == LOW else QUIET * even(place)) for place, store in enumerate(STORES)]


def compared(story: Sequence[Event[Any]], rule: SalesDeviationChain | None = None) -> Replica:
    """Fold what stores say in the stage of chains."""
    chain = Replica(Fold((rule or SalesDeviationChain(),), stage=Stage("chains", 1, 0)))
    written = [encode(each, CHAIN_OBSERVATIONS, 0) for each in story]
    recorded = int(day(400).timestamp() * 1000)
    log: list[LogRecord] = [
        RawRecord(CHAIN_OBSERVATIONS, 0, offset, recorded, each.key, each.value, each.headers) for offset, each in enumerate(written)
    ]
    chain.apply(log)
    return chain


def told(chain: Replica) -> dict[tuple[str, str], str | None]:
    """Return store and probability of the alerts that stand, by their begin."""
    return {(store, begin): str(row.evidence.probability) for (_, store, begin), row in standing(chain).items()}


def in_order(stray: float) -> Story:
    """A week of a chain that strays so far, and the day after."""
    days = [chain_day(number, stray) for number in range(DAYS_BEFORE)] + [last_day()]
    return [each for number, happened in enumerate(days) for each in (*happened, progress(0, day(number + 1), 1))]


@cache
def ordered() -> dict[tuple[str, str], str | None]:
    """Return what stands when the quiet week is told as it happens."""
    return told(compared(in_order(QUIET)))


def test_a_store_is_odd_in_a_quiet_chain_that_is_not_in_a_restless_one() -> None:
    """The same day, after a week in which stores strayed little or much."""
    assert [store for store, _ in ordered()] == [LOW]
    assert told(compared(in_order(RESTLESS))) == {}


def test_days_before_the_week_say_nothing() -> None:
    """What was restless more than seven days ago is forgotten."""
    before = [*chain_day(-1, 3 * RESTLESS), progress(0, day(0), 1)]
    assert told(compared([*before, *in_order(QUIET)])) == ordered()


@pytest.mark.parametrize("number", [0, DAYS_BEFORE - 1])
def test_a_late_revision_decides_the_days_after_anew(number: int) -> None:
    """A day that was restless at first, and quiet when all was heard, leaves what a quiet one leaves."""
    story = in_order(QUIET)
    place = number * (len(STORES) + 1)
    first = [*story[:place], *chain_day(number, 4 * RESTLESS), *story[place + len(STORES) :]]
    assert told(compared(first)) != ordered()
    assert told(compared([*first, *chain_day(number, QUIET, 2), progress(0, day(DAYS_BEFORE + 2), 1)])) == ordered()


@PROPERTY
@given(st.randoms(use_true_random=False), st.lists(st.integers(1, DAYS_BEFORE), max_size=4))
def test_any_order_of_the_observations_ends_in_the_same_alerts(random: Any, clocks: list[int]) -> None:
    """Shuffled days with the clock moving on anywhere in between."""
    happened = [each for each in in_order(QUIET) if each.type == SALES_OBSERVED]
    shuffled: Story = random.sample(happened, len(happened))
    for clock, place in zip(sorted(clocks), sorted(random.sample(range(len(happened)), len(clocks))), strict=True):
        shuffled.insert(place, progress(0, day(clock), 1))
    assert told(compared([*shuffled, progress(0, day(DAYS_BEFORE + 2), 1)])) == ordered()


class _Forgetful(SalesDeviationChain):
    """A damaged rule: a day that was judged is not judged anew when one before it changes."""

    def touched(self, happening: Any, view: Any) -> list[Entity]:
        """Leave the days after alone."""
        return list(super().touched(happening, view))[:2]


def test_a_rule_that_leaves_the_days_after_alone_is_caught() -> None:
    """The negative control: the week is heard of after the day that is judged by it."""
    week, last = in_order(QUIET)[: -len(STORES) - 1], last_day()
    late = [*last, progress(0, day(DAYS_BEFORE + 1), 1), *(each for each in week if each.type == SALES_OBSERVED)]
    late.append(progress(0, day(DAYS_BEFORE + 2), 1))
    assert told(compared(late)) == ordered()
    assert told(compared(late, _Forgetful())) != ordered()


def test_hours_that_end_later_are_still_looked_at_after_an_early_look() -> None:
    """A revision of the day before asks for a look at noon; the hour that ends afterwards is judged when it has ended."""
    week, last = in_order(QUIET)[: -len(STORES) - 1], last_day()
    revised = said(DAYS_BEFORE - 1, STORES[0], QUIET, 2)
    story = [*week, *last, progress(0, day(DAYS_BEFORE, 11), 1), revised, progress(0, day(DAYS_BEFORE, 12), 1)]
    assert told(compared(story)) == {}
    assert list(told(compared([*story, progress(0, day(DAYS_BEFORE, 14), 1)]))) == list(ordered())


def test_an_alert_that_nobody_can_end_any_more_is_closed() -> None:
    """35 days after the day, and not before."""
    story, last = in_order(QUIET), [progress(0, day(DAYS_BEFORE + days), 1) for days in (35, 36)]
    early, late, gone = (compared([*story, *clocks]) for clocks in (last[:1], last[1:], last))
    assert told(early) == ordered()
    for chain in (late, gone):
        assert told(chain) == {}
        assert [row.status for row in contents(chain.derived, AlertChanged)][-1] == "orphaned"


def test_buckets_are_kept_as_long_as_a_day_that_is_judged_by_them() -> None:
    """An alert that is as old as the retention still finds its week; after it nothing is left."""
    story = in_order(QUIET)
    kept = compared([*story, progress(0, day(DAYS_BEFORE + 35), 1)])
    gone = compared([*story, progress(0, day(DAYS_BEFORE + 36), 1), progress(0, day(90), 1)])

    def buckets(chain: Replica) -> int:
        return sum(bool(body) for key, (_, body) in chain.states().items() if "|sales_bucket|" in key)

    assert (buckets(kept), buckets(gone)) == (DAYS_BEFORE + 1, 0)
