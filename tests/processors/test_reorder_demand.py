"""The reorder point that follows demand: learned in the stream, and the same however the facts arrive."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.registry import POLICY_SET, SKU_DEFINED, STOCK_COUNTED, STOCK_ORDERED, STOCK_RECEIVED, SUPPLIER_DEFINED
from contracts.events.reorder import ReorderRecommended
from contracts.records import RawRecord
from processors.fold import Fold
from processors.rules.demand.alike import ASSORTMENT
from processors.rules.demand.closing import next_closing
from processors.rules.demand.days import DEMAND, Demand, daily
from processors.rules.reorder_point import ReorderPoint
from processors.rules.rule import Decision, Entity, Happening, State, View, microseconds, moment_of
from processors.state import LARGE_BYTES, address_of, read_held, read_state
from tests.examples import examples
from tests.processors import oracle
from tests.processors.events import START, at, corrected, counted, event, log_of, sold, tick
from tests.processors.oracle import Replica, contents, recommendations
from tests.processors.stories import Story

_DAY = 24 * 60
LONG = 70


def _policy(**changes: Any) -> Event[Any]:
    parameters = {"policy": "reorder_point", "mode": "demand", **changes}
    data = {"version": 3, "effective_from": at(-_DAY), "parameters": parameters}
    return event(POLICY_SET, "reorder/3", at(-_DAY), data, CHAIN_WIDE)


def _goods(pack: int = 6, **changes: Any) -> Story:
    sku = {"version": 1, "effective_from": at(-_DAY), "sku": "MILK", "name": "milk", "pack_size": str(pack), "supplier_id": "DAIRY"}
    dairy = {"version": 1, "effective_from": at(-_DAY), "supplier_id": "DAIRY", "name": "dairy", "lead_time_days": 3}
    return [
        event(SKU_DEFINED, "milk", at(-_DAY), {**sku, **changes}, CHAIN_WIDE),
        event(SUPPLIER_DEFINED, "dairy", at(-_DAY), dairy, CHAIN_WIDE),
    ]


def _sales(days: int, seed: int = 1, rate: int = 8) -> Story:
    random = np.random.default_rng(seed)
    return [sold(f"d{day}", at(day * _DAY + 60), quantity=int(random.poisson(rate)) + 1) for day in range(days)]


def _order(name: str, day: float, quantity: int, came_after: float | None) -> Story:
    line = [{"line": 1, "sku": "MILK", "quantity": str(quantity)}]
    sent = event(STOCK_ORDERED, name, at(day * _DAY), {"purchase_order_id": name, "supplier_id": "DAIRY", "lines": line})
    if came_after is None:
        return [sent]
    data = {"delivery_id": f"D{name}", "purchase_order_id": name, "supplier_id": "DAIRY", "lines": line}
    return [sent, event(STOCK_RECEIVED, f"D{name}", at((day + came_after) * _DAY), data)]


def _ticked(facts: Story, days: int) -> Story:
    """Put facts in order of time with a tick every hour of each night."""
    ticks = [tick(at(day * _DAY + 18 * 60)) for day in range(days + 1)]
    return sorted([*facts, *ticks], key=lambda each: each.envelope.occurred_at)


def replica_of(log: Sequence[RawRecord], batch: int = 1_000_000) -> Replica:
    """Fold a log from zero with this rule alone."""
    replica = Replica(fold=Fold(rules=(ReorderPoint(),)))
    for start in range(0, len(log), batch):
        replica.apply(log[start : start + batch])
    return replica


class Counting(ReorderPoint):
    """The rule, which counts how often it decides on a list of goods."""

    lists = 0

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Count and decide."""
        self.lists += entity.kind is ASSORTMENT
        return super().decide(entity, state, happening, view)


def _start() -> Story:
    return [_policy(), *_goods()]


def _demand(replica: Replica) -> Demand:
    state = read_state(DEMAND, read_held(replica.held["S1|demand|MILK"]))
    assert isinstance(state, Demand)
    return state


def _last(replica: Replica) -> ReorderRecommended:
    return list(recommendations(replica.derived).values())[-1]


