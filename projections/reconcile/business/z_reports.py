"""The check of Z reports: every closed till period against its receipts, its drawer against both, and closings that did not come."""

from collections.abc import Iterator, Mapping
from datetime import date

from projections.read_models.till_days.reader import TillDay
from projections.read_models.till_periods.reader import TillPeriod
from projections.reconcile.business.clock import is_sealed
from projections.reconcile.business.days import Span, StoreSpans, is_settled, spans_of
from projections.reconcile.business.stores import stores_of
from projections.reconcile.business.tolerances import Tolerances, read_tolerances
from projections.reconcile.business.z_counters import judge_counter, judge_day
from projections.reconcile.business.z_judgement import NAME, judge_period, needs_look
from projections.reconcile.business.z_reader import (
    PeriodKey,
    periods_of,
    read_as_sent,
    read_closing_tills,
    read_closings,
    read_counters,
)
from projections.reconcile.checks import CheckOutcome, Connections, Finding, Scope, Tally


class ZReports:
    """The check `z_reports`."""

    name = NAME
    title = "Z reports agree with the receipts of their till periods, and drawers with both"

    async def run(self, connections: Connections, scope: Scope) -> CheckOutcome:
        """Judge every period that began on the dates of the scope; an open one only once its day is sealed."""
        tally = Tally()
        tolerances = await read_tolerances(connections.engine, await stores_of(connections, scope))
        spans = await spans_of(connections, scope)
        for span in spans.spans:
            await _judge_span(connections, spans, span, tolerances, tally)
        return tally.outcome(self)


async def _judge_span(connections: Connections, spans: StoreSpans, span: Span, tolerances: Tolerances, tally: Tally) -> None:
    days = await spans.till_days(connections, span)
    closings = await read_closings(connections.engine, span)
    never_closed: set[tuple[date, str]] = set()
    async for period in periods_of(connections.engine, span):
        tally.compared += period.report is not None
        if period.report is None:
            never_closed.add((period.business_date, period.till_id))
        tally.add(await _judge_period(connections, span, days, period, tolerances, closings))
    for counter in await read_counters(connections.engine, span):
        settled = is_sealed(connections.clock, span.store, counter.business_date)
        tally.add(judge_counter(counter, is_settled=settled))
    closing = await read_closing_tills(connections.engine, span)
    tally.add(_judge_days(connections, span, days, closing, never_closed))


async def _judge_period(
    connections: Connections,
    span: Span,
    days: Mapping[date, TillDay],
    period: TillPeriod,
    tolerances: Tolerances,
    closings: Mapping[PeriodKey, tuple[str, ...]],
) -> list[Finding]:
    policy = tolerances.at(span.store, period.business_date)
    of_period = closings.get((period.till_id, period.period_id), ())
    if period.report is not None and len(of_period) < 2 and not needs_look(period, policy):
        return []
    sent = await read_as_sent(connections.engine, period, of_period)
    if period.report is None:
        settled = is_sealed(connections.clock, span.store, period.business_date)
    else:
        settled = await is_settled(connections, span, days.get(period.business_date), period.till_id)
    return judge_period(period, sent, policy, is_settled=settled)


def _judge_days(
    connections: Connections, span: Span, days: Mapping[date, TillDay], closing: frozenset[str], never_closed: set[tuple[date, str]]
) -> Iterator[Finding]:
    for day in days.values():
        known = {till_id for on, till_id in never_closed if on == day.business_date}
        yield from judge_day(day, closing, known, is_sealed=is_sealed(connections.clock, span.store, day.business_date))
