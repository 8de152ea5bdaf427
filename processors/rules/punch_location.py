"""Punch location: evidence of the place that is not good enough without somebody's approval. Pure.

The verdict is that of the edge, by the fences in force; coordinates never come here.
"""

from collections.abc import Iterator

from contracts.evidence import Evidence
from contracts.policies.punch_location import PunchLocationPolicy
from processors.rules.alerting import Finding, Severity, Speaker
from processors.rules.attendance import Place
from processors.rules.attendance_words import events, minute
from processors.rules.attendance_work import Look, Pressed, Work
from processors.rules.rule import Policy, View

SPEAKER = Speaker("punch_location", 1)
BUILT_IN = Policy(0, PunchLocationPolicy())


def judge(work: Work, view: View) -> Iterator[Finding | Look]:
    """Yield each press whose evidence of the place needs approval."""
    for press in work.presses:
        if press.place is None:
            continue
        policy = view.policy("punch_location", None, press.occurred_at) or BUILT_IN
        terms = policy.parameters
        assert isinstance(terms, PunchLocationPolicy)
        reason = _reason(press.place, terms)
        if reason is not None:
            yield _finding(work, press, press.place, reason, policy)


def _reason(place: Place, terms: PunchLocationPolicy) -> tuple[str, Severity] | None:
    """Say what is wrong with the evidence, the gravest first; a beacon beats the satellite fix."""
    if place.mock:
        return "a position that the phone calls simulated", "high"
    if place.verdict == "outside":
        return "outside the fence", "medium"
    if place.verdict == "beacon" or not terms.uncertain_needs_approval:
        return None
    if place.accuracy is not None and place.accuracy > terms.accuracy_metres:
        return f"a fix no better than {place.accuracy} m", "low"
    if place.verdict in {"uncertain", "no_fix"}:
        return "a place that is not certain" if place.verdict == "uncertain" else "no fix", "low"
    return None


def _finding(work: Work, press: Pressed, place: Place, reason: tuple[str, Severity], policy: Policy) -> Finding:
    distance = "" if place.distance is None else f", {place.distance} m to the nearest fence"
    exact = "" if place.accuracy is None else f", accuracy {place.accuracy} m"
    return Finding(
        key=press.event_id.hex(),
        subject=work.employee,
        window_start=press.occurred_at,
        window_end=press.occurred_at,
        severity=reason[1],
        stage="confirmed",
        summary=f"Needs approval: {work.employee} pressed {press.direction!r} at {minute(press.occurred_at)} with {reason[0]}",
        evidence=Evidence(
            observed=f"{reason[0]}: verdict {place.verdict}{distance}{exact}",
            expected="a position inside a fence of the store, or a beacon",
            event_ids=events([press.event_id]),
        ),
        policy_version=policy.version,
        business_date=work.calendar.day(press.occurred_at).isoformat(),
    )
