"""Void and refund fraud: cashiers whose refunds, voids, drawer openings and discounts are unlikely among their peers.

Events mark the days that they change; the clock makes those days' summaries anew and judges them, and four weeks at each
week's end. What stands follows from the ledger alone, so late and shuffled facts end where ordered ones do.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from contracts.envelope import Event
from contracts.events.registry import DRAWER_OPENED, SALE_COMPLETED
from processors.rules.alerting import Finding, Speaker, Told, orphaned, settle
from processors.rules.fraud import judgement, ledger, refund_links
from processors.rules.fraud.day_summaries import DAY, Day, renewed
from processors.rules.fraud.days import bounds, forgotten_at, look_from, next_look
from processors.rules.fraud.deeds import Terms
from processors.rules.fraud.findings import RULE, Span, findings, policy_at
from processors.rules.fraud.judgement import WINDOW_DAYS, Table
from processors.rules.fraud.ledger import PAGE, Page
from processors.rules.fraud.reach import DEEDS, place_within_reach
from processors.rules.fraud.refund_links import REFUND_LINKS
from processors.rules.rule import (
    RETENTION,
    Decision,
    Derived,
    Entity,
    EventRun,
    Happening,
    Kind,
    Left,
    Occurred,
    Recounted,
    State,
    View,
    microseconds,
    moment_of,
)

SPEAKER = Speaker(RULE, 1)
_DAYS_KEPT = RETENTION.days + WINDOW_DAYS + 2
_DAYS_AHEAD = 2
"""A look goes through so many days after the clock's, whether or not anything is known of them."""

_BASELINE = WINDOW_DAYS * 86_400_000_000
_RETENTION = RETENTION // RETENTION.resolution
_SUNDAY = 7


class Judged(State, frozen=True, array_like=True):
    """What was told of a store's cashiers, the first day that changed since (0: none), and the last week's end that was judged.

    `ahead` are the days with facts that lie further ahead of the clock than a look goes through anyway.
    """

    told: tuple[Told, ...] = ()
    stale_from: int = 0
    weeks_until: int = 0
    ahead: tuple[int, ...] = ()


JUDGED = Kind("fraud_judgement", Judged, 1, 0)
"""Its name comes after that of the days: of what is due at one time, the days are made first."""

STORE = Entity(JUDGED, "store")


class VoidRefundFraud:
    """The rule."""

    name = RULE
    event_types = DEEDS
    kinds = (DAY, JUDGED)
    run_types = frozenset({SALE_COMPLETED})

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the days that change and are not marked yet, and the store unless it waits for a look already."""
        days = _changed_days(happening, view)
        return _fresh(days, view) if days else []

    def in_run(self, run: EventRun) -> Iterator[Left]:
        """Leave the first sale of a day since the last look at it to `touched`, and every one that a refund names."""
        waiting, links = set[int](), run.view.state(refund_links.ENTITY)
        for number, _, _, happening in run.rows:
            place = place_within_reach(happening, run.view)
            if place is None:
                continue
            if place.day not in waiting and not _fresh({place.day}, run.view):
                waiting.add(place.day)
            if place.day not in waiting or (links is not None and refund_links.names_any(links, _tokens(happening.event))):
                yield Left(number)

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Mark what changed; at a tick make the day's summary anew, or judge the store."""
        if entity.kind is DAY:
            return _day(entity, state if isinstance(state, Day) else Day(), happening, view)
        known = state if isinstance(state, Judged) else Judged()
        if isinstance(happening, Occurred | Recounted):
            return _marked(known, happening, view)
        return _judged(known, happening, view)


def _fresh(days: set[int], view: View) -> list[Entity]:
    """Return the days that are not marked yet, and the store unless it waits for a look at the first of them already."""
    fresh = [entity for day in sorted(days) if not _is_stale(view.state(entity := _entity(day)))]
    known = view.state(STORE)
    waits = isinstance(known, Judged) and 0 < known.stale_from <= min(days) and _ahead(days, view) <= set(known.ahead)
    return fresh if waits else [*fresh, STORE]


def _ahead(days: Iterable[int], view: View) -> set[int]:
    """Return the days that no look reaches yet; before the first tick, all."""
    reach = view.clock.date().toordinal() + _DAYS_AHEAD if view.clock is not None else 0
    return {day for day in days if day > reach}


@lru_cache(maxsize=2048)
def _entity(day: int) -> Entity:
    return Entity(DAY, date.fromordinal(day).isoformat())


def _is_stale(state: State | None) -> bool:
    return isinstance(state, Day) and state.is_stale


def _changed_days(happening: Occurred | Recounted, view: View) -> set[int]:
    """Return the days whose summaries change."""
    if isinstance(happening, Recounted):
        return set(_recounted_days(happening, view))
    place = place_within_reach(happening, view)
    return set() if place is None else _days_of(place.day, happening.event, view)


