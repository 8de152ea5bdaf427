"""Punch location: evidence of the place that needs somebody's approval."""

from typing import Any

import pytest

from tests.processors.attendance_facts import policy, press, said, told
from tests.processors.events import log_of
from tests.processors.oracle import replica_of


def _place(verdict: str, **more: Any) -> dict[str, Any]:
    return {"verdict": verdict, "distance_m": 30, "accuracy_m": 12, **more}


@pytest.mark.parametrize(
    ("place", "severity"),
    [
        (_place("inside"), None),
        (_place("beacon", accuracy_m=400), None),
        (_place("outside"), "medium"),
        (_place("uncertain"), "low"),
        (_place("no_fix"), "low"),
        (_place("inside", accuracy_m=101), "low"),
        (_place("inside", accuracy_m=100), None),
        (_place("inside", mock_location=True), "high"),
    ],
)
def test_what_is_not_good_enough_needs_approval(place: dict[str, Any], severity: str | None) -> None:
    """Simulated positions are the gravest; a beacon beats a bad fix."""
    expected = [("raised", "confirmed", severity)] if severity else []
    assert said("punch_location", press("in", 60, location=place)) == expected


def test_a_press_without_evidence_is_not_judged() -> None:
    """A kiosk is at the store."""
    assert said("punch_location", press("in", 60)) == []


def test_the_policy_says_what_is_exact_and_whether_doubt_is_told() -> None:
    """Both can be changed."""
    assert said("punch_location", policy("punch_location", accuracy_metres=20), press("in", 60, location=_place("inside", accuracy_m=21)))
    assert not said("punch_location", policy("punch_location", uncertain_needs_approval=False), press("in", 60, location=_place("no_fix")))


def test_the_evidence_has_distances_and_no_coordinates() -> None:
    """What the edge left of it."""
    (row,) = told("punch_location", replica_of(log_of(press("out", 60, location=_place("outside", distance_m=240)))))
    assert row.evidence.observed == "outside the fence: verdict outside, 240 m to the nearest fence, accuracy 12 m"
    assert row.evidence.event_ids == (press("out", 60).id,)
