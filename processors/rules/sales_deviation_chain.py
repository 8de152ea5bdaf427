"""Sales deviation, second stage: which stores of a chain sold too little or too much, as the chain itself went that day.

An hour is decided when the chain's clock has passed its end: then every store has spoken about it. A later revision of any
store decides the hour again for all of them, and the same hour of the seven days after, which are judged by it. There is one alert
a store, direction and business date.
"""

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from contracts.events.observations import SalesObserved
from contracts.events.registry import SALES_OBSERVED
from processors.rules.alerting import Finding, Speaker, Told, settle
from processors.rules.rule import RETENTION, Decision, Derived, Entity, Happening, Kind, Occurred, Recounted, State, View, microseconds
from processors.rules.sales.baseline import HOURS
from processors.rules.sales.bucket import BUCKET, Bucket, Verdict, bucket_at, scatter, verdicts, with_observation
from processors.rules.sales.comparison import DAYS_BEFORE, Scatter
from processors.rules.sales.deviation_alerts import DROP, SPIKE, Course, finding

RULE_VERSION = 1
_SPEAKERS = {DROP: Speaker("sales_drop", RULE_VERSION), SPIKE: Speaker("sales_spike", RULE_VERSION)}
_RETENTION = RETENTION // RETENTION.resolution
_DAY = 86_400_000_000
_BUCKET_KEPT = _RETENTION + (DAYS_BEFORE + 1) * _DAY
"""Buckets outlive the alerts of their day: later days are judged by them."""
_DAYS = 64
_REMEMBERED = 480


class ChainDay(State, frozen=True, array_like=True):
    """What was told about the stores of a chain on one business date (by its ordinal), and when to look next."""

    day: int
    ends_at: int
    look_at: int
    drops: tuple[Told, ...] = ()
    spikes: tuple[Told, ...] = ()


CHAIN_DAY = Kind("sales_chain_day", ChainDay, 1, 0)