def _days_of(day: int, event: Event[Any], view: View) -> set[int]:
    """Return the day of an event, and those of refunds that name the same sale."""
    days, links = {day}, view.state(refund_links.ENTITY)
    tokens = _tokens(event) if links is not None else ()
    if refund_links.names_any(links, tokens):
        days.update(refund.day for token in tokens for refund in refund_links.refunds_of(links, token))
    return days


def _tokens(event: Event[Any]) -> tuple[bytes, ...]:
    """Return what stands for the sale that an event is or names."""
    if event.type == DRAWER_OPENED:
        return ()
    if event.type == SALE_COMPLETED:
        return ledger.token(event.data.receipt_id), event.id.bytes[:8]
    link = ledger.link_of(event)
    return () if link is None else (refund_links.token_of(link),)


def _recounted_days(change: Recounted, view: View) -> Iterable[int]:
    """Yield the days with rows that a correction changed, and those of refunds of the same sales."""
    changed = change.voided | change.restored
    for entity in change.mentioned:
        if entity.kind is DAY:
            yield date.fromisoformat(entity.name).toordinal()
        elif entity.kind is PAGE:
            yield ledger.place_of(entity.name).day
            page = view.state(entity)
            yield from _refunding(ledger.receipts_of(page, changed) if isinstance(page, Page) else (), view)
        elif entity.kind is REFUND_LINKS:
            yield from _refunding(refund_links.tokens_of(view.state(entity), changed), view)


def _refunding(tokens: Iterable[bytes], view: View) -> Iterable[int]:
    links = view.state(refund_links.ENTITY)
    return [refund.day for token in tokens for refund in refund_links.refunds_of(links, token)]


def _day(entity: Entity, known: Day, happening: Happening, view: View) -> Decision:
    day = date.fromisoformat(entity.name).toordinal()
    forgotten = forgotten_at(day) + _BASELINE
    if isinstance(happening, Occurred | Recounted):
        return Decision(msgspec.structs.replace(known, is_stale=True), (), next_look(_at(happening), view.clock))
    assert view.clock is not None
    clock = microseconds(view.clock)
    if clock >= forgotten:
        return Decision(None)
    if clock >= forgotten_at(day):
        return Decision(msgspec.structs.replace(known, is_stale=False), (), forgotten)
    _, parameters = policy_at(view, bounds(day, view)[0])
    terms = Terms(parameters.quick_void_minutes * 60, parameters.after_hours_minutes * 60, parameters.approval_limit)
    return Decision(renewed(day, known, terms, view), (), forgotten)


def _at(happening: Occurred | Recounted) -> datetime:
    event = happening.event if isinstance(happening, Occurred) else happening.cause
    return event.envelope.occurred_at


def _marked(known: Judged, happening: Occurred | Recounted, view: View) -> Decision:
    days = _changed_days(happening, view)
    first = min([*days, known.stale_from] if known.stale_from else days)
    ahead = tuple(sorted(_ahead(days, view).union(known.ahead)))
    return Decision(msgspec.structs.replace(known, stale_from=first, ahead=ahead), (), next_look(_at(happening), view.clock))


def _judged(known: Judged, happening: Happening, view: View) -> Decision:
    """Judge the days that changed and those that they are the past of, what is to be confirmed, and the weeks that ended."""
    assert view.clock is not None
    today, now = view.clock.date().toordinal() + 1, microseconds(view.clock)
    within = sorted({*range(today - _DAYS_KEPT, today + _DAYS_AHEAD), *known.ahead})  # today is the day after the clock's
    days = {day: state for day in within if isinstance(state := view.state(_entity(day)), Day)}
    ended = _last_ended_week(today, view)
    ripe = {row.key for row in known.told if row.stands and _settle_at(row, view) <= now}
    look = _Look(days, happening, view)
    told, derived = look.at_days(known, {day for day in days if _is_due(day, known.stale_from, WINDOW_DAYS)}, ripe)
    weeks = [day for day in range(today - _DAYS_KEPT, ended + 1) if date.fromordinal(day).isoweekday() == _SUNDAY]
    due = {day for day in weeks if day > known.weeks_until or _is_due(day, known.stale_from, 2 * WINDOW_DAYS)}
    told, more = look.at_weeks(told, due, ripe)
    stale = min((day for day, state in days.items() if state.is_stale), default=0)
    after = Judged(_remembered(told, view), stale, ended, tuple(sorted(_ahead(known.ahead, view))))
    if not days and not after.told:
        return Decision(None, [*derived, *more])
    return Decision(after, [*derived, *more], _next(after, ended, view))


def _is_due(day: int, stale_from: int, reach: int) -> bool:
    return 0 < stale_from <= day <= stale_from + reach


def _last_ended_week(today: int, view: View) -> int:
    """Return the last Sunday whose business date is over by the clock."""
    assert view.clock is not None
    sunday = today - date.fromordinal(today).isoweekday() % _SUNDAY
    return sunday if bounds(sunday, view)[1] <= view.clock else sunday - 7


