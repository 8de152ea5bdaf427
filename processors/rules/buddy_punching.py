"""Buddy punching: two people are at one time clock seconds apart more often than those who only begin at the same time would be.

Of the times at which a pair pressed the same within a quarter of an hour (n), those within a few seconds (k) are together. If
arrivals within the quarter were independent and even, a gap would be below s with a probability of at most 2·s ÷ 900 (the density
of the distance of two uniform moments is greatest at zero, 2 ÷ length); the rule speaks when P(Binomial(n, 2·s ÷ 900) ≥ k) is
below the policy's chance. It judges periods of four weeks, which begin on fixed Mondays.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from math import comb
from typing import cast

from contracts.events.registry import CLOCKED_IN, CLOCKED_OUT
from contracts.evidence import Evidence
from contracts.policies.buddy_punching import BuddyPunchingPolicy
from processors.rules import punch_pairs as rows
from processors.rules.alerting import Finding, Speaker, Told, forgotten_at, settle
from processors.rules.attendance_telling import Heard, exact
from processors.rules.attendance_words import events
from processors.rules.feedback import FLOOR_SHARE, threshold
from processors.rules.punch_pairs import DAY, DEVICE_DAY, NEAR, DeviceDay, DevicePress, Meeting
from processors.rules.rule import (
    RETENTION,
    Decision,
    Entity,
    Happening,
    Kind,
    Occurred,
    Policy,
    Recounted,
    State,
    View,
    microseconds,
    moment_of,
)

SPEAKER = Speaker("buddy_punching", 1)
BUILT_IN = Policy(0, BuddyPunchingPolicy())

_SECOND = 1_000_000
_PERIOD = 28 * DAY
_FIRST_MONDAY = 4 * DAY
_RETENTION = RETENTION // RETENTION.resolution
_EDGE = 2 * DAY
_SEPARATOR = "\x1f"
_GRAVE = 1000
_KEPT = 500


class Pair(State, frozen=True, array_like=True):
    """The meetings of two people at one device, and what was told about them."""

    meetings: tuple[Meeting, ...] = ()
    told: tuple[Told, ...] = ()


PAIR = Kind("punch_pair", Pair, 1, 0)


class BuddyPunching:
    """The rule. A period that goes on is never history."""

    name = "buddy_punching"
    event_types = frozenset({CLOCKED_IN, CLOCKED_OUT})
    kinds = (DEVICE_DAY, PAIR)

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the device's day first, then the pairs that met; a press without a device is nobody's neighbour."""
        if isinstance(happening, Recounted):
            mentioned = [entity for entity in happening.mentioned if entity.kind in (DEVICE_DAY, PAIR)]
            return sorted(mentioned, key=lambda entity: (entity.kind is PAIR, entity.name))
        device = happening.event.envelope.device_id
        if device is None:
            return []
        press = rows.device_press(happening.event, happening.counts)
        others = {row.employee for row in _neighbours(device, press, view)}
        pairs = (_SEPARATOR.join((device, *sorted((press.employee, other)))) for other in others)
        return [Entity(DEVICE_DAY, rows.day_name(device, press.at)), *(Entity(PAIR, name) for name in sorted(pairs))]

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Keep the press, or judge the pair."""
        if entity.kind is DEVICE_DAY:
            return _keep(state if isinstance(state, DeviceDay) else DeviceDay(), happening, view)
        return _judge(entity.name, state if isinstance(state, Pair) else Pair(), happening, view)


def _neighbours(device: str, press: DevicePress, view: View) -> list[DevicePress]:
    days = (view.state(Entity(DEVICE_DAY, name)) for name in rows.days_around(device, press.at))
    return [row for day in days for row in rows.neighbours(day, press)]


def _clock(view: View) -> int | None:
    return microseconds(view.clock) if view.clock else None


def _keep(known: DeviceDay, happening: Happening, view: View) -> Decision:
    if isinstance(happening, Occurred):
        known = rows.with_press(known, rows.device_press(happening.event, happening.counts))
    elif isinstance(happening, Recounted):
        known = rows.recounted(known, happening)
    forget_at, clock = rows.forget_at(known), _clock(view)
    return Decision(None) if clock is not None and forget_at <= clock else Decision(known, (), forget_at)


def _judge(name: str, known: Pair, happening: Happening, view: View) -> Decision:
    device, *people = name.split(_SEPARATOR)
    clock = _clock(view)
    meetings = [row for row in _met(device, people, known, happening, view) if clock is None or row.begin + _RETENTION > clock][-_KEPT:]
    judged = findings("/".join(people), device, meetings, view)
    found = [exact(each) for each in judged if _is_judged(microseconds(each.window_start), clock)]
    inside = [row for row in known.told if _is_judged(row.window_start, clock) or row.window_end + _RETENTION <= (clock or 0)]
    told, derived = settle(SPEAKER, tuple(inside), found, happening, cast("View", Heard(view)))
    told = (*(row for row in known.told if row not in inside), *told)
    due = [*(row.begin + _RETENTION for row in meetings[:1]), *filter(None, [forgotten_at(told)])]
    return Decision(Pair(tuple(meetings), told) if due else None, derived, min(due, default=None))


def _met(device: str, people: Sequence[str], known: Pair, happening: Happening, view: View) -> list[Meeting]:
    """Return the pair's meetings by time, with those that a press makes, or as a correction left them."""
    found = list(known.meetings)
    if isinstance(happening, Occurred):
        press = rows.device_press(happening.event, happening.counts)
        others = (row for row in _neighbours(device, press, view) if row.employee in people)
        found += [Meeting(*sorted((press, other), key=lambda row: row.employee)) for other in others]
    elif isinstance(happening, Recounted):
        found = [rows.met_again(row, happening) for row in found]
    return sorted(found, key=lambda row: (row.begin, row.one.event, row.other.event))


