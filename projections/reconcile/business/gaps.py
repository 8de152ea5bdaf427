"""The check of sequence gaps: numbers that devices gave and that did not come, tills and stores that were not heard."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from projections.read_models.reference_data.calendars import UNKNOWN, Calendar, read_calendars
from projections.read_models.till_days.reader import TillDay
from projections.reconcile.business.clock import is_sealed
from projections.reconcile.business.days import Span, StoreSpans, spans_of
from projections.reconcile.business.reading import postgres_rows
from projections.reconcile.business.trading import WEEKS, Trading
from projections.reconcile.checks import CheckOutcome, Connections, Finding, Scope, Tally

NAME: Final = "sequence_gaps"

_BEATING: Final = """
    SELECT DISTINCT till_id FROM read_g{generation}.till_days
    WHERE store_id = :store AND business_date BETWEEN CAST(:first AS date) - 7 AND CAST(:last AS date) + 7 AND has_heartbeat
"""


_HEARD: Final = """
    SELECT business_date, bool_or(store_id = :store) AS is_own FROM read_g{generation}.store_days
    WHERE store_id = ANY (CAST(:stores AS text[])) AND business_date BETWEEN CAST(:first AS date) - 7 * (:weeks + 1) AND :last
    GROUP BY business_date
"""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual around some days of a store: its tills that send heartbeats, and dates on which any store of its chain was heard.

    `trading`: when the store itself is open.
    """

    beating: Collection[str]
    dates: Collection[date]
    trading: Trading = field(default_factory=Trading)

    def expects(self, day: TillDay) -> bool:
        """Tell whether the store should have been heard: it lists its tills or sends heartbeats, and it and the chain were open."""
        is_known = day.tills_expected is not None or bool(self.beating)
        return is_known and day.business_date in self.dates and self.trading.is_open(day.business_date, self.dates)


def judge_day(day: TillDay, usual: Usual, *, is_settled: bool) -> Iterator[Finding]:
    """Name what is missing of a day; before its lateness window is over all of it may still come."""
    if day.last_heard_at is None:
        text = "nothing came from any till of the store; expected a sign of life, for other stores were heard"
        if usual.expects(day):
            yield _finding(day, "the store", text, 0, 1, "store days", is_settled)
        return
    for gap in day.missing:
        count = gap.last - gap.first + 1
        numbers = f"number {gap.first}" if count == 1 else f"numbers {gap.first} to {gap.last}"
        text = f"device {gap.device_id}: {numbers} did not come ({count} missing, 0 expected)"
        yield _finding(day, f"{numbers} of device {gap.device_id}", text, count, 0, "numbers", is_settled)
    listed = sum(gap.last - gap.first + 1 for gap in day.missing)
    if day.numbers_missing is not None and day.numbers_missing > listed:
        rest = day.numbers_missing - listed
        yield _finding(day, "further numbers", f"{rest} further numbers did not come; expected 0", rest, 0, "numbers", is_settled)
    for till_id in day.tills_silent:
        text = f"till {till_id} is on the store's list and was not heard; expected a sign of life"
        yield _finding(day, f"till {till_id}", text, 0, 1, "till days", is_settled)
    for till in day.tills:
        if till.till_id in usual.beating and not till.has_heartbeat:
            text = f"till {till.till_id} sent no heartbeat; expected some, for it sends them on other days"
            yield _finding(day, f"heartbeats of till {till.till_id}", text, 0, 1, "till days", is_settled)


class SequenceGaps:
    """The check `sequence_gaps`."""

    name = NAME
    title = "No number is missing, and every till was heard"

    async def run(self, connections: Connections, scope: Scope) -> CheckOutcome:
        """Judge every store-day on which a sign of life was expected."""
        tally, spans = Tally(), await spans_of(connections, scope)
        calendars = await read_calendars(connections.engine, sorted({span.store.store_id for span in spans.spans}))
        for span in spans.spans:
            days = await spans.till_days(connections, span)
            tally.compared += len(days)
            usual = await _usual(connections, spans, span, calendars.get(span.store.store_id, UNKNOWN))
            for day in days.values():
                settled = is_sealed(connections.clock, span.store, day.business_date)
                tally.add(judge_day(day, usual, is_settled=settled))
        return tally.outcome(self)


async def _usual(connections: Connections, spans: StoreSpans, span: Span, calendar: Calendar) -> Usual:
    beating = await postgres_rows(connections.engine, "till_days", _BEATING, span.bound)
    heard = await postgres_rows(connections.engine, "till_days", _HEARD, span.bound | {"stores": list(spans.scope), "weeks": WEEKS})
    own = frozenset(row["business_date"] for row in heard if row["is_own"])
    return Usual(frozenset(row["till_id"] for row in beating), frozenset(row["business_date"] for row in heard), Trading(calendar, own))


def _finding(day: TillDay, subject: str, text: str, observed: int, expected: int, unit: str, is_settled: bool) -> Finding:
    return Finding(NAME, day.store_id, day.business_date, subject, text, observed, expected, unit, (), not is_settled)