def _next(after: Judged, ended: int, view: View) -> int:
    """Return when to look next: at the week's end, when something can be confirmed or closed, or for days not made anew yet."""
    moments = [look_from(bounds(ended + 7, view)[1], view.clock)]
    moments += [_settle_at(row, view) for row in after.told if row.stands]
    assert view.clock is not None
    soonest = next_look(view.clock, view.clock)
    return max(soonest, min(moments)) if not after.stale_from else soonest


def _settle_at(row: Told, view: View) -> int:
    """Return when an open alert is confirmed, or closed because its retention is over."""
    begin, end = moment_of(row.window_start), moment_of(row.window_end)
    wait = timedelta(hours=policy_at(view, begin)[1].confirm_hours) if row.stage == "provisional" else RETENTION
    return look_from(end + wait, None)


def _remembered(told: Iterable[Told], view: View) -> tuple[Told, ...]:
    """Forget what no window that late data can still change reaches back to."""
    assert view.clock is not None
    horizon = microseconds(view.clock) - _RETENTION - _BASELINE
    return tuple(row for row in told if row.window_end > horizon)


class _Look:
    """One look at a store: settles the days first, then the weeks without the days that were told."""

    def __init__(self, days: dict[int, Day], happening: Happening, view: View) -> None:
        self._days, self._happening, self._view = days, happening, view

    def at_days(self, known: Judged, due: set[int], ripe: set[str]) -> tuple[tuple[Told, ...], list[Derived]]:
        """Judge business dates."""
        due = due | {_day_of(key) for key in ripe if key.startswith("day/")}
        table = judgement.table_of(self._days)
        found = [each for day in sorted(due) if day in self._days for each in self._on_day(day, table)]
        return self._settled(known.told, {f"day/{_iso(day)}" for day in due}, found)

    def at_weeks(self, told: tuple[Told, ...], due: set[int], ripe: set[str]) -> tuple[tuple[Told, ...], list[Derived]]:
        """Judge the four weeks until each of some Sundays."""
        due = due | {_day_of(key) for key in ripe if key.startswith("weeks/")}
        if not due:
            return told, []
        apart = frozenset((_day_of(row.key), row.subject) for row in told if _is_of_a_day(row))
        table = judgement.table_of(self._days, apart)
        found = [each for last in sorted(due) for each in self._on_weeks(last, table, apart)]
        return self._settled(told, {f"weeks/{_iso(last)}" for last in due}, found)

    def _settled(self, told: tuple[Told, ...], keys: set[str], found: list[Finding]) -> tuple[tuple[Told, ...], list[Derived]]:
        own = tuple(row for row in told if row.key in keys)
        others = tuple(row for row in told if row.key not in keys or row.is_orphaned)
        kept, derived = settle(SPEAKER, own, found, self._happening, self._view)
        places = {(row.key, row.subject) for row in kept}
        closed = tuple(orphaned(row) for row in own if row.stands and (row.key, row.subject) not in places)
        return (*others, *kept, *closed), derived

    def _on_day(self, day: int, table: Table) -> Iterable[Finding]:
        begin, end = bounds(day, self._view)
        _, parameters = policy_at(self._view, begin)
        cashiers = len(self._days[day].tallies)
        span = self._span(f"day/{_iso(day)}", begin, end, (day - WINDOW_DAYS, day - 1), max(1, cashiers), _iso(day))
        return findings(judgement.strays_of_day(day, table, self._days[day].deeds), span, parameters.day_probability, self._view)

    def _on_weeks(self, last: int, table: Table, apart: frozenset[tuple[int, str]]) -> Iterable[Finding]:
        first = last - WINDOW_DAYS + 1
        begin, end = bounds(first, self._view)[0], bounds(last, self._view)[1]
        _, parameters = policy_at(self._view, begin)
        within = {day: state for day, state in self._days.items() if first <= day <= last}
        done = [deed for day in sorted(within) for deed in within[day].deeds if (day, deed.cashier) not in apart]
        decisions = max(1, len({each.cashier for state in within.values() for each in state.tallies})) / 7
        span = self._span(f"weeks/{_iso(last)}", begin, end, (first, last), decisions, None)
        return findings(judgement.strays_of_window(last, table, done), span, parameters.window_probability, self._view)

    def _span(
        self, key: str, begin: datetime, end: datetime, baseline: tuple[int, int], decisions: float, business_date: str | None
    ) -> Span:
        _, parameters = policy_at(self._view, begin)
        clock = self._view.clock
        assert clock is not None
        confirmed = microseconds(clock) >= look_from(end + timedelta(hours=parameters.confirm_hours), None)
        return Span(key, begin, end, baseline, decisions, business_date, confirmed)


def _is_of_a_day(row: Told) -> bool:
    """Tell whether a cashier was told of on a day, so that the weeks leave that day out: also after the alert was closed by its age."""
    return (row.stands or row.is_orphaned) and row.key.startswith("day/")


def _iso(day: int) -> str:
    return date.fromordinal(day).isoformat()


def _day_of(key: str) -> int:
    return date.fromisoformat(key.split("/")[1]).toordinal()