class SalesDeviationChain:
    """The rule of the chains' stage."""

    name = "sales_deviation_chain"
    event_types = frozenset({SALES_OBSERVED})
    kinds: tuple[Kind, ...] = (BUCKET, CHAIN_DAY)

    def __init__(self) -> None:
        self._decided: dict[tuple[str, int, int], tuple[Bucket, tuple[Scatter, ...], dict[str, Verdict]]] = {}
        self._scattered: dict[tuple[str, int, int], tuple[Bucket, Scatter]] = {}

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the bucket of an observation, its day, and the days after that are judged by it; nobody corrects observations."""
        if isinstance(happening, Recounted):
            return []
        content: SalesObserved = happening.event.data
        day = content.business_date.toordinal()
        after = (_chain_day(later) for later in range(day + 1, day + 1 + DAYS_BEFORE) if _rests(later, view))
        return [bucket_at(day, content.hour), _chain_day(day), *after]

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Take the observation; when the clock is there, decide the hours that have ended and settle the alerts of the day."""
        clock = microseconds(view.clock) if view.clock else None
        if entity.kind is BUCKET:
            if not isinstance(happening, Occurred):
                return Decision(None)
            bucket = with_observation(state, happening.event)
            return Decision(bucket, (), max(bucket.ends_at + _BUCKET_KEPT, (clock or 0) + 1))
        if isinstance(happening, Occurred):
            return _noted(state, happening.event.data, clock)
        if not isinstance(state, ChainDay) or clock is None:
            return Decision(None)
        return self._settled(state, happening, view, clock)

    def _settled(self, state: ChainDay, happening: Happening, view: View, clock: int) -> Decision:
        courses = self._courses(state.day, view, clock)
        told, derived = {}, list[Derived]()
        for direction, before in ((DROP, state.drops), (SPIKE, state.spikes)):
            findings = self._findings(state.day, direction, courses)
            told[direction], made = settle(_SPEAKERS[direction], before, findings, happening, view)
            derived += made
        if state.ends_at + _RETENTION <= clock:
            return Decision(None, derived)
        look_at = self._next_end(state, view, clock) if clock < state.ends_at else state.ends_at + _RETENTION
        after = msgspec.structs.replace(state, look_at=look_at, drops=told[DROP], spikes=told[SPIKE])
        return Decision(after, derived, look_at)

    def _courses(self, day: int, view: View, clock: int) -> dict[str, Course]:
        """Return by store the verdicts of the hours that have ended, in their order."""
        courses: dict[str, dict[int, Verdict]] = {}
        for hour in range(HOURS):
            bucket = view.state(bucket_at(day, hour))
            if isinstance(bucket, Bucket) and bucket.day == day and bucket.ends_at <= clock:
                for store, verdict in self._verdicts(view, hour, bucket).items():
                    courses.setdefault(store, {})[hour] = verdict
        return {store: Course(hours) for store, hours in sorted(courses.items())}

    @staticmethod
    def _next_end(state: ChainDay, view: View, clock: int) -> int:
        """Return when the next hour ends that is known already, at the latest when the day does."""
        known = (view.state(bucket_at(state.day, hour)) for hour in range(HOURS))
        ends = (bucket.ends_at for bucket in known if isinstance(bucket, Bucket) and bucket.day == state.day)
        return min((at for at in ends if at > clock), default=state.ends_at)

    def _verdicts(self, view: View, hour: int, bucket: Bucket) -> dict[str, Verdict]:
        """Compare the stores of a bucket once for as long as neither it nor the days before change."""
        place, before = (view.tenant_id, bucket.day, hour), self._before(view, hour, bucket.day)
        known = self._decided.get(place)
        if known is None or known[0] is not bucket or known[1] != before:
            if len(self._decided) >= _REMEMBERED:
                self._decided.clear()
            known = self._decided[place] = bucket, before, verdicts(bucket, before)
        return known[2]

    def _before(self, view: View, hour: int, day: int) -> tuple[Scatter, ...]:
        """Return how far stores strayed at an hour of the days before, as far as it is known."""
        buckets = (view.state(bucket_at(earlier, hour)) for earlier in range(day - DAYS_BEFORE, day))
        known = [each for each in buckets if isinstance(each, Bucket) and day - DAYS_BEFORE <= each.day < day]
        return tuple(self._scatter((view.tenant_id, each.day, hour), each) for each in known)

    def _scatter(self, place: tuple[str, int, int], bucket: Bucket) -> Scatter:
        known = self._scattered.get(place)
        if known is None or known[0] is not bucket:
            if len(self._scattered) >= _REMEMBERED:
                self._scattered.clear()
            known = self._scattered[place] = bucket, scatter(bucket)
        return known[1]

    @staticmethod
    def _findings(day: int, direction: str, courses: dict[str, Course]) -> Iterator[Finding]:
        for store, course in courses.items():
            found = finding(store, date.fromordinal(day).isoformat(), direction, course)
            if found is not None:
                yield found


def _chain_day(day: int) -> Entity:
    return Entity(CHAIN_DAY, f"{day % _DAYS:02}")


def _rests(day: int, view: View) -> bool:
    """Return whether a day was judged, or is going to be later than at the next tick."""
    state = view.state(_chain_day(day))
    return isinstance(state, ChainDay) and state.day == day and state.look_at > (view.clock_at or 0) + 1


def _noted(state: State | None, content: SalesObserved, clock: int | None) -> Decision:
    """Ask for a look when the hour has ended, or at once where it has; so does a day that is judged by the one that was observed."""
    day, soon = content.business_date.toordinal(), (clock or 0) + 1
    at = max(microseconds(content.hour_end), soon)
    known = state if isinstance(state, ChainDay) and state.day >= day else ChainDay(day, 0, at)
    if known.day > day:
        look_at = min(known.look_at, soon) if known.day <= day + DAYS_BEFORE else known.look_at
        return Decision(msgspec.structs.replace(known, look_at=look_at), (), look_at)
    ends = max(known.ends_at, microseconds(content.day_end))
    after = msgspec.structs.replace(known, ends_at=ends, look_at=min(known.look_at, at))
    return Decision(after, (), after.look_at)
