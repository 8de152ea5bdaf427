"""No-show: raised after the grace, confirmed at the end, taken back when the person was there after all."""

from typing import Any

from contracts.envelope import Event
from contracts.events.alerts import AlertChanged
from tests.processors.attendance_facts import stands
from tests.processors.events import at, clocked_in, corrected, log_of, no_show_policy, shift, tick
from tests.processors.oracle import contents, replica_of, standing_alerts

SHIFT = shift("s", at(60), at(180))


def _said(*story: Event[Any]) -> list[tuple[int, str, str]]:
    rows = contents(replica_of(log_of(no_show_policy(10), *story)).derived, AlertChanged)
    return [(row.transition, row.status, row.stage) for row in rows if row.rule == "no_show"]


def test_it_is_raised_when_the_grace_is_over() -> None:
    """Not a minute before, and provisional at first."""
    assert _said(SHIFT, tick(at(69))) == []
    assert _said(SHIFT, tick(at(70))) == [(1, "raised", "provisional")]


def test_it_is_confirmed_at_the_end_of_the_shift() -> None:
    """Nobody came until the end."""
    assert _said(SHIFT, tick(at(70)), tick(at(180))) == [(1, "raised", "provisional"), (2, "updated", "confirmed")]


def test_a_clock_that_jumps_over_the_shift_ends_where_one_that_ticks_does() -> None:
    """How often the clock ticks does not change what stands, only how many transitions led there."""
    assert _said(SHIFT, tick(at(500))) == [(1, "raised", "confirmed")]
    ends = [stands(replica_of(log_of(SHIFT, *ticks))) for ticks in ([tick(at(500))], [tick(at(70)), tick(at(180)), tick(at(500))])]
    assert ends[0] == ends[1] != {}


def test_a_punch_in_the_window_prevents_it() -> None:
    """From an hour before the start until the end."""
    for minute in (0, 60, 65):
        assert _said(SHIFT, clocked_in("p", at(minute)), tick(at(500))) == []


def test_a_punch_outside_the_window_does_not() -> None:
    """Too early is no clock-in to this shift, and somebody else's is none either."""
    assert len(_said(SHIFT, clocked_in("p", at(-1)), clocked_in("q", at(60), "ben"), tick(at(70)))) == 1


def test_a_late_punch_retracts() -> None:
    """The record came late; the person did not."""
    rows = _said(SHIFT, tick(at(181)), clocked_in("p", at(61)))
    assert rows[-1] == (2, "retracted", "confirmed")


def test_a_cancelled_shift_retracts() -> None:
    """A revision that cancels leaves nothing to be absent from."""
    assert _said(SHIFT, tick(at(70)), shift("s", at(60), at(180), revision=2, status="cancelled"))[-1][1] == "retracted"


def test_a_moved_shift_is_judged_at_its_new_time() -> None:
    """The alert about the old time goes, another one comes at the new."""
    moved = shift("s", at(120), at(240), revision=2)
    story = [SHIFT, tick(at(70)), moved, tick(at(129)), tick(at(130))]
    assert _said(*story) == [(1, "raised", "provisional"), (2, "retracted", "provisional"), (1, "raised", "provisional")]
    alive = standing_alerts(replica_of(log_of(no_show_policy(10), *story)).derived)
    assert alive == {("ana", at(120).isoformat(), "provisional")}


def test_an_older_revision_that_arrives_later_changes_nothing() -> None:
    """The highest revision is in force, whatever the order of arrival."""
    newest = shift("s", at(120), at(240), revision=2)
    assert _said(newest, SHIFT, tick(at(119))) == []


def test_a_shift_handed_on_is_the_other_persons() -> None:
    """After the hand-over only the new person can be absent."""
    handed = shift("s", at(60), at(180), "ben", revision=2)
    alive = standing_alerts(replica_of(log_of(no_show_policy(10), SHIFT, tick(at(70)), handed, clocked_in("p", at(60)))).derived)
    assert alive == {("ben", at(60).isoformat(), "provisional")}


def test_a_corrected_away_punch_raises_it_again() -> None:
    """A punch that did not occur proves nothing; the same alert goes on."""
    punch = clocked_in("p", at(60))
    rows = _said(SHIFT, tick(at(70)), punch, corrected("x", punch))
    assert rows == [(1, "raised", "provisional"), (2, "retracted", "provisional"), (3, "raised", "provisional")]


