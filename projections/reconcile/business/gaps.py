"""The check of sequence gaps: numbers that devices gave and that did not come, tills and stores that were not heard."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Final

from projections.read_models.till_days.reader import TillDay
from projections.reconcile.business.clock import is_sealed
from projections.reconcile.business.days import Span, spans_of
from projections.reconcile.business.reading import postgres_rows
from projections.reconcile.checks import CheckOutcome, Connections, Finding, Scope, Tally

NAME: Final = "sequence_gaps"

_BEATING: Final = """
    SELECT DISTINCT till_id FROM read_g{generation}.till_days
    WHERE store_id = :store AND business_date BETWEEN CAST(:first AS date) - 7 AND CAST(:last AS date) + 7 AND has_heartbeat
"""


def judge_day(day: TillDay, beating: Collection[str], *, is_settled: bool) -> Iterator[Finding]:
    """Name what is missing of a day; before its lateness window is over all of it may still come.

    `beating`: tills that send heartbeats on other days. A range that goes on in the next finding of its device is one gap.
    """
    if day.last_heard_at is None:
        yield _finding(day, "the store", "nothing came from any till of the store; expected a sign of life", 0, 1, "store days", is_settled)
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
        if till.till_id in beating and not till.has_heartbeat:
            text = f"till {till.till_id} sent no heartbeat; expected some, for it sends them on other days"
            yield _finding(day, f"heartbeats of till {till.till_id}", text, 0, 1, "till days", is_settled)


class SequenceGaps:
    """The check `sequence_gaps`."""

    name = NAME
    title = "No number is missing, and every till was heard"

    async def run(self, connections: Connections, scope: Scope) -> CheckOutcome:
        """Judge every store-day on which a sign of life was expected."""
        tally, spans = Tally(), await spans_of(connections, scope)
        for span in spans.spans:
            days = await spans.till_days(connections, span)
            tally.compared += len(days)
            tally.add(_judged(connections, span, days, await _beating(connections, span)))
        return tally.outcome(self)


def _judged(connections: Connections, span: Span, days: Mapping[date, TillDay], beating: Collection[str]) -> Iterator[Finding]:
    for day in days.values():
        yield from judge_day(day, beating, is_settled=is_sealed(connections.clock, span.store, day.business_date))


async def _beating(connections: Connections, span: Span) -> frozenset[str]:
    return frozenset(row["till_id"] for row in await postgres_rows(connections.engine, "till_days", _BEATING, span.bound))


def _finding(day: TillDay, subject: str, text: str, observed: int, expected: int, unit: str, is_settled: bool) -> Finding:
    return Finding(NAME, day.store_id, day.business_date, subject, text, observed, expected, unit, (), not is_settled)
