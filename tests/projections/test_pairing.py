"""Pairing of punches: a pure function of the set of punches and shifts."""

from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from contracts.pairing import LONGEST_SESSION
from projections.read_models.attendance_day.pairing import AttendanceDay, PunchSeen, ShiftSeen, attendance_days
from tests.projections.story import START, at

ROOT = UUID(int=7)
DAY = START.date()


def _punch(direction: str, minutes: float, name: str = "", verdict: str | None = None) -> PunchSeen:
    return PunchSeen(uuid5(ROOT, f"{direction}{minutes}{name}"), direction, at(minutes), at(minutes).date(), verdict)


def _shift(begin: float, end: float, name: str = "early") -> ShiftSeen:
    return ShiftSeen(name, at(begin), at(end), at(begin).date())


def _only(punches: list[PunchSeen], shifts: list[ShiftSeen] | None = None) -> AttendanceDay:
    days = attendance_days(punches, shifts or [])
    assert len(days) == 1
    return days[0]


punch_sets = st.lists(
    st.builds(_punch, st.sampled_from(["in", "out"]), st.integers(0, 60 * 24 * 4), verdict=st.sampled_from([None, "outside"])),
    max_size=14,
    unique_by=lambda punch: punch.event_id,
)
shift_sets = st.lists(
    st.builds(
        lambda begin, length, name: _shift(begin, begin + length, str(name)), st.integers(0, 5000), st.integers(30, 600), st.integers(0, 9)
    ),
    max_size=4,
    unique_by=lambda shift: shift.shift_id,
)


@given(punch_sets, shift_sets, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(punches: list[PunchSeen], shifts: list[ShiftSeen], random: object) -> None:
    """Any permutation of punches and shifts gives the same days."""
    expected = attendance_days(punches, shifts)
    random.shuffle(punches)  # type: ignore[attr-defined]
    random.shuffle(shifts)  # type: ignore[attr-defined]

    assert attendance_days(punches, shifts) == expected


@given(punch_sets)
def test_sessions_are_apart_and_in_order(punches: list[PunchSeen]) -> None:
    """No minute is worked twice, no session is longer than the longest, and every day lists what it holds."""
    days = attendance_days(punches, [])
    sessions = [session for day in days for session in day.sessions]
    whole = [(session["in_at"], session["out_at"]) for session in sessions if session["in_at"] and session["out_at"]]

    assert all(begin <= end for begin, end in whole)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(whole))
    assert all(session["minutes"] <= LONGEST_SESSION.total_seconds() / 60 for session in sessions)
    assert all(day.worked_minutes == sum(session["minutes"] for session in day.sessions) for day in days)
    assert bool(days) == bool(punches)


@given(st.integers(0, 59))
def test_the_same_press_within_a_minute_is_one(seconds: int) -> None:
    """A double press changes neither sessions nor flags."""
    single = [_punch("in", 0), _punch("out", 240)]
    again = timedelta(seconds=seconds)
    doubled = [PunchSeen(uuid5(ROOT, punch.direction), punch.direction, punch.occurred_at + again, DAY) for punch in single]

    assert _only([*single, *doubled[:1]]) == _only(single)
    assert _only([*single, *doubled[1:]]) == _only(single)


def test_a_second_in_is_kept_out_and_flagged() -> None:
    """Of two "in" the first stays."""
    day = _only([_punch("in", 0), _punch("in", 30), _punch("out", 120)])

    assert (day.first_in, day.worked_minutes) == (at(0), 120)
    assert "second_in" in day.flags


def test_a_missed_out_is_found_by_the_next_in() -> None:
    """The next morning's punch does not end yesterday's session, and yesterday is flagged."""
    days = attendance_days([_punch("in", 0), _punch("in", 1440), _punch("out", 1500)], [])

    assert [(day.worked_minutes, day.flags) for day in days] == [(0, ("missed_out", "unscheduled")), (60, ("unscheduled",))]


def test_work_that_goes_on_is_not_called_missed() -> None:
    """Without a later punch nobody knows that the "out" was missed."""
    assert _only([_punch("in", 0)]).flags == ("no_out_yet", "unscheduled")


def test_an_out_without_an_in_is_flagged() -> None:
    """It opens a session of no length."""
    day = _only([_punch("out", 480)])

    assert (day.worked_minutes, day.flags) == (0, ("missed_in", "unscheduled"))


def test_an_overnight_shift_belongs_to_the_day_of_its_start() -> None:
    """Both punches count on the evening's date, by elapsed time."""
    evening, morning = 14 * 60, 22 * 60
    punches = [_punch("in", evening + 3), _punch("out", morning - 1)]
    day = _only(punches, [_shift(evening, morning, "night")])

    assert day.business_date == DAY
    assert at(morning).date() == DAY + timedelta(days=1)
    assert (day.worked_minutes, day.late_minutes, day.early_minutes, day.flags) == (476, 3, 1, ())


def test_without_a_shift_the_first_punch_says_the_day() -> None:
    """A session over midnight counts on the business date that its first punch carries."""
    first = PunchSeen(UUID(int=1), "in", at(15 * 60), date(2026, 3, 2))
    last = PunchSeen(UUID(int=2), "out", at(20 * 60), date(2026, 3, 3))

    assert _only([first, last]).business_date == date(2026, 3, 2)


def test_adjacent_shifts_do_not_split_a_pair() -> None:
    """One pair over two shifts stays one session of the first; the second shows no punch."""
    day = _only([_punch("in", 0), _punch("out", 480)], [_shift(0, 240), _shift(240, 480, "late")])

    assert [session["minutes"] for session in day.sessions] == [480]
    assert day.sessions[0]["shift_id"] == "early"
    assert "no_punch" in day.flags


def test_late_and_early_are_judged_against_the_shift() -> None:
    """More than the grace is flagged, less is only counted."""
    late = _only([_punch("in", 6), _punch("out", 470)], [_shift(0, 480)])
    fine = _only([_punch("in", 5), _punch("out", 476)], [_shift(0, 480)])

    assert (late.late_minutes, late.early_minutes, late.flags) == (6, 10, ("late", "left_early"))
    assert (fine.late_minutes, fine.early_minutes, fine.flags) == (5, 4, ())


def test_a_punch_from_outside_awaits_approval() -> None:
    """The judgement of the place travels to the day."""
    assert "needs_approval" in _only([_punch("in", 0, verdict="outside"), _punch("out", 60)]).flags
