"""Which store-days are compared row by row: what changed first, newest first, then what was not looked at for longest."""

from datetime import UTC, date, datetime, timedelta

from projections.reconcile.compare import Digest
from projections.reconcile.days import Checked, RowScope, choose
from projections.reconcile.report import StoreDay
from projections.reconcile.run import business_scope

NOW = datetime(2026, 3, 9, tzinfo=UTC)
ONE = Digest(1, 1)


def day(store: str, number: int) -> StoreDay:
    """Return a store's date in March."""
    return StoreDay(store, f"2026-03-{number:02}")


def test_the_newest_changes_come_first_and_the_rest_waits() -> None:
    """A day whose events are those that were compared is no change; the newest of the others are taken."""
    days = {day("A", number): Digest(number, 0) for number in range(1, 6)}
    checked = {day("A", 5): Checked(Digest(5, 0), NOW), day("A", 4): Checked(Digest(3, 0), NOW)}
    choice = choose(days, checked, RowScope(store_days=2))

    assert choice.now == [day("A", 4), day("A", 3)]
    assert choice.later == [day("A", 2), day("A", 1)]


def test_what_is_sold_today_leaves_room_for_dates_that_are_over() -> None:
    """However many stores trade: every second place is for a date that changed, or was never compared, and is not its store's newest."""
    days = {day(store, 9): ONE for store in "ABCDEF"} | {day("A", 8): ONE, day("B", 3): Digest(2, 2), day("C", 2): ONE}
    checked = {day("B", 3): Checked(ONE, NOW), day("C", 2): Checked(ONE, NOW)}
    choice = choose(days, checked, RowScope(store_days=4, stores=9))

    assert choice.now == [day("A", 9), day("A", 8), day("B", 9), day("B", 3)]
    assert choice.later == [day(store, 9) for store in "CDEF"]


def test_few_stores_at_a_time() -> None:
    """Each is folded from the beginning of its partition; what concerns the chain is none of them."""
    days = {day(store, 1): ONE for store in "ABC"} | {StoreDay("*", ""): ONE, day("A", 2): ONE}
    choice = choose(days, {}, RowScope(stores=2))

    assert choice.now == [day("A", 2), day("A", 1), day("B", 1), StoreDay("*", "")]
    assert choice.later == [day("C", 1)]


def test_without_changes_what_was_not_looked_at_for_longest_is_looked_at_again() -> None:
    """So damage to an old day is found too, some time."""
    days = {day("A", number): ONE for number in range(1, 4)}
    checked = {day("A", number): Checked(ONE, NOW - timedelta(days=number % 3)) for number in range(1, 4)}

    assert choose(days, checked, RowScope(store_days=2)).now == [day("A", 2), day("A", 1)]


def test_named_store_days_are_all_compared() -> None:
    """Whether they changed or not, and what has no date with them; changes elsewhere wait."""
    days = {day("A", 1): ONE, day("A", 2): ONE, day("A", 9): ONE, day("B", 2): ONE, StoreDay("A", ""): ONE}
    checked = {day("A", 1): Checked(ONE, NOW), day("A", 2): Checked(ONE, NOW)}
    choice = choose(days, checked, RowScope("A", date(2026, 3, 1), date(2026, 3, 2), store_days=1))

    assert choice.now == [day("A", 2), day("A", 1), StoreDay("A", "")]
    assert choice.later == [day("A", 9), day("B", 2)]


def test_what_a_person_named_and_the_log_does_not_have_is_told() -> None:
    """A typo in a store or a year would pass otherwise; without a name there is nothing to miss."""
    days = [day("A", 1), StoreDay("A", ""), StoreDay("*", "")]
    there = (RowScope(), RowScope("A"), RowScope("A", date(2026, 3, 1)), RowScope(last=date(2026, 3, 1)))

    assert [scope.lacks(days) for scope in there] == [None] * 4
    assert RowScope().lacks([]) is None
    assert RowScope("B").lacks(days) == "the log holds nothing of store B"
    assert RowScope("A", date(2026, 3, 2)).lacks(days) == "the log holds nothing of store A from 2026-03-02 to the last"
    assert RowScope(last=date(2026, 2, 28)).lacks(days) == "the log holds nothing from the first date to 2026-02-28"


def test_the_business_is_looked_at_over_the_newest_month_or_what_was_asked_for() -> None:
    """Dates that are none are left out."""
    days = [StoreDay("A", "2026-01-01"), day("A", 9), StoreDay("A", "soon"), StoreDay("*", "")]
    newest, asked = business_scope(days, RowScope()), business_scope(days, RowScope("A", last=date(2026, 3, 1)))

    assert newest is not None
    assert (newest.date_from, newest.date_until, newest.store_ids) == (date(2026, 2, 7), date(2026, 3, 9), None)
    assert asked is not None
    assert (asked.date_from, asked.date_until, asked.store_ids) == (date(2026, 1, 1), date(2026, 3, 1), ("A",))
    assert business_scope([StoreDay("*", "")], RowScope()) is None
