"""The reorder point: when a recommendation opens, changes and closes, and what it says."""

from decimal import Decimal
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import SALE_RETURNED, SALE_VOIDED
from contracts.events.reorder import ReorderRecommended
from processors.rules.reorder_point import ReorderPoint
from tests.processors.events import adjusted, at, corrected, counted, event, identity, log_of, reorder_policy, sold, tick
from tests.processors.oracle import contents, open_orders, replica_of

POLICY = reorder_policy(5, 20)


def _said(*story: Event[Any]) -> list[tuple[int, str, Decimal, Decimal]]:
    rows = contents(replica_of(log_of(POLICY, *story)).derived, ReorderRecommended)
    return [(row.revision, row.status, row.position, row.order_quantity) for row in rows]


def test_a_sale_to_the_point_opens_a_recommendation() -> None:
    """At the point is low enough; the quantity fills up to the policy's level."""
    assert _said(counted("c", at(0), 6), sold("a", at(1))) == [(1, "open", Decimal(5), Decimal(15))]


def test_above_the_point_nothing_is_recommended() -> None:
    """One unit more, and there is nothing to say."""
    assert _said(counted("c", at(0), 7), sold("a", at(1))) == []


def test_without_a_count_nothing_is_recommended() -> None:
    """Movements alone do not tell what is on the shelf."""
    assert _said(sold("a", at(1), quantity=9), adjusted("w", at(2), -3)) == []


def test_without_a_policy_nothing_is_recommended() -> None:
    """What is not asked for is not judged."""
    assert replica_of(log_of(counted("c", at(0), 1))).derived == []


def test_a_low_count_opens_by_itself() -> None:
    """A count is as good a reason as a sale."""
    assert _said(counted("c", at(0), 2)) == [(1, "open", Decimal(2), Decimal(18))]


def test_each_change_of_the_quantity_is_a_revision_and_the_last_one_closes() -> None:
    """Open, revised while it is open, closed when the position rises above the point; the next opening is another one."""
    rows = _said(counted("c", at(0), 4), sold("a", at(1)), adjusted("f", at(2), 10), sold("b", at(3), quantity=9))
    assert rows == [
        (1, "open", Decimal(4), Decimal(16)),
        (2, "open", Decimal(3), Decimal(17)),
        (3, "closed", Decimal(13), Decimal(0)),
        (1, "open", Decimal(4), Decimal(16)),
    ]


def test_openings_are_told_apart_by_their_identity() -> None:
    """Two openings of one SKU are two recommendations."""
    story = [POLICY, counted("c", at(0), 4), adjusted("f", at(2), 10), sold("b", at(3), quantity=9)]
    rows = contents(replica_of(log_of(*story)).derived, ReorderRecommended)
    assert len({row.recommendation_id for row in rows}) == 2


def test_a_late_sale_from_before_the_count_changes_nothing() -> None:
    """The count has seen that the goods were gone."""
    assert _said(counted("c", at(10), 6), sold("late", at(5), quantity=5)) == []


def test_an_earlier_count_that_arrives_later_does_not_replace_the_newer() -> None:
    """The last count is the one that was counted last, not the one that came last."""
    assert _said(counted("new", at(10), 8), counted("old", at(5), 1)) == []


def test_returns_and_voids_bring_goods_back() -> None:
    """A return adds; a void adds only after completion."""
    line = {"line": 1, "sku": "MILK", "quantity": "4", "unit_price": "1.00", "gross": 400}
    receipt = {"receipt_id": "r", "currency": "GBP", "lines": [line]}
    returned = event(SALE_RETURNED, "back", at(2), receipt)
    voided = event(SALE_VOIDED, "void", at(3), {**receipt, "phase": "after_completion"})
    never = event(SALE_VOIDED, "never", at(4), {**receipt, "phase": "before_completion"})
    rows = _said(counted("c", at(0), 10), sold("a", at(1), quantity=9), returned, voided, never)
    assert [position for _, _, position, _ in rows] == [Decimal(1), Decimal(5), Decimal(9)]


