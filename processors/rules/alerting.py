"""The life of alerts: a rule says what should stand, and the difference to what was told becomes numbered transitions. Pure.

A finding that appears is raised, one that says something new is updated, one that is over is resolved, and one that is
gone was never right: late data took its reason away, and it is retracted. What stands follows from the state alone, so the
order in which facts came does not matter; only the number of transitions on the way may differ.

An alert that still stands when its retention is over is closed as orphaned: what could resolve or disprove it is forgotten by
then, so nobody ever will. It is forgotten too, and a finding about a window so old is not raised again. A rule looks at its
told rows by `forgotten_at`, or it finds orphans only when something else happens.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec

from contracts.events.alerts import AlertChanged, Evidence
from contracts.events.registry import ALERT_CHANGED
from contracts.identifiers import alert_id, transition_id
from processors.rules.rule import RETENTION, Derived, Happening, Occurred, Ticked, View, microseconds, moment_of

Severity = Literal["low", "medium", "high"]
Stage = Literal["provisional", "confirmed"]
_RETENTION = RETENTION // RETENTION.resolution
_STANDS, _OVER, _GONE, _MUTED, _ORPHANED = range(5)
_ENDS: Final[Mapping[int, Literal["resolved", "retracted", "orphaned"]]] = {_OVER: "resolved", _GONE: "retracted", _ORPHANED: "orphaned"}


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told of one alert: where it stands, the number of its last transition, and the news told last."""

    key: str
    subject: str
    window_start: int
    window_end: int
    standing: int
    transition: int
    news: str
    stage: str
    severity: str
    day: str | None = None
    store: str | None = None
    """Where the alert is about a store that is not the state's own, as in the stage of chains."""

    @property
    def stands(self) -> bool:
        """Return whether people see it as open."""
        return self.standing == _STANDS

    @property
    def is_orphaned(self) -> bool:
        """Return whether it stood until its retention was over; only rules that judge by what was told long ago keep such rows."""
        return self.standing == _ORPHANED


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule finds to hold now. `key` tells the alerts of one subject apart and never changes: the window's begin, say.

    It is told again when `news`, its stage or its severity differ from what was told last. While a finding can still grow,
    keep `news` coarse, or every sale is an update; once it is confirmed, let it say everything, so that all orders of the
    facts end in the same words. `over`: the condition was real and has ended.
    """

    key: str
    subject: str
    window_start: datetime
    window_end: datetime
    severity: Severity
    stage: Stage
    summary: str
    evidence: Evidence
    policy_version: int
    news: str = ""
    over: bool = False
    business_date: str | None = None
    store_id: str | None = None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Which rule speaks, in which version of its code."""

    rule: str
    version: int


def settle(
    speaker: Speaker, told: tuple[Told, ...], findings: Iterable[Finding], happening: Happening, view: View
) -> tuple[tuple[Told, ...], list[Derived]]:
    """Move every alert of a state to where it should stand; return the rows to keep and the transitions to send."""
    wanted = {(each.subject, each.key): each for each in findings}
    if not wanted and not told:
        return (), []
    known = {(row.subject, row.key): row for row in told}
    kept: list[Told] = []
    derived: list[Derived] = []
    for place in [*known, *(place for place in wanted if place not in known)]:
        row, finding = known.get(place), wanted.get(place)
        if _is_past(row, finding, view):
            derived += _closed(speaker, row, finding, happening, view)
            continue
        row, transition = _moved(speaker, row, finding, happening, view)
        derived += transition
        kept.append(row)
    return tuple(kept), derived


def forgotten_at(told: Iterable[Told]) -> int | None:
    """Return when the first of these rows is to be forgotten, or closed as orphaned (Unix microseconds)."""
    return min((row.window_end + _RETENTION for row in told), default=None)


def orphaned(row: Told) -> Told:
    """Return a row as a rule keeps it that judges by what was told long ago; it is settled no more."""
    return msgspec.structs.replace(row, standing=_ORPHANED)


def standing(told: Iterable[Told]) -> tuple[Told, ...]:
    """Return the rows of alerts that are open."""
    return tuple(row for row in told if row.stands)


def _is_past(row: Told | None, finding: Finding | None, view: View) -> bool:
    """An alert keeps its number as long as late data may bring it back; one that goes on has a window that moves on."""
    ends = [*([row.window_end] if row else []), *([microseconds(finding.window_end)] if finding else [])]
    return view.clock is not None and max(ends) + _RETENTION <= microseconds(view.clock)


