"""One look at a person: every attendance rule judges the scope of what happened, and what was told becomes what should stand. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import msgspec

from processors.rules import breaks, duplicate_punch, early_leave, late_arrival, minor_work, missed_punch, no_show, overtime, punch_location
from processors.rules.alerting import Finding, Speaker, Told, forgotten_at, settle
from processors.rules.attendance_spans import Scope
from processors.rules.attendance_telling import Heard, exact
from processors.rules.attendance_work import Look, Work
from processors.rules.rule import RETENTION, Decision, Derived, Happening, Kind, State, View, microseconds, moment_of

_RETENTION = RETENTION // RETENTION.resolution
_EDGE = timedelta(days=2)
"""Near the end of the retention a punch may be forgotten while its partner is not: what is older is left as it was told."""


Judge = Callable[[Work, View], Iterator[Finding | Look]]

JUDGES: tuple[tuple[Speaker, Judge], ...] = (
    (no_show.SPEAKER, no_show.judge),
    (late_arrival.SPEAKER, late_arrival.judge),
    (early_leave.SPEAKER, early_leave.judge),
    (missed_punch.SPEAKER, missed_punch.judge),
    (duplicate_punch.SPEAKER, duplicate_punch.judge),
    (punch_location.SPEAKER, punch_location.judge),
    (breaks.SPEAKER, breaks.judge),
    (overtime.SPEAKER, overtime.judge),
    (minor_work.SPEAKER, minor_work.judge),
)


_OF_WEEKS = (overtime.SPEAKER, minor_work.SPEAKER)
"""Rules that judge whole weeks; the keys of their alerts begin with the week's name."""


class Watched(State, frozen=True, array_like=True):
    """What was told about a person, by the rules' names, and when the clock makes a difference, to which week or to a day ("")."""

    told: dict[str, tuple[Told, ...]] = msgspec.field(default_factory=dict)
    looks: tuple[tuple[int, str], ...] = ()


WATCHED = Kind("attendance_watched", Watched, 1, 0)


@dataclass(frozen=True, slots=True)
class Judging:
    """One look at a person: what every rule finds within the scope, beside what was told outside of it."""

    judges: tuple[tuple[Speaker, Judge], ...]
    work: Work
    scope: Scope
    known: Watched
    happening: Happening
    view: View

    def decision(self) -> Decision:
        """Return the person as told after this look."""
        told, looks, derived = dict(self.known.told), set(self._other_looks()), []
        for speaker, judge in self.judges:
            findings = []
            for each in judge(self.work, self.view):
                if isinstance(each, Finding):
                    findings.append(each)
                else:
                    looks.add((microseconds(each.at), overtime.week_name(each.monday) if each.monday else ""))
            derived += self._settled(told, speaker, findings)
        often = late_arrival.repeated(self.work.employee, told.get(late_arrival.SPEAKER.rule, ()), self.work.calendar, self.view)
        derived += self._settled(told, late_arrival.REPEATED, list(often), everything=True)
        return self._decision(told, looks, derived)

    def _settled(
        self, told: dict[str, tuple[Told, ...]], speaker: Speaker, findings: Sequence[Finding], everything: bool = False
    ) -> list[Derived]:
        """Move one rule's alerts of this scope to where they should stand."""
        before = told.get(speaker.rule, ())
        inside = tuple(
            row
            for row in before
            if self._is_past(row) or ((everything or self._is_inside(speaker, row)) and self._is_judged(row.window_start))
        )
        certain = [exact(each) for each in findings if self._is_judged(microseconds(each.window_start))]
        if not inside and not certain:
            return []
        kept, derived = settle(speaker, inside, certain, self.happening, cast("View", Heard(self.view)))
        told[speaker.rule] = (*(row for row in before if row not in inside), *kept)
        return derived

    def _is_inside(self, speaker: Speaker, row: Told) -> bool:
        if speaker in _OF_WEEKS:
            return row.key.split(" ")[0] in self._weeks
        return self.scope.covers(row.window_start)

    def _is_past(self, row: Told) -> bool:
        """Return whether the facts that an alert is about are forgotten, so that it is to be closed."""
        return self.view.clock is not None and row.window_end + _RETENTION <= microseconds(self.view.clock)

    def _is_judged(self, window_start: int) -> bool:
        return self.view.clock is None or moment_of(window_start) > self.view.clock - RETENTION + _EDGE

    @property
    def _weeks(self) -> set[str]:
        return {overtime.week_name(monday) for monday in self.scope.mondays}

    def _other_looks(self) -> Iterator[tuple[int, str]]:
        """Yield the looks that other parts of the person's time have asked for."""
        weeks = self._weeks
        for at, week in self.known.looks:
            if week not in weeks if week else not self.scope.covers(at):
                yield at, week

    def _decision(self, told: dict[str, tuple[Told, ...]], looks: set[tuple[int, str]], derived: Sequence[Derived]) -> Decision:
        clock = microseconds(self.view.clock) if self.view.clock else None
        kept = {rule: known for rule, known in told.items() if known}
        ahead = tuple(sorted(look for look in looks if clock is None or look[0] > clock))
        due = [*(at for at, _ in ahead[:1]), *filter(None, [forgotten_at(row for known in kept.values() for row in known)])]
        return Decision(Watched(kept, ahead) if due else None, derived, min(due, default=None))