def _is_judged(window_start: int, clock: int | None) -> bool:
    """A period whose meetings may be forgotten in part is left as it was told."""
    return clock is None or window_start > clock - _RETENTION + _EDGE


def findings(pair: str, device: str, meetings: Sequence[Meeting], view: View) -> Iterator[Finding]:
    """Yield a finding for each period in which a pair was together too often for chance."""
    periods = {(row.begin - _FIRST_MONDAY) // _PERIOD for row in meetings}
    for period in sorted(periods):
        begin = period * _PERIOD + _FIRST_MONDAY
        occasions = _occasions(row for row in meetings if row.counts and begin <= row.begin < begin + _PERIOD)
        if occasions:
            yield from _judged(pair, device, begin, occasions, view)


def _occasions(meetings: Iterable[Meeting]) -> list[Meeting]:
    """Return the closest meeting of each day and direction: who presses twice meets once."""
    closest: dict[tuple[int, bool], Meeting] = {}
    for row in meetings:
        occasion = (row.begin // DAY, row.one.comes)
        if occasion not in closest or row.gap < closest[occasion].gap:
            closest[occasion] = row
    return [closest[occasion] for occasion in sorted(closest)]


def _judged(pair: str, device: str, begin: int, occasions: Sequence[Meeting], view: View) -> Iterator[Finding]:
    policy = view.policy("buddy_punching", None, moment_of(occasions[-1].begin)) or BUILT_IN
    terms = policy.parameters
    assert isinstance(terms, BuddyPunchingPolicy)
    together = [row for row in occasions if row.gap <= terms.seconds * _SECOND]
    chance = tail(len(occasions), len(together), min(1.0, 2 * terms.seconds * _SECOND / NEAR))
    alpha = float(terms.chance)
    told_below = threshold(alpha, view.feedback("buddy_punching", pair, moment_of(begin)), alpha * FLOOR_SHARE, alpha)
    if len(together) < terms.least or chance >= told_below:
        return
    alike = sum(row.one.place != "" and row.one.place == row.other.place for row in together)
    same = f", {alike} times with the very same evidence of the place" if alike else ""
    start, end = moment_of(begin), moment_of(begin + _PERIOD - 1)
    yield Finding(
        key=f"{device} {start:%Y-%m-%d}",
        subject=pair,
        window_start=start,
        window_end=end,
        severity="high" if alike or chance * _GRAVE < alpha else "medium",
        stage="confirmed",
        summary=f"{pair} pressed {device} within {terms.seconds} seconds of each other {len(together)} times",
        evidence=Evidence(
            observed=f"{len(together)} of {len(occasions)} times within {terms.seconds} seconds{same}",
            expected=f"{2 * terms.seconds * _SECOND / NEAR * len(occasions):.1f} times by chance",
            probability=Decimal(f"{max(chance, 0.00001):.5f}"),
            baseline_window=f"{start:%Y-%m-%d}/{end:%Y-%m-%d}",
            event_ids=events(press.event for row in together for press in (row.one, row.other)),
        ),
        policy_version=policy.version,
    )


def tail(trials: int, successes: int, chance: float) -> float:
    """Return the probability of so many successes or more in independent trials."""
    return sum(comb(trials, count) * chance**count * (1 - chance) ** (trials - count) for count in range(successes, trials + 1))