def _closed(speaker: Speaker, row: Told | None, finding: Finding | None, happening: Happening, view: View) -> list[Derived]:
    """Say the last word on an alert whose retention is over; only one that stands needs it."""
    if row is None or not row.stands:
        return []
    if finding is not None and finding.over:
        return _moved(speaker, row, finding, happening, view)[1]
    after = msgspec.structs.replace(row, standing=_ORPHANED, transition=row.transition + 1)
    return [_transition(speaker, row, after, finding, happening, view)]


def _moved(speaker: Speaker, row: Told | None, finding: Finding | None, happening: Happening, view: View) -> tuple[Told, list[Derived]]:
    if finding is None:
        assert row is not None
        return _withdrawn(speaker, row, happening, view)
    if row is None:
        row = Told(finding.key, finding.subject, microseconds(finding.window_start), microseconds(finding.window_end), _GONE, 0, "", "", "")
    if row.standing == _MUTED:
        return row, []
    if not row.stands and (finding.over or _is_late(row, finding, view)):
        muted = row.transition == 0 and not finding.over
        return (msgspec.structs.replace(row, standing=_MUTED) if muted else row), []
    after = _after(row, finding)
    if (after.standing, after.news, after.stage, after.severity) == (row.standing, row.news, row.stage, row.severity):
        return row, []
    after = msgspec.structs.replace(after, transition=row.transition + 1)
    return after, [_transition(speaker, row, after, finding, happening, view)]


def _is_late(row: Told, finding: Finding, view: View) -> bool:
    return row.transition == 0 and view.too_late(finding.window_end)


def _after(row: Told, finding: Finding) -> Told:
    return msgspec.structs.replace(
        row,
        window_end=microseconds(finding.window_end),
        standing=_OVER if finding.over else _STANDS,
        news=finding.news,
        stage=finding.stage,
        severity=finding.severity,
        day=finding.business_date,
        store=finding.store_id,
    )


def _withdrawn(speaker: Speaker, row: Told, happening: Happening, view: View) -> tuple[Told, list[Derived]]:
    """Take back what stands, or what was resolved, for it turns out never to have been."""
    if row.standing in {_GONE, _MUTED}:
        return row, []
    after = msgspec.structs.replace(row, standing=_GONE, transition=row.transition + 1, news="")
    return after, [_transition(speaker, row, after, None, happening, view)]


def _transition(speaker: Speaker, before: Told, after: Told, finding: Finding | None, happening: Happening, view: View) -> Derived:
    store = after.store or view.store_id
    identity = alert_id(speaker.rule, store, after.subject, after.key)
    cause = happening.event if isinstance(happening, Occurred) else happening.cause
    content = AlertChanged(
        alert_id=identity,
        transition=after.transition,
        rule=speaker.rule,
        rule_version=speaker.version,
        status=_status(before, after),
        subject=after.subject,
        **_words(speaker, after, finding, happening),
    )
    at = view.clock if isinstance(happening, Ticked) and view.clock else cause.envelope.occurred_at
    return Derived(ALERT_CHANGED, transition_id(identity, after.transition), at, content, after.subject, after.day, store)


def _status(before: Told, after: Told) -> Literal["raised", "updated", "resolved", "retracted", "orphaned"]:
    if after.standing == _STANDS:
        return "updated" if before.stands else "raised"
    return _ENDS[after.standing]


def _words(speaker: Speaker, after: Told, finding: Finding | None, happening: Happening) -> Mapping[str, object]:
    if finding is None:
        return {
            "policy_version": 0,
            "stage": after.stage or "provisional",
            "severity": after.severity or "low",
            "window_start": moment_of(after.window_start),
            "window_end": moment_of(after.window_end),
            **_last_words(speaker, after, happening),
        }
    return {
        "policy_version": finding.policy_version,
        "stage": finding.stage,
        "severity": finding.severity,
        "window_start": finding.window_start,
        "window_end": finding.window_end,
        "summary": finding.summary,
        "evidence": finding.evidence,
    }


def _last_words(speaker: Speaker, after: Told, happening: Happening) -> Mapping[str, object]:
    """Say why an alert ends without a finding; where an event took its reason away, which."""
    if after.standing == _ORPHANED:
        return {
            "summary": f"Closed after {RETENTION.days} days: {speaker.rule} of {after.subject}",
            "evidence": Evidence(observed="nothing has been heard that ends it", expected="what resolves or disproves it"),
        }
    cause = happening.event if isinstance(happening, Occurred) else happening.cause
    return {
        "summary": f"Taken back: {speaker.rule} of {after.subject}",
        "evidence": Evidence(
            observed="what is known now gives no reason",
            expected="the reason that the alert named",
            event_ids=() if isinstance(happening, Ticked) else (cause.id,),
        ),
    }
