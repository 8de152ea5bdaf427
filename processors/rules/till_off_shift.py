"""Till off shift: receipts, refunds, voids and drawer openings under the id of somebody who was not clocked in at the time.

A join of the ledger of cashiers with the punches of the store, made anew at each look. Punches may be late: nothing is raised
before the patience is over, an alert is provisional for a day, and a punch that comes after all retracts it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np

from contracts.envelope import Event
from contracts.events.registry import CLOCKED_IN, CLOCKED_OUT, SALE_COMPLETED
from contracts.evidence import Evidence
from contracts.money import told_money
from contracts.policies.till_off_shift import TillOffShiftPolicy
from processors.rules.alerting import Finding, Severity, Speaker, Told, settle
from processors.rules.alerting import forgotten_at as closed_at
from processors.rules.fraud import ledger, presence
from processors.rules.fraud.days import bounds, forgotten_at, look_from, next_look
from processors.rules.fraud.ledger import COUNTS, DRAWER, PAGE, RETURN, SALE, VOID
from processors.rules.fraud.presence import PUNCHES, DayPunches, Pressed
from processors.rules.fraud.reach import DEEDS, place_within_reach
from processors.rules.rule import (
    RETENTION,
    Decision,
    Entity,
    EventRun,
    Happening,
    Kind,
    Left,
    Occurred,
    Policy,
    Recounted,
    State,
    View,
    microseconds,
    moment_of,
)

RULE = "till_off_shift"
SPEAKER = Speaker(RULE, 1)
BUILT_IN = Policy(0, TillOffShiftPolicy())

_PUNCHED = frozenset({CLOCKED_IN, CLOCKED_OUT})
_MINUTE, _NAMED, _SILENCED_AFTER = 60_000_000, 100, 3
_WORDS = {
    SALE: ("receipt", "receipts"),
    RETURN: ("refund", "refunds"),
    VOID: ("void", "voids"),
    DRAWER: ("drawer opening", "drawer openings"),
}
"""What one deed of a kind is called, and what several are."""


class Watch(State, frozen=True, array_like=True):
    """A business date: whether anything changed since the last look, and what was told."""

    is_stale: bool = True
    told: tuple[Told, ...] = ()


WATCH = Kind("till_off_shift", Watch, 1, 0)


@dataclass(frozen=True, slots=True)
class Stranger:
    """What was done under the id of somebody who was not there: event, time in seconds, kind, amount."""

    employee: str
    deeds: tuple[tuple[bytes, int, int, int], ...]

    @property
    def paid_back(self) -> int:
        """Return what was refunded and voided, minor units."""
        return sum(amount for _, _, kind, amount in self.deeds if kind in {RETURN, VOID})


class TillOffShift:
    """The rule."""

    name = RULE
    event_types = DEEDS | _PUNCHED
    kinds = (PUNCHES, WATCH)
    run_types = frozenset({SALE_COMPLETED})

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the punches that change, and the days to look at that do not wait for a look already."""
        if isinstance(happening, Recounted):
            return _touched_by_correction(happening, view)
        event = happening.event
        if event.type in _PUNCHED:
            day = _day_of(event)
            if not _is_kept(event, day, view):
                return []
            return [_entity(PUNCHES, day), *_watched(range(day - 1, day + 2), view)]
        place = place_within_reach(happening, view)
        if place is None:
            return []
        watch = _entity(WATCH, place.day)
        return [] if _waits(view.state(watch)) else [watch]

    def in_run(self, run: EventRun) -> Iterator[Left]:
        """Leave the first sale of a day since the last look at it to `touched`."""
        waiting = set[int]()
        for number, _, _, happening in run.rows:
            place = place_within_reach(happening, run.view)
            if place is None or place.day in waiting:
                continue
            if _waits(run.view.state(_entity(WATCH, place.day))):
                waiting.add(place.day)
            else:
                yield Left(number)

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Keep a punch, mark a day, or look at it when the clock asks."""
        day = date.fromisoformat(entity.name).toordinal()
        if entity.kind is PUNCHES:
            return _punched(day, state if isinstance(state, DayPunches) else DayPunches(), happening)
        known = state if isinstance(state, Watch) else Watch()
        if isinstance(happening, Occurred | Recounted):
            event = happening.event if isinstance(happening, Occurred) else happening.cause
            return Decision(Watch(True, known.told), (), next_look(event.envelope.occurred_at, view.clock))
        return _looked_at(day, known, happening, view)


@lru_cache(maxsize=2048)
def _entity(kind: Kind, day: int) -> Entity:
    return Entity(kind, date.fromordinal(day).isoformat())


def _day_of(event: Event[Any]) -> int:
    envelope = event.envelope
    return (envelope.business_date or envelope.occurred_at.date()).toordinal()


def _is_kept(event: Event[Any], day: int, view: View) -> bool:
    clock = view.clock
    return clock is None or (event.envelope.occurred_at > clock - RETENTION and forgotten_at(day) > microseconds(clock))


def _waits(state: State | None) -> bool:
    return isinstance(state, Watch) and state.is_stale


def _watched(days: Iterable[int], view: View) -> list[Entity]:
    """Return the days on which somebody used a till, and that are not marked."""
    known = [(_entity(WATCH, day), view.state(_entity(WATCH, day))) for day in days]
    return [entity for entity, state in known if state is not None and not _waits(state)]


def _touched_by_correction(change: Recounted, view: View) -> list[Entity]:
    punches = [entity for entity in change.mentioned if entity.kind is PUNCHES]
    days = {ledger.place_of(entity.name).day for entity in change.mentioned if entity.kind is PAGE}
    for entity in punches:
        day = date.fromisoformat(entity.name).toordinal()
        days.update(range(day - 1, day + 2))
    return [*punches, *_watched(sorted(days), view)]


def _punched(day: int, known: DayPunches, happening: Happening) -> Decision:
    if isinstance(happening, Occurred):
        return Decision(presence.with_punch(known, happening.event, happening.counts), (), forgotten_at(day))
    return Decision(presence.recounted(known, happening), (), forgotten_at(day)) if isinstance(happening, Recounted) else Decision(None)


def _looked_at(day: int, known: Watch, happening: Happening, view: View) -> Decision:
    """Say who used a till without being there, as far as punches could have come."""
    assert view.clock is not None
    clock = microseconds(view.clock)
    if clock >= forgotten_at(day):
        return Decision(None, settle(SPEAKER, known.told, (), happening, view)[1])
    begin, end = bounds(day, view)
    policy = view.policy(RULE, None, begin) or BUILT_IN
    terms = policy.parameters
    assert isinstance(terms, TillOffShiftPolicy)
    ripe = clock - terms.patience_minutes * _MINUTE
    strangers = list(_strangers(day, terms, view))
    confirmed_at = look_from(end + timedelta(hours=terms.confirm_hours), None)
    judged = (Stranger(each.employee, tuple(deed for deed in each.deeds if deed[1] * 1_000_000 <= ripe)) for each in strangers)
    found = [
        _finding(each, day, (begin, end), policy.version, terms, clock >= confirmed_at, view)
        for each in judged
        if len(each.deeds) >= terms.least_events and not _is_silenced(each.employee, begin, view)
    ]
    told, derived = settle(SPEAKER, known.told, found, happening, view)
    waiting = any(deed[1] * 1_000_000 > ripe for each in strangers for deed in each.deeds)
    soonest = next_look(view.clock, view.clock)
    last = closed_at(told) or forgotten_at(day)
    due = soonest if waiting else max(confirmed_at, soonest) if clock < confirmed_at and found else last
    return Decision(Watch(False, told), derived, due)


def _is_silenced(employee: str, at: datetime, view: View) -> bool:
    """People who never punch, a manager say: after three false alarms more than true ones nothing is said of them."""
    feedback = view.feedback(RULE, employee, at)
    return feedback.false_alarms - feedback.true_alarms >= _SILENCED_AFTER


def _strangers(day: int, terms: TillOffShiftPolicy, view: View) -> Iterator[Stranger]:
    """Yield everybody who did something on a day while not clocked in; nobody where the store has no punches around that day."""
    there = presence.intervals(_punches(day, view), terms.grace_minutes * _MINUTE, terms.longest_shift_hours * 60 * _MINUTE)
    if not there:
        return
    found: dict[str, list[tuple[bytes, int, int, int]]] = {}
    for _, page in ledger.pages(view, day):
        rows = ledger.table(page)
        judged = (rows["flags"] & COUNTS > 0) & (rows["flags"] & ledger.CLOCK_AHEAD == 0)
        for number, employee in enumerate(page.cashiers):
            own = np.flatnonzero(judged & (rows["cashier"] == number))
            for row in own[presence.uncovered(rows["at"][own].astype(np.int64), there.get(employee, ()))]:
                deed = (ledger.event_at(page, row), int(rows["at"][row]), int(rows["kind"][row]), int(rows["amount"][row]))
                found.setdefault(employee, []).append(deed)
    for employee in sorted(found):
        yield Stranger(employee, tuple(sorted(found[employee], key=lambda deed: (deed[1], deed[0]))))


def _punches(day: int, view: View) -> Iterator[Pressed]:
    for around in range(day - 1, day + 2):
        state = view.state(_entity(PUNCHES, around))
        if isinstance(state, DayPunches):
            yield from state.rows


def _finding(
    stranger: Stranger,
    day: int,
    window: tuple[datetime, datetime],
    version: int,
    terms: TillOffShiftPolicy,
    confirmed: bool,
    view: View,
) -> Finding:
    counts = {kind: sum(1 for deed in stranger.deeds if deed[2] == kind) for kind in _WORDS}
    first, last = (moment_of(stranger.deeds[place][1] * 1_000_000).isoformat() for place in (0, -1))
    what = ", ".join(f"{count} {_WORDS[kind][count > 1]}" for kind, count in counts.items() if count)
    store = view.store_at(window[0])
    paid_back = told_money(stranger.paid_back, store.currency if store else None)
    observed = f"{what} from {first} to {last} while {stranger.employee} was not clocked in; {paid_back} paid back"
    expected = f"a clock-in at most {terms.grace_minutes} minutes later, and no clock-out more than {terms.grace_minutes} minutes earlier"
    ordered = sorted(stranger.deeds, key=lambda deed: (deed[2] == SALE, deed[1], deed[0]))
    evidence = Evidence(
        observed=observed,
        expected=expected,
        baseline_window=f"{date.fromordinal(day - 1).isoformat()}/{date.fromordinal(day + 1).isoformat()}",
        event_ids=tuple(UUID(bytes=deed[0]) for deed in ordered[:_NAMED]),
    )
    return Finding(
        key=date.fromordinal(day).isoformat(),
        subject=stranger.employee,
        window_start=window[0],
        window_end=window[1],
        severity=_severity(stranger, counts, terms),
        stage="confirmed" if confirmed else "provisional",
        summary=f"A till of {view.store_id} was used as {stranger.employee}, who was not clocked in: {what}",
        evidence=evidence,
        policy_version=version,
        news=f"{observed}|{evidence.event_ids}" if confirmed else "",
        business_date=date.fromordinal(day).isoformat(),
    )


def _severity(stranger: Stranger, counts: dict[int, int], terms: TillOffShiftPolicy) -> Severity:
    """Money that went back is grave; an opened drawer may be; receipts alone are a matter of working time."""
    if stranger.paid_back >= max(terms.high_amount or 0, 1):
        return "high"
    return "medium" if counts[DRAWER] or stranger.paid_back else "low"