def test_the_point_follows_demand_and_lead_time_and_says_why() -> None:
    """Ten weeks of nine a day with five days to the goods: a recommendation in packs that explains itself."""
    orders = [row for number in range(12) for row in _order(f"PO{number}", number * 5 + 0.5, 45, 5)]
    facts = [counted("c", at(0), 300), *_sales(LONG), *orders, counted("low", at(LONG * _DAY - 60), 40)]
    row = _last(replica_of(log_of(*_start(), *_ticked(facts, LONG))))
    assert row.basis is not None
    assert float(row.basis.rate) == pytest.approx(9, rel=0.15)
    assert float(row.basis.lead_days) == pytest.approx(4.4, abs=0.2)
    assert row.basis.deliveries >= 10
    assert 50 < row.reorder_point < 90
    assert row.order_quantity % 6 == 0
    assert row.position == 40
    assert row.order_quantity >= row.reorder_point - row.position
    assert row.evidence.baseline_window is not None
    assert f"{row.basis.demand_class} demand of" in row.evidence.expected
    assert row.basis.achieved_fill_rate > Decimal("0.9")


def test_what_is_on_order_closes_the_recommendation_until_it_is_too_old() -> None:
    """An order counts as soon as it is sent; one that never comes is given up after the limit."""
    facts = [counted("c", at(0), 700), *_sales(LONG), counted("low", at(LONG * _DAY - 60), 40)]
    story = [*_start(), *_ticked(facts, LONG)]
    opened = replica_of(log_of(*story))
    assert _last(opened).status == "open"
    sent = _order("PO", LONG + 0.1, 90, None)
    closed = replica_of(log_of(*story, *sent))
    assert (_last(closed).status, _last(closed).on_order) == ("closed", 90)
    called_off = replica_of(log_of(*story, *sent, corrected("off", sent[0])))
    assert (_last(called_off).status, _last(called_off).on_order) == ("open", 0)
    filled = [counted(f"same{day}", at((LONG + day) * _DAY + 120), 40) for day in range(1, 75)]
    later = _ticked([*_sales(LONG + 75)[LONG + 1 :], *filled], LONG + 75)[LONG + 1 :]
    assert (
        _last(replica_of(log_of(*story, *sent, *[each for each in later if each.envelope.occurred_at < at((LONG + 55) * _DAY)]))).status
        == "closed"
    )
    assert _last(replica_of(log_of(*story, *sent, *later))).status == "open"


def _category(names: Sequence[str], days: int, since: int = 0, **goods: Any) -> Story:
    """Define goods of one category, count them, and sell some of each on every day."""
    random = np.random.default_rng(len(names) + since)
    made = []
    for place, name in enumerate(names):
        sku = {"version": 1, "effective_from": at(-_DAY), "sku": name, "name": name, "category": "dairy|cold", **goods}
        made.append(event(SKU_DEFINED, name, at(-_DAY), sku, CHAIN_WIDE))
        made.append(counted(f"c/{name}", at(since * _DAY + 1), 900, sku=name))
        made += [
            sold(f"{name}/{day}", at(day * _DAY + 60), quantity=1 + int(random.poisson(3 + place)), sku=name) for day in range(since, days)
        ]
    return made


def _new_good(**policy: Any) -> Story:
    """Sell six goods of a category for eight weeks, and a seventh for one of them; in the end little of it is left."""
    old = _category([f"OLD{number}" for number in range(6)], 56)
    new = _category(["NEW"], 51, since=44)
    facts = [*old, *new, counted("low", at(55 * _DAY), 2, sku="NEW")]
    goods = [each for each in facts if each.type == SKU_DEFINED]
    return [_policy(**policy), *goods, *_ticked([each for each in facts if each.type != SKU_DEFINED], 56)]


def _of_new_good(**policy: Any) -> list[ReorderRecommended]:
    replica = replica_of(log_of(*_new_good(**policy)))
    return [row for row in recommendations(replica.derived).values() if row.sku == "NEW"]


def test_a_new_good_borrows_from_its_category_and_says_so() -> None:
    """Ten days after it was seen first it is ordered by what goods like it sell, where four weeks would have to pass alone."""
    (row,) = _of_new_good()
    assert row.basis is not None
    assert (row.status, row.basis.days < 28) == ("open", True)
    assert 0 < row.basis.borrowed_share < 1
    assert 2 < row.basis.rate < 10
    assert "from goods of its category" in row.evidence.expected


