"""Judging a till period: figures, tolerance by tender, corrections since, the drawer, closings that are missing or too many."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.policies.reconciliation import ReconciliationPolicy, TenderTolerance
from projections.read_models.till_days.reader import TillDay, TillHeard
from projections.read_models.till_periods.cash import DrawerCash
from projections.read_models.till_periods.reader import TillPeriod
from projections.read_models.till_periods.verdict import FIGURES, Totals
from projections.reconcile.business.z_counters import Counter, judge_counter, judge_day
from projections.reconcile.business.z_judgement import AsSent, judge_period, needs_look
from projections.reconcile.business.z_reader import as_sent
from projections.reconcile.checks import Finding

DAY, NOON = date(2026, 3, 2), datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = ReconciliationPolicy()
COUNTED = Totals(
    dict.fromkeys(FIGURES, 0) | {"sales_count": 3, "returns_count": 1, "gross": 9_000, "returns": 500, "tax": 800, "no_sales_count": 2},
    {"cash": (2, 4_000), "card": (2, 5_300)},
)
CASH = DrawerCash(100_000, 4_000, 20_000, 5_000, 50_000, 0, reported=69_000, counted=69_000)


def report(**changed: Any) -> dict[str, Any]:
    """Return the Z report that agrees, or one that does not."""
    tenders = {"cash": (2, 4_000), "card": (2, 5_300)} | changed.pop("tenders", {})
    rows = [{"kind": kind, "count": count, "amount": amount} for kind, (count, amount) in tenders.items()]
    return {**COUNTED.figures, "currency": "KRW", "tenders": rows, **changed}


def period(said: dict[str, Any] | None, cash: DrawerCash = CASH, counted: Totals = COUNTED) -> TillPeriod:
    """Return a period of one till."""
    return TillPeriod("S1", "T1", "P1", DAY, NOON, NOON if said else None, said, counted, cash)


def judged(
    seen: TillPeriod,
    sent: tuple[Totals, DrawerCash] | None = None,
    policy: ReconciliationPolicy = POLICY,
    closings: tuple[str, ...] = ("z1",),
    *,
    is_settled: bool = True,
) -> list[Finding]:
    """Judge a period that was sent as it counts now, unless it says otherwise."""
    counted, cash = sent or (seen.counted, seen.cash)
    return judge_period(seen, AsSent(counted, cash, closings, ("wrong",)), policy, is_settled=is_settled)


def test_a_period_that_agrees_is_nothing_to_tell() -> None:
    """Neither is one that is still open before its day is over."""
    assert judged(period(report())) == []
    assert not needs_look(period(report()), POLICY)
    assert judged(period(None), is_settled=False) == []


@pytest.mark.parametrize("figure", FIGURES)
def test_each_figure_of_the_report_is_compared(figure: str) -> None:
    """To the unit: one off is told, with what the till said and what its receipts add up to."""
    seen = period(report(**{figure: COUNTED.figures[figure] + 1}))

    assert needs_look(seen, POLICY)
    (finding,) = judged(seen)

    assert (finding.observed, finding.expected) == (COUNTED.figures[figure] + 1, COUNTED.figures[figure])
    assert finding.subject == "period P1 of till T1"
    assert finding.event_ids == ("z1", "wrong")
    assert f"{figure} " in finding.text


@pytest.mark.parametrize(
    ("tenders", "policy", "differs"),
    [
        ({"cash": (2, 4_010)}, POLICY, False),
        ({"cash": (2, 4_011)}, POLICY, True),
        ({"card": (2, 5_301)}, POLICY, True),
        ({"card": (3, 5_300)}, POLICY, True),
        ({"cash": (3, 4_000)}, POLICY, True),
        ({"points": (1, 0)}, POLICY, True),
        ({"card": (2, 5_400)}, ReconciliationPolicy(tenders=(TenderTolerance(kind="card", currency="KRW", amount=100),)), False),
        ({"card": (2, 5_401)}, ReconciliationPolicy(tenders=(TenderTolerance(kind="card", currency="KRW", amount=100),)), True),
        ({"cash": (2, 4_001)}, ReconciliationPolicy(tenders=(TenderTolerance(kind="cash", currency="KRW", amount=0),)), True),
        ({"cash": (2, 4_001)}, ReconciliationPolicy(coins=()), True),
    ],
)
def test_tolerance_is_that_of_the_tender(tenders: dict[str, Any], policy: ReconciliationPolicy, differs: bool) -> None:
    """A coin for cash, nothing for cards, and what the policy says; never for the number of tenders."""
    assert bool(judged(period(report(tenders=tenders)), policy=policy)) == differs


def test_what_the_till_expected_in_the_drawer_is_recomputed() -> None:
    """Float + cash sales + paid in - paid out - brought to the bank, within a coin."""
    assert CASH.expected == 100_000 + 4_000 + 20_000 - 5_000 - 50_000
    assert judged(period(report(), replace(CASH, reported=69_010))) == []
    (finding,) = judged(period(report(), replace(CASH, reported=69_011)))
    assert (finding.observed, finding.expected, finding.unit) == (69_011, 69_000, "KRW")
    assert "expected_cash" in finding.text


@pytest.mark.parametrize(("counted", "word"), [(70_001, "over"), (67_999, "short"), (70_000, None), (68_000, None)])
def test_a_drawer_is_over_or_short_beyond_its_tolerance(counted: int, word: str | None) -> None:
    """1,000 won are put up with."""
    found = judged(period(report(), replace(CASH, counted=counted)))

    assert [(finding.observed, finding.expected) for finding in found] == ([(counted, 69_000)] if word else [])
    assert all(f"the drawer is {word}" in finding.text for finding in found)


def test_a_drawer_that_nobody_opened_has_no_expected_cash() -> None:
    """It was counted, and nobody can say against what; receipts without tenders say so little that nothing is told."""
    unopened = replace(CASH, float_amount=None)

    (finding,) = judged(period(report(), unopened))

    assert needs_look(period(report(), unopened), POLICY)
    assert (finding.observed, finding.expected) == (69_000, None)
    assert judged(period(report(), replace(unopened, untendered=1))) == []
    assert judged(period(report(), replace(unopened, counted=None))) == []


def test_a_difference_is_provisional_while_something_may_come() -> None:
    """So is the drawer of such a period; a drawer of which all receipts are there is short now."""
    short = replace(CASH, counted=1)

    assert [each.is_provisional for each in judged(period(report(gross=1), short), is_settled=False)] == [True, True]
    assert [each.is_provisional for each in judged(period(report(gross=1), short), is_settled=True)] == [False, False]
    assert [each.is_provisional for each in judged(period(report(), short), is_settled=False)] == [False]


def test_a_receipt_that_was_corrected_since_is_no_difference() -> None:
    """The till counted what it saw: its report agrees with the receipts as they were sent, and so does its drawer."""
    now = replace(COUNTED, figures=dict(COUNTED.figures) | {"gross": 8_000}, tenders={"cash": (2, 1_000), "card": (2, 5_300)})
    seen = period(report(), replace(CASH, sales=1_000), now)

    assert needs_look(seen, POLICY)
    assert judged(seen, (COUNTED, CASH)) == []
    assert len(judged(seen)) == 2
    (wrong,) = judged(period(report(gross=1), CASH, now), (COUNTED, CASH))
    assert wrong.observed == 1


def test_a_period_that_never_closed_is_told_once_its_day_is_over() -> None:
    """And one that closed twice at once: the later report is the one to correct."""
    (never,) = judged(period(None))
    (twice,) = judged(period(report()), closings=("z1", "z2"))

    assert (never.observed, never.expected, never.unit) == (0, 1, "Z reports")
    assert (twice.observed, twice.expected, twice.event_ids) == (2, 1, ("z2", "z1"))
    assert not twice.is_provisional


def entry(kind: str, **more: Any) -> dict[str, Any]:
    """Return an entry of a till as it is stored."""
    amounts = dict.fromkeys(("gross", "discounts", "returns", "voids", "tax", "tips", "moved"), 0)
    return {"event_id": kind, "kind": kind, "is_tendered": True, "counts": True, "is_correction": False, "paid": None} | amounts | more


def test_what_a_till_sent_is_what_no_correction_made() -> None:
    """Receipts that were taken back are in it, what the office put in their place is not."""
    rows = [
        entry("sale", gross=500, tax=50, paid=[["cash", 1, 550]]),
        entry("sale", gross=300, counts=False, event_id="wrong", paid=[["cash", 1, 200], ["card", 1, 100]]),
        entry("sale", gross=999, is_correction=True, event_id="right"),
        entry("return", returns=100, paid=[["cash", 1, -100]]),
        entry("no_sale"),
        entry("paid_in", moved=20_000),
        entry("bank_drop", moved=7),
        entry("void", voids=5, is_tendered=False),
    ]

    sent = as_sent(period(report()), ("z1",), rows)

    figures = {
        "sales_count": 2,
        "returns_count": 1,
        "voids_count": 1,
        "no_sales_count": 1,
        "gross": 800,
        "returns": 100,
        "voids": 5,
        "tax": 50,
    }
    assert sent.counted == Totals(dict.fromkeys(FIGURES, 0) | figures, {"cash": (3, 650), "card": (1, 100)})
    assert sent.cash == replace(CASH, sales=650, paid_in=20_000, paid_out=0, bank_drops=7, untendered=1)
    assert sent.corrected == ("wrong", "right")


amounts = st.integers(-(10**9), 10**9)


@given(said=amounts, now=amounts, sent=amounts, allowed=st.integers(0, 10**6))
def test_a_sum_is_wrong_where_it_is_beyond_the_tolerance_of_both_views(said: int, now: int, sent: int, allowed: int) -> None:
    """Whatever the amounts, and in no other case."""
    policy = ReconciliationPolicy(tenders=(TenderTolerance(kind="card", currency="KRW", amount=allowed),))
    views = [replace(COUNTED, tenders={"cash": (2, 4_000), "card": (2, amount)}) for amount in (now, sent)]

    found = judged(period(report(tenders={"card": (2, said)}), CASH, views[0]), (views[1], CASH), policy)

    assert bool(found) == (abs(said - now) > allowed and abs(said - sent) > allowed)


def counter(number: int, before: int | None) -> Counter:
    """Return a numbered Z report."""
    return Counter("S1", DAY, "T1", "P1", "z1", number, before)


@pytest.mark.parametrize(
    ("number", "before", "subject"),
    [
        (7, 6, None),
        (7, None, None),
        (7, 5, "Z report 6 of till T1"),
        (7, 2, "Z reports 3 to 6 of till T1"),
    ],
)
def test_a_number_that_no_z_report_bears_is_missing(number: int, before: int | None, subject: str | None) -> None:
    """It is named by the report after it; the first that is known has none before it."""
    found = list(judge_counter(counter(number, before), is_settled=True))

    assert [finding.subject for finding in found] == ([subject] if subject else [])
    assert all(finding.event_ids == ("z1",) and not finding.is_provisional for finding in found)
    assert all(finding.is_provisional for finding in judge_counter(counter(number, before), is_settled=False))


def test_a_till_that_is_closed_on_other_days_must_be_closed() -> None:
    """Once the day is over, unless an open period of it is told already; a till that never closes sends no Z reports."""
    tills = tuple(TillHeard(till, NOON, has_heartbeat=True, is_closed=till == "T1") for till in ("T1", "T2", "T3", "T4"))
    day = TillDay("S1", DAY, None, 4, (), tills, 0, (), NOON)

    assert [each.subject for each in judge_day(day, {"T1", "T2", "T3"}, {"T3"}, is_sealed=True)] == ["till T2"]
    assert list(judge_day(day, {"T1", "T2", "T3"}, {"T3"}, is_sealed=False)) == []