def test_a_punch_corrected_to_another_person_moves_the_absence() -> None:
    """The right content counts under the correction's own identity."""
    punch = clocked_in("p", at(60), "ben")
    fixed = corrected("x", punch, {"employee_id": "ana"})
    assert _said(SHIFT, tick(at(70)), punch, fixed)[-1][1] == "retracted"


def test_a_shift_that_never_was_retracts() -> None:
    """A corrected-away publication leaves no shift."""
    assert _said(SHIFT, tick(at(70)), corrected("x", SHIFT))[-1][1] == "retracted"


def test_a_shift_published_after_its_end_raises_nothing() -> None:
    """Nobody can miss what was not announced."""
    assert _said(tick(at(200)), shift("s", at(60), at(180), published=at(190)), tick(at(201))) == []


def test_a_correction_of_an_old_punch_raises_nothing() -> None:
    """History changes what is known; the alert about a past moment stays unsaid, also at later ticks."""
    punch, days = clocked_in("p", at(60)), 3 * 24 * 60
    assert _said(SHIFT, punch, tick(at(days)), corrected("x", punch), tick(at(days + 60))) == []


def test_the_stores_own_grace_goes_before_the_chains() -> None:
    """The narrowest scope wins."""
    own = no_show_policy(45, version=3, store="S1")
    assert _said(own, SHIFT, tick(at(104))) == []
    assert len(_said(own, SHIFT, tick(at(105)))) == 1


def test_without_a_policy_the_built_in_one_says_so() -> None:
    """Ten minutes of grace, and version 0 in the alert."""
    (row,) = contents(replica_of(log_of(SHIFT, tick(at(70)))).derived, AlertChanged)
    assert row.policy_version == 0


def test_the_evidence_names_the_shift_and_the_window() -> None:
    """What was observed, what was expected, and from which events."""
    (row,) = contents(replica_of(log_of(no_show_policy(10), SHIFT, tick(at(70)))).derived, AlertChanged)
    assert (row.subject, row.window_start, row.window_end) == ("ana", at(60), at(180))
    assert row.evidence.observed == "no clock-in since 2026-03-02T08:00+00:00"
    assert row.evidence.expected == "a clock-in from 2026-03-02T08:00+00:00 to 2026-03-02T09:10+00:00"
    assert row.evidence.event_ids == (SHIFT.id,)
    assert row.evidence.probability is None


def test_what_took_an_alert_back_is_named() -> None:
    """The late punch, or the correction; a tick took nothing back."""
    late, undone = clocked_in("p", at(61)), corrected("x", SHIFT)
    for cause in (late, undone):
        last = contents(replica_of(log_of(SHIFT, tick(at(181)), cause)).derived, AlertChanged)[-1]
        assert (last.status, last.evidence.event_ids) == ("retracted", (cause.id,))


def test_an_alert_that_nobody_can_end_any_more_is_closed_and_the_shift_forgotten() -> None:
    """After 35 days the punches are gone: what stands is orphaned, the states are empty, and nothing more is ever due."""
    replica = replica_of(log_of(SHIFT, tick(at(500)), tick(at(36 * 24 * 60))))
    assert [row.status for row in contents(replica.derived, AlertChanged)] == ["raised", "orphaned"]
    for key in ("S1|shift|s", "S1|attendance_watched|ana"):
        assert replica.states()[key] == (None, b"")


def test_a_policy_set_before_the_start_decides() -> None:
    """The shift was published under a longer grace; the one in force when it begins counts."""
    shorter = no_show_policy(5, version=2)
    assert _said(SHIFT, tick(at(1)), shorter, tick(at(64))) == []
    assert _said(SHIFT, tick(at(1)), shorter, tick(at(60)), tick(at(65))) == [(1, "raised", "provisional")]


def test_a_roster_that_came_late_is_still_judged() -> None:
    """Published yesterday and heard of today: the shift is ahead, so it is no history."""
    days = 3 * 24 * 60
    ahead = shift("s", at(days + 60), at(days + 180), published=at(0))
    assert _said(tick(at(days)), ahead, tick(at(days + 70))) == [(1, "raised", "provisional")]


def test_a_punch_that_is_forgotten_makes_nobody_absent() -> None:
    """When the retention is over, the clock-in goes before the shift does; no alert comes of that."""
    later = [each for day in (34, 35, 36) for each in (clocked_in(f"p{day}", at(day * 24 * 60)), tick(at(day * 24 * 60 + 179)))]
    assert _said(SHIFT, clocked_in("p", at(59)), tick(at(181)), *later) == []