def test_a_list_of_goods_is_touched_once_however_many_of_its_goods_are_counted_first() -> None:
    """The first count of a whole store does not look through all its lines for each of them."""
    names = [f"NEW{number:03}" for number in range(60)]
    goods = [
        event(
            SKU_DEFINED,
            name,
            at(-_DAY),
            {"version": 1, "effective_from": at(-_DAY), "sku": name, "name": name, "category": "dairy"},
            CHAIN_WIDE,
        )
        for name in names
    ]
    lines = [{"line": number, "sku": name, "quantity": "5"} for number, name in enumerate(names, 1)]
    sheet = event(STOCK_COUNTED, "all", at(5), {"sheet_id": "all", "lines": lines})
    delivery = event(STOCK_RECEIVED, "all", at(5), {"delivery_id": "all", "lines": lines})
    for story in ([sheet, delivery], [delivery, sheet]):
        counting = Counting()
        log = log_of(tick(at(0)), *goods, *story)
        Replica(fold=Fold(rules=(counting,))).apply(log)
        assert counting.lists == 1


def test_a_list_of_goods_misses_none_however_far_the_writes_of_their_batch_came() -> None:
    """A worker that ends between any two of them knows its goods again from the same records, under keys that can be taken apart."""
    log = log_of(tick(at(0)), *_category(["A", "B"], 2))
    whole = oracle.replica_of(log)
    assert {address_of(key).kind for key in whole.held} >= {ASSORTMENT.name}
    for written in range(len(whole.held)):
        replica = Replica()
        replica.apply(log, written)
        replica.apply(log)
        assert replica.states() == whole.states()


def test_a_good_without_grown_goods_like_it_waits_and_a_fixed_point_goes_before() -> None:
    """The negative controls: nobody is old enough to lend, and somebody has said at which stock to order."""
    assert _of_new_good(min_history_days=60) == []
    (fixed,) = _of_new_good(reorder_point="5", order_up_to="20")
    assert (fixed.basis, fixed.order_quantity) == (None, 18)


def test_goods_that_are_not_asked_for_any_more_are_not_ordered() -> None:
    """Ten weeks of nine a day, then none for ten weeks: what is left on the shelf is enough."""
    quiet = [tick(at((LONG + day) * _DAY)) for day in range(1, 70)]
    facts = [counted("c", at(0), 700), *_sales(LONG), counted("low", at(LONG * _DAY - 60), 40)]
    assert _last(replica_of(log_of(*_start(), *_ticked(facts, LONG)))).status == "open"
    assert _last(replica_of(log_of(*_start(), *_ticked(facts, LONG), *quiet))).status == "closed"


def test_without_history_it_says_nothing_or_keeps_to_the_fixed_point() -> None:
    """Two weeks are too little to follow."""
    facts = _ticked([counted("c", at(0), 200), *_sales(14), counted("low", at(14 * _DAY), 2)], 15)
    assert contents(replica_of(log_of(*_start(), *facts)).derived, ReorderRecommended) == []
    fixed = _policy(reorder_point="5", order_up_to="20")
    (row,) = contents(replica_of(log_of(fixed, *_goods(), *facts)).derived, ReorderRecommended)
    assert (row.order_quantity, row.basis) == (18, None)


@settings(max_examples=examples(12))
@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_late_and_shuffled_sales_end_in_the_same_demand_and_orders(random: Random, wrong: int) -> None:
    """Facts up to four weeks late, or ahead of the clock, open their days again; corrections take out what was wrong."""
    count, sales = counted("c", at(0), 900), _sales(42)
    spoilt = [sold(f"w{number}", at(number * 3 * _DAY + 90), quantity=50) for number in range(wrong)]
    undone = [corrected(f"x{number}", each) for number, each in enumerate(spoilt)]
    right = replica_of(log_of(*_start(), *_ticked([count, *sales], 80)))
    lateness = {each.id: random.choice((0, 0, 0, -6, -1, 1, 9, 27)) * _DAY for each in [*sales, *spoilt, *undone]}
    late = [*sales, *spoilt, *undone]
    ticks = [tick(at(day * _DAY + 18 * 60)) for day in range(81)]

    def arrival(each: Event[Any]) -> datetime:
        return each.envelope.occurred_at + timedelta(minutes=lateness.get(each.id, 0))

    shuffled = replica_of(log_of(*_start(), *sorted([count, *late, *ticks], key=arrival)))
    assert np.array_equal(daily(_demand(shuffled)), daily(_demand(right)), equal_nan=True)
    assert {row.status: row.order_quantity for row in recommendations(shuffled.derived).values() if row.status == "open"} == {
        row.status: row.order_quantity for row in recommendations(right.derived).values() if row.status == "open"
    }


