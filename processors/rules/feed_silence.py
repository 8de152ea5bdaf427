"""Feed silence: a till that is usually heard of and sends nothing, so that missing data are not taken for missing sales.

Any event of a till is a sign of it; outside the opening hours that a store names none is expected. A silence is over when the till
is heard of again, and was none when what it had kept arrives. It is judged whenever it could have become long enough, and again from
the time of a late sign on.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from contracts.events.registry import TILL_TYPES
from contracts.evidence import Evidence
from contracts.policies.feed_silence import FeedSilencePolicy
from processors.rules import till_signs
from processors.rules.alerting import Finding, Severity, Speaker, Told, settle
from processors.rules.rule import (
    RETENTION,
    Became,
    Decision,
    Entity,
    Entry,
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
from processors.rules.till_signs import CELL, DAY, PAGE, TILLS, Silence

RULE_VERSION = 2
BUILT_IN = Policy(0, FeedSilencePolicy())
_SPEAKER = Speaker("feed_silence", RULE_VERSION)
_RETENTION = RETENTION // RETENTION.resolution
_MINUTE = 60_000_000


class Feed(State, frozen=True, array_like=True):
    """What was told about a till; `late_from` is the earliest sign that came after its time since the last look."""

    told: tuple[Told, ...] = ()
    looked_at: int = 0
    late_from: int | None = None


FEED = Kind("feed", Feed, 1, 0)


class FeedSilence:
    """The rule."""

    name = "feed_silence"
    event_types = TILL_TYPES
    kinds: tuple[Kind, ...] = (PAGE, TILLS, FEED)
    run_types = TILL_TYPES

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the marks of the till, and what is told of it where the sign is news to that."""
        if isinstance(happening, Recounted):
            return []
        till = till_signs.till_of(happening.event.data)
        if till is None:
            return []
        at = microseconds(happening.event.envelope.occurred_at)
        marks = till_signs.touched_by_sign(till, at, view)
        feed = Entity(FEED, till)
        is_news = _is_news(view.state(feed), at)
        return [*marks, *([feed] if is_news else []), *(_never_heard(view, till, at) if len(marks) > 1 else [])]

    def in_run(self, run: EventRun) -> Iterator[Became | Left]:
        """Mark the signs of tills that are heard of today already, and that nobody waits for."""
        page_at, feed_of, soonest = run.view.reader(PAGE), run.view.reader(FEED), (run.view.clock_at or 0) + 1
        marked = dict[str, tuple[str, Entry, till_signs.Page, int]]()
        for number, offset, at, happening in run.rows:
            till = till_signs.till_of(happening.event.data)
            if till is None:
                continue
            name = till_signs.page_of(till, till_signs.day_of(at)).name
            key, held = page_at(name)
            page = marked[name][2] if name in marked else held.state
            if held.applied < offset and isinstance(page, till_signs.Page) and not _is_news(feed_of(till)[1].state, at):
                marked[name] = key, held, till_signs.with_sign(page, happening.event), offset
                continue
            yield from _became(marked, soonest, run)
            marked.clear()
            yield Left(number)
        yield from _became(marked, soonest, run)

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Mark the sign; when the clock is there, find the silences."""
        clock = view.clock_at
        if not isinstance(happening, Occurred):
            if entity.kind is not FEED or clock is None:
                till_signs.forget_usual(view)
                return Decision(None)
            return _looked(entity.name, state if isinstance(state, Feed) else Feed(), happening, view, clock)
        event = happening.event
        if entity.kind is PAGE:
            page = till_signs.marked(view, state, till_signs.with_sign(state, event))
            return Decision(page, (), max(till_signs.end_of(page), (clock or 0) + 1))
        at = microseconds(event.envelope.occurred_at)
        if entity.kind is TILLS:
            till_signs.forget_usual(view)
            return Decision(till_signs.with_till(state, till_signs.till_of(event.data) or "", till_signs.day_of(at)))
        known = state if isinstance(state, Feed) else Feed()
        late = at if known.late_from is None else min(at, known.late_from)
        return Decision(msgspec.structs.replace(known, late_from=late), (), (clock or at) + 1)


def _became(marked: Mapping[str, tuple[str, Entry, till_signs.Page, int]], soonest: int, run: EventRun) -> Iterator[Became]:
    for key, held, page, offset in marked.values():
        due = max(till_signs.end_of(page), soonest)
        yield key, held, Entry(PAGE, till_signs.marked(run.view, held.state, page), offset, due, run.view.tenant_id)


def _is_news(feed: State | None, at: int) -> bool:
    """Return whether what is told of a till depends on a sign of this time."""
    return not isinstance(feed, Feed) or at < feed.looked_at or (bool(feed.told) and any(row.stands for row in feed.told))


def _never_heard(view: View, till: str, at: int) -> Iterator[Entity]:
    """Yield the tills that the store should have and of which nothing was ever told."""
    store = view.store_at(moment_of(at))
    for name in store.tills if store else ():
        feed = Entity(FEED, name)
        if name != till and view.state(feed) is None:
            yield feed


def _terms(view: View, at: int) -> tuple[Policy, FeedSilencePolicy]:
    policy = view.policy("feed_silence", None, moment_of(at)) or BUILT_IN
    assert isinstance(policy.parameters, FeedSilencePolicy)
    return policy, policy.parameters


def _looked(till: str, known: Feed, happening: Happening, view: View, clock: int) -> Decision:
    """Judge from the day before, from the begin of what stands, and from the day of the earliest late sign; leave the rest as it is."""
    standing = [row.window_start for row in known.told if row.stands]
    late = [known.late_from] if known.late_from is not None else []
    since = max(min([clock - DAY, *standing, *late]), clock - _RETENTION) // DAY * DAY
    open_rows = tuple(row for row in known.told if row.window_start >= since)
    kept = tuple(row for row in known.told if row.window_start < since and row.window_end + _RETENTION > clock)
    told, derived = settle(_SPEAKER, open_rows, _findings(till, since, view, clock), happening, view)
    return Decision(Feed((*kept, *told), clock, None), derived, _next_look(till, told, view, clock))


def _findings(till: str, since: int, view: View, clock: int) -> Iterator[Finding]:
    policy, terms = _terms(view, clock)
    for silence in till_signs.silences(view, till, since, clock, terms.silent_minutes):
        yield _finding(till, silence, silence.end + CELL <= clock, policy, terms, view)


def _finding(till: str, silence: Silence, over: bool, policy: Policy, terms: FeedSilencePolicy, view: View) -> Finding:
    begin, end = moment_of(silence.begin), moment_of(silence.end)
    page = till_signs.page_at(view, till, till_signs.day_of(silence.begin))
    missing = page.missing if page is not None else 0
    severity: Severity = "high" if silence.minutes >= terms.high_minutes else "medium"
    numbers = f", {missing} of its sequence numbers missing that day" if missing else ""
    return Finding(
        key=begin.isoformat(),
        subject=till,
        window_start=begin,
        window_end=end,
        severity=severity,
        stage="confirmed" if over else "provisional",
        summary=f"Till {till} sends nothing since {begin.isoformat(timespec='minutes')}",
        evidence=Evidence(
            observed=f"nothing heard of the till for {silence.minutes if over else terms.silent_minutes} minutes or more{numbers}",
            expected=f"a sign at least every {terms.silent_minutes} minutes at this time of the week",
            baseline_window="the same weekday of four weeks, or the week before",
        ),
        policy_version=policy.version,
        over=over,
    )


def _next_look(till: str, told: tuple[Told, ...], view: View, clock: int) -> int:
    """Return when a silence could be long enough next, or be over; a sign of a till that was told of leads to a look by itself."""
    _, terms = _terms(view, clock)
    next_hour = (clock // till_signs.HOUR + 1) * till_signs.HOUR
    heard = till_signs.last_heard(view, till, clock)
    if heard is None or any(row.stands for row in told) or not till_signs.is_usual(view, till, clock):
        return next_hour
    return max(heard + terms.silent_minutes * _MINUTE, clock + CELL)
