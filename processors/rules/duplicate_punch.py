"""Duplicate punch: one person pressed the same again within a minute; it counts once everywhere, and this says so. Pure."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from contracts.evidence import Evidence
from contracts.policies.duplicate_punch import DuplicatePunchPolicy
from processors.rules.alerting import Finding, Speaker
from processors.rules.attendance_words import events, second
from processors.rules.attendance_work import Look, Pressed, Work
from processors.rules.rule import Policy, View

SPEAKER = Speaker("duplicate_punch", 1)
BUILT_IN = Policy(0, DuplicatePunchPolicy())
_FARTHEST = timedelta(seconds=600)
"""The longest distance that a policy can set."""


def judge(work: Work, view: View) -> Iterator[Finding | Look]:
    """Yield each group of presses of one kind that are one press."""
    for direction in ("in", "out", "break", "back"):
        yield from _groups(work, [press for press in work.presses if press.direction == direction], view)


def _groups(work: Work, presses: Sequence[Pressed], view: View) -> Iterator[Finding]:
    group: list[Pressed] = []
    for press in presses:
        if group and press.occurred_at - group[-1].occurred_at > _FARTHEST:
            yield from _judged(work, group, view)
            group = []
        group.append(press)
    yield from _judged(work, group, view)


def _judged(work: Work, near: Sequence[Pressed], view: View) -> Iterator[Finding]:
    """Look closer at presses that are near each other, which hardly any are: by the policy in force at the first."""
    if len(near) < 2:
        return
    policy = view.policy("duplicate_punch", None, near[0].occurred_at) or BUILT_IN
    terms = policy.parameters
    assert isinstance(terms, DuplicatePunchPolicy)
    group = [near[0]]
    for press in (*near[1:], None):
        if press is not None and press.occurred_at - group[-1].occurred_at <= timedelta(seconds=terms.seconds):
            group.append(press)
            continue
        if len(group) >= terms.presses:
            yield _finding(work, group, policy, terms)
        group = [press] if press is not None else []


def _finding(work: Work, group: Sequence[Pressed], policy: Policy, terms: DuplicatePunchPolicy) -> Finding:
    first, last = group[0], group[-1]
    times = ", ".join(second(press.occurred_at) for press in group)
    return Finding(
        key=first.event_id.hex(),
        subject=work.employee,
        window_start=first.occurred_at,
        window_end=last.occurred_at,
        severity="low",
        stage="confirmed",
        summary=f"Pressed {len(group)} times, counted once: {work.employee}, {first.direction}, {second(first.occurred_at)}",
        evidence=Evidence(
            observed=f"{len(group)} presses of {first.direction!r}: {times}"[:500],
            expected=f"one press within {terms.seconds} seconds",
            event_ids=events(press.event_id for press in group),
        ),
        policy_version=policy.version,
        business_date=work.calendar.day(first.occurred_at).isoformat(),
    )