def test_a_closing_that_forgot_late_facts_is_caught() -> None:
    """The negative control: what arrives after its day was closed changes the demand."""
    sales = _sales(42)
    whole, without = (replica_of(log_of(*_start(), *_ticked([counted("c", at(0), 900), *kept], 60))) for kept in (sales, sales[:20]))
    assert not np.array_equal(daily(_demand(whole)), daily(_demand(without)))


@settings(max_examples=examples(6))
@given(st.integers(1, 40), st.data())
def test_redelivery_over_closings_changes_nothing(size: int, data: st.DataObject) -> None:
    """Any crash between the writes of states, and any restart from earlier, ends as if nothing had happened."""
    facts = [counted("c", at(0), 300), *_sales(45), *_order("PO", 30, 60, 5), corrected("x", _sales(45)[7])]
    log = log_of(*_start(), *_ticked(facts, 50))
    replica, position = Replica(), 0
    while position < len(log):
        stages = data.draw(st.none() | st.integers(0, 3))
        end = min(position + size, len(log))
        replica.apply(log[position:end], stages)
        position = end if stages is None else position
        replica.apply(log[position:end]) if stages is not None else None
        position = end
    whole = oracle.replica_of(log)
    assert replica.states() == whole.states()


def test_days_with_an_empty_shelf_are_left_out() -> None:
    """A week without goods is no week without demand."""
    first, later = _sales(30), [sold(f"e{day}", at(day * _DAY + 60), quantity=9) for day in range(37, 45)]
    facts = [counted("c", at(0), 900), *first, counted("none", at(30 * _DAY - 10), 0), counted("full", at(37 * _DAY), 300), *later]
    series = daily(_demand(replica_of(log_of(*_start(), *_ticked(facts, 55)))))
    assert np.isnan(series[31:37]).all()
    assert not np.isnan(series[:31]).any()
    assert not np.isnan(series[37:45]).any()


def test_old_history_is_learned_from_on_a_live_clock() -> None:
    """A year that is loaded at once is in the demand at the next closing, once, however often the SKU is closed."""
    sales = _sales(350)
    nights = [tick(at((370 + day) * _DAY + 300)) for day in range(1, 25)]
    loaded = replica_of(log_of(*_start(), tick(at(370 * _DAY)), counted("c", at(0), 9000), *sales, *nights))
    series = daily(_demand(loaded))
    sizes = [float(each.data.lines[0].quantity) for each in sales]
    until = _demand(loaded).until - (START.toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal())
    assert series.tolist() == (sizes + [0.0] * (until - len(sizes)))[-len(series) :]


def test_pages_and_demand_stay_small() -> None:
    """A year of a SKU that sells every day; no value comes near the limit."""
    story = [*_start(), *_ticked([counted("c", at(0), 9000), *_sales(400)], 400)]
    replica = replica_of(log_of(*story), 200)
    sizes = {key: len(value) for key, value in replica.held.items() if "MILK" in key}
    assert max(sizes.values()) < 6_000 < LARGE_BYTES
    assert sizes["S1|demand|MILK"] < 4_500
    assert sizes["S1|stock|MILK"] < 900


def test_a_batch_that_comes_again_gives_no_page_twice() -> None:
    """Written whole and folded again: a stock that is full by now gives nothing away to the first record of the batch."""
    log = log_of(*_start(), counted("c", at(0), 900), *_sales(40))
    replica = replica_of(log[:20])
    for end in range(20, len(log), 3):
        replica.apply(log[end : end + 3])
        once = replica.states()
        replica.apply(log[end : end + 3])
        assert replica.states() == once


def test_closings_are_spread_over_the_week_and_the_night() -> None:
    """Each SKU has its own weekday and time, within two hours after the cut-off; the next one is a week later."""
    times = [moment_of(next_closing(None, "S1", f"SKU{number}", microseconds(at(0)))) for number in range(500)]
    assert len({moment.weekday() for moment in times}) == 7
    assert all(moment.hour < 3 for moment in times)
    assert moment_of(next_closing(None, "S1", "SKU1", microseconds(times[1]))) == times[1] + timedelta(days=7)
