"""When the business date of a store is final, and how a long scope is cut into pieces."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.read_models.stores.reader import StoreSettings
from projections.read_models.till_periods.lateness import sealed_until
from projections.reconcile.business.clock import is_sealed
from projections.reconcile.business.days import cut

STORE = StoreSettings("S1", "chain", 1, datetime(2026, 1, 1, tzinfo=UTC), "Store", "Asia/Seoul", "KRW", "KR", 4, None, None, None, ())
DAY = date(2026, 3, 2)
SEVEN_DAYS_AFTER_THE_CUT_OFF = datetime(2026, 3, 9, 19, tzinfo=UTC)  # four in the morning of the tenth in Seoul


@pytest.mark.parametrize(
    ("clock", "sealed"),
    [
        (SEVEN_DAYS_AFTER_THE_CUT_OFF, True),
        (SEVEN_DAYS_AFTER_THE_CUT_OFF - timedelta(seconds=1), False),
        (None, False),
    ],
)
def test_a_date_is_sealed_seven_days_after_its_cut_off_in_the_store(clock: datetime | None, sealed: bool) -> None:
    """By the store's own zone and hour; without a clock never."""
    assert is_sealed(clock, STORE, DAY) == sealed
    assert is_sealed(clock, STORE, DAY - timedelta(days=1)) == (clock is not None)
    assert not is_sealed(clock, replace(STORE, cut_off_hour=5), DAY)


@given(
    clock=st.integers(0, 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    zone=st.sampled_from(["Asia/Seoul", "America/New_York"]),
)
def test_findings_settle_when_kpis_become_final(clock: datetime, zone: str) -> None:
    """What a KPI calls final until a date, a finding calls settled until the same."""
    store = replace(STORE, timezone=zone)
    final_until = sealed_until(clock, store.timezone, store.cut_off_hour)

    assert is_sealed(clock, store, final_until)
    assert not is_sealed(clock, store, final_until + timedelta(days=1))


@given(first=st.dates(date(2020, 1, 1), date(2026, 1, 1)), days=st.integers(0, 400))
def test_spans_follow_each_other_and_are_a_month_at_most(first: date, days: int) -> None:
    """No date is read twice, none is left out, and never a year at once."""
    last = first + timedelta(days=days)

    spans = list(cut(STORE, first, last))

    assert (spans[0].first, spans[-1].last) == (first, last)
    assert all(later.first - earlier.last == timedelta(days=1) for earlier, later in pairwise(spans))
    assert all(timedelta() <= span.last - span.first < timedelta(days=31) for span in spans)
    assert list(cut(STORE, last, first - timedelta(days=1))) == []
