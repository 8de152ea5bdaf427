"""Closes the hours of a store whose end the clock has passed: which days are to be judged, by what, and what is said of them."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec
import numpy as np

from contracts.events.observations import SalesObserved
from contracts.policies.alerting import AlertingPolicy
from contracts.policies.feed_silence import FeedSilencePolicy
from contracts.policies.sales_deviation import SalesDeviationPolicy
from processors.rules import till_signs
from processors.rules.feedback import trust
from processors.rules.rule import RETENTION, Policy, View, microseconds, moment_of
from processors.rules.sales import hours
from processors.rules.sales.baseline import HOURS, Baseline, Days, Terms, baseline
from processors.rules.sales.book import Book, pack, past_days, said_of, trading_in, unpack
from processors.rules.sales.hours import Slot
from processors.rules.sales.observation import Day
from processors.rules.till_signs import Silence

_NOON = 12
_BUILT_IN_SILENCE = FeedSilencePolicy()
_BUILT_IN_ALERTING = AlertingPolicy()
_MOST_FALSE = Decimal("0.5")
_LONGEST_REACH = Terms().reach
_YOUNGEST = 7
"""Days to learn from before anything is expected."""


class Closing:
    """One look of a store's book: what it becomes, what is to be said, and when to look again."""

    def __init__(self, book: Book, view: View, built_in: Policy) -> None:
        assert view.clock is not None
        self._view, self._before, self._built_in = view, book, built_in
        self._clock = microseconds(view.clock)
        self._time = hours.store_time(view, view.clock, book.offset_minutes)
        today = self._time.day_at(view.clock)
        self._closed = self._last_closed(today)
        self._oldest = today - RETENTION.days
        self._said = said_of(book)
        self._promoted = frozenset(self._promotions(today))
        self._days = list(self._to_judge())
        self._silences = {day: self._silent_stretches(day) for day in self._days}
        self._silent = self._silent_days()
        self._learnt: Days | None = None
        self._trading = book.trading
        self._hours = range(HOURS) if book.changed or not book.trading else book.trading_hours
        self._expected: tuple[int, Baseline | None] = (0, None)
        self.observations = [said for day in self._days for said in self._judge(day)]
        self.next_look = max(self._time.end_of(_after(self._closed)), self._clock + 1)

    @property
    def book(self) -> Book:
        """Return the book after the look."""
        day, expected = self._expected
        return msgspec.structs.replace(
            self._before,
            closed_day=self._closed.day,
            closed_hour=self._closed.hour,
            changed=(),
            promoted=tuple(sorted(each for each in self._promoted if each >= self._oldest - _LONGEST_REACH)),
            silent=tuple(sorted(each for each in self._silent if each >= self._oldest - _LONGEST_REACH)),
            expected_day=day,
            expected_days=expected.like_days if expected else 0,
            trading=self._trading,
            expected=pack(expected) if expected else b"",
            said=self._said.packed(self._oldest),
        )

    def _last_closed(self, today: int) -> Slot:
        ended = [hour for hour in range(HOURS) if self._time.end_of(Slot(today, hour)) <= self._clock]
        return Slot(today, ended[-1]) if ended else Slot(today - 1, HOURS - 1)

    def _to_judge(self) -> Iterator[int]:
        """Name the days with newly closed hours, and from the first changed day on all of them."""
        before = self._before.closed
        first = before.day if before.hour < HOURS - 1 else before.day + 1
        if self._before.changed:
            first = min(first, *self._before.changed)
        yield from range(max(first, self._oldest), self._closed.day + 1)

    def _promotions(self, today: int) -> Iterator[int]:
        """Yield the days on which a promotion runs; that of a day is settled when its first hour is closed."""
        yield from self._before.promoted
        for day in range(max(self._before.closed_day, self._oldest - _LONGEST_REACH), today + 1):
            if self._view.promotions_at(moment_of(self._time.end_of(Slot(day, _NOON - 1)))):
                yield day

    def _silent_stretches(self, day: int) -> list[Silence]:
        view, begin = self._view, self._time.begin_of(day)
        until = min(self._time.begin_of(day + 1), self._clock)
        return [
            each
            for till in till_signs.tills_of(view)
            for each in till_signs.silences(view, till, begin, until, self._patience(moment_of(begin)))
        ]

    def _patience(self, at: datetime) -> int:
        policy = self._view.policy("feed_silence", None, at)
        return (policy.parameters if policy and isinstance(policy.parameters, FeedSilencePolicy) else _BUILT_IN_SILENCE).silent_minutes

    def _is_silent(self, slot: Slot) -> bool:
        begin = self._time.begin_of(slot.day)
        return till_signs.are_silent(self._silences[slot.day], begin, self._time.end_of(slot), self._patience(moment_of(begin)))

    def _silent_days(self) -> frozenset[int]:
        kept = [day for day in self._before.silent if day not in self._silences]
        return frozenset([*kept, *(day for day in self._days if self._is_silent(self._last_of(day)))])

    def _last_of(self, day: int) -> Slot:
        return self._closed if day == self._closed.day else Slot(day, HOURS - 1)

    def _judge(self, day: int) -> Iterator[SalesObserved]:
        policy = self._view.policy("sales_deviation", None, moment_of(self._time.begin_of(day))) or self._built_in
        expected = self._baseline(day, policy)
        self._expected = (day, expected)
        if expected is None:
            return
        net, receipts = (np.array(row, np.int64) for row in hours.day_hours(self._view, day))
        self._trading |= sum(1 << int(hour) for hour in np.flatnonzero(receipts))
        store = self._view.store_at(moment_of(self._time.begin_of(day)))
        currency = store.currency if store else None
        judged = Day(day, self._time, expected, net, receipts, policy, self._budget(day), currency, day in self._promoted)
        first = 0 if self._before.changed or day != self._before.closed_day else self._before.closed_hour + 1
        for hour in range(first, self._last_of(day).hour + 1):
            slot = Slot(day, hour)
            if judged.is_worth_saying(hour) or self._said.has(slot):
                content = judged.observed(hour, self._is_silent(slot), self._trust("sales_drop", slot), self._trust("sales_spike", slot))
                revision = self._said.revision(slot, content)
                if revision is not None:
                    yield content.model_copy(update={"revision": revision})

    def _baseline(self, day: int, policy: Policy) -> Baseline | None:
        if day == self._before.expected_day and not self._before.changed:
            return unpack(self._before.expected, self._before.expected_days) if self._before.expected else None
        parameters = policy.parameters
        assert isinstance(parameters, SalesDeviationPolicy)
        terms = Terms(parameters.weeks, float(parameters.prior_spread))
        if self._learnt is None:
            days = range(day - _LONGEST_REACH, self._days[-1])
            self._learnt = past_days(self._view, days, self._hours, self._promoted, self._silent)
            self._trading |= trading_in(self._learnt)
        known = self._learnt
        if int((known.number < day).sum()) < _YOUNGEST:
            return None
        return baseline(known, day, day in self._promoted, terms)

    def _budget(self, day: int) -> Decimal:
        """Return the share of normal store-days that may alarm."""
        policy = self._view.policy("alerting", None, moment_of(self._time.begin_of(day)))
        parameters = policy.parameters if policy and isinstance(policy.parameters, AlertingPolicy) else _BUILT_IN_ALERTING
        return min(parameters.false_alarms_per_100_store_days / 100, _MOST_FALSE)

    def _trust(self, rule: str, slot: Slot) -> Decimal:
        """Return how far alarms about the store are to be trusted."""
        return Decimal(f"{trust(self._view.feedback(rule, self._view.store_id, moment_of(self._time.end_of(slot)))):.3f}")


def _after(slot: Slot) -> Slot:
    return Slot(slot.day, slot.hour + 1) if slot.hour < HOURS - 1 else Slot(slot.day + 1, 0)