def test_a_corrected_sale_counts_as_it_really_was() -> None:
    """The wrong quantity goes, the right one stays."""
    wrong = sold("a", at(1), quantity=9)
    right = {**wrong.data.model_dump(mode="json", exclude_none=True)}
    right["lines"][0] |= {"quantity": "6", "gross": 600}
    rows = _said(counted("c", at(0), 10), wrong, corrected("x", wrong, right))
    assert rows[-1][2:] == (Decimal(4), Decimal(16))


def test_a_corrected_away_count_falls_back_to_the_one_before() -> None:
    """A count that did not occur leaves the older count and every movement since."""
    count = counted("second", at(10), 3)
    rows = _said(counted("first", at(0), 12), sold("a", at(5), quantity=1), count, corrected("x", count))
    assert rows[-1][1:3] == ("closed", Decimal(11))


def test_the_narrowest_policy_decides() -> None:
    """A policy for the SKU goes before that of the chain."""
    own = reorder_policy(1, 9, sku="MILK", version=7)
    assert _said(own, counted("c", at(0), 4), sold("a", at(1), quantity=3)) == [(1, "open", Decimal(1), Decimal(8))]


def test_a_policy_of_the_future_is_not_in_force_yet() -> None:
    """The version in force when things happen decides."""
    stricter = reorder_policy(50, 60, version=2, since=at(30))
    rows = _said(stricter, counted("c", at(0), 10), sold("a", at(20)), sold("b", at(31)))
    assert rows == [(1, "open", Decimal(8), Decimal(52))]
    late = counted("late", at(20), 9)
    assert _said(stricter, counted("c", at(0), 10), tick(at(40)), late) == [], "the clock does not judge what happened before"


def test_a_policy_that_begins_is_found_by_the_clock() -> None:
    """Nothing was sold since: the weekly look judges by what is in force then."""
    story = [POLICY, reorder_policy(50, 60, version=2, since=at(30)), counted("c", at(0), 10)]
    assert open_orders(replica_of(log_of(*story)).derived) == {}
    assert open_orders(replica_of(log_of(*story, tick(at(8 * 24 * 60)))).derived) == {"MILK": (Decimal(10), Decimal(50))}


def test_the_evidence_names_the_count_and_the_cause() -> None:
    """What was observed, what was expected, and from which events."""
    (row,) = contents(replica_of(log_of(POLICY, counted("c", at(0), 6), sold("a", at(1)))).derived, ReorderRecommended)
    assert row.evidence.observed == "5 on hand: counted 6 at 2026-03-02T08:00+00:00, -1 in 1 movements since"
    assert row.evidence.expected == "more than 5; order up to 20"
    assert row.evidence.event_ids == (identity("S1/c"), identity("S1/a"))
    assert row.evidence.probability is None


def test_old_movements_settle_into_a_balance_that_stays_right() -> None:
    """What is older than the retention is folded together without changing what is on hand."""
    month = 50 * 24 * 60
    story = [counted("c", at(0), 20), sold("a", at(1), quantity=3), tick(at(month)), sold("b", at(month), quantity=12)]
    assert open_orders(replica_of(log_of(POLICY, *story)).derived) == {"MILK": (Decimal(5), Decimal(15))}


def test_a_busy_sku_is_judged_alike_across_its_pages() -> None:
    """Hundreds of sales, a late count before half of them and a correction of an old one."""
    first = sold("n0", at(1))
    sales = [sold(f"n{number}", at(number + 1)) for number in range(1, 300)]
    story = [counted("c", at(0), 303), first, *sales, counted("late", at(150.5), 152), corrected("x", first)]
    assert _said(*story)[-1][2:] == (Decimal(2), Decimal(18))
    assert _said(*story[:-2], story[-1])[-1][2:] == (Decimal(4), Decimal(16))


def test_a_sale_of_which_enough_is_left_writes_the_journal_of_its_store_alone() -> None:
    """The recommendation is written only where it may change."""
    log = log_of(POLICY, counted("c", at(0), 90), *(sold(f"n{number}", at(number + 1)) for number in range(10)))
    replica = replica_of(log[:-1])
    folded = replica.fold(log[-1:], replica.held.get)
    ours = {kind.name for kind in ReorderPoint.kinds}
    assert [key for stage in folded.stages for key in stage if key.split("|")[1] in ours] == ["S1|stock_journal|open"]
