"""Runs of sales: folded in one go or one by one, cut here or there, what comes of a log is the same to the byte."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace

from contracts.codec import decode, encode
from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.registry import ALERT_CHANGED, SALE_COMPLETED, STOCK_ADJUSTED
from contracts.records import LogRecord, RawRecord
from contracts.topics import DEAD_LETTERS, RETRY_APPLIED, STORE_FACTS
from processors import seen
from processors.fold import RULES, Fold
from processors.outgoing import Outgoing
from processors.rules.rule import FoldsRuns, Rule, microseconds
from processors.rules.stock_states import SOON
from processors.state import read_held
from producers.simulator.faults import ALL
from producers.simulator.generate import generate
from producers.simulator.options import SimulationOptions
from tests.processors.events import adjusted, at, corrected, counted, event, log_of, reorder_policy, shift, sold, tick
from tests.processors.oracle import Replica, open_orders, replica_of
from tests.processors.sales_stories import store_defined
from tests.processors.till_events import DAY, refunded, rung

_TOO_MANY = [{"line": number, "sku": "MILK", "quantity": "9" * 13, "unit_price": "0.00", "gross": 0} for number in range(1, 6)]
"""More units on one receipt than can be counted: the contract allows them, the stock does not."""


def _one_by_one() -> Fold:
    """Return a fold whose rules decide on every state by itself."""
    slow = [type(type(rule).__name__, (type(rule),), {"run_types": frozenset[str]()})() for rule in RULES]
    return Fold(cast("list[Rule]", slow))


def _simulated(seed: int) -> list[LogRecord]:
    """Write a simulated chain with all its troubles down as the only partition of a log."""
    options = SimulationOptions(seed=seed, stores=2, days=2, scale=0.1, partitions=1, faults=ALL, duplicate_share=0.1)
    rows = [(row, encode(row.event, STORE_FACTS)) for row in generate(options)]
    return [
        RawRecord(STORE_FACTS, 0, offset, int(row.arrival.timestamp() * 1000), written.key, written.value, written.headers)
        for offset, (row, written) in enumerate(rows)
    ]


def _slowly(log: Sequence[LogRecord]) -> Replica:
    """Fold a log record by record, state by state."""
    slow = Replica(_one_by_one())
    for each in log:
        slow.apply([each])
    return slow


@pytest.mark.parametrize("seed", [1, 2])
def test_a_simulated_chain_folded_in_runs_comes_to_what_it_comes_to_record_by_record(seed: int) -> None:
    """Every state with its position, and every derived event and dead letter in its order, of all rules, whatever goes wrong."""
    log = _simulated(seed)
    slow, quick = _slowly(log), replica_of(log, 500)
    assert all(isinstance(rule, FoldsRuns) for rule in RULES if SALE_COMPLETED in rule.event_types)
    assert quick.held == slow.held
    assert _without_letters(quick) == _without_letters(slow)
    assert _letters(quick.derived) == _letters(slow.derived)


def _without_letters(replica: Replica) -> list[Outgoing]:
    return [each for each in replica.derived if each.topic != DEAD_LETTERS]


def _letters(derived: list[Outgoing]) -> list[Outgoing]:
    """Return dead letters; a batch gives its own behind what it derives."""
    return [each for each in derived if each.topic == DEAD_LETTERS]


def test_a_sale_that_cannot_be_folded_takes_none_of_its_run_with_it() -> None:
    """The whole run is undone and folded sale by sale: the one is a dead letter, the others count once each."""
    sales = [sold(f"s{number}", at(1 + number)) for number in range(5)]
    sales[2] = event(SALE_COMPLETED, "many", at(3), {"receipt_id": "many", "currency": "GBP", "lines": _TOO_MANY})
    log = log_of(reorder_policy(6, 20), counted("c", at(0), 10), *sales)
    whole, single = replica_of(log), replica_of(log, 1)
    assert whole.held == single.held
    (letter,) = _letters(whole.derived)
    assert (dict(letter.headers)["x-source-offset"], dict(letter.headers)["x-reason"]) == (b"4", b"rule_failed")
    assert open_orders(whole.derived).keys() == {"MILK"}
    assert _without_letters(whole) == _without_letters(single)


def test_repeats_within_a_run_and_of_an_earlier_one_count_once() -> None:
    """An id that comes again between others of its run is known, and so is one of a batch before."""
    first, second, third = (sold(name, at(minute)) for name, minute in (("a", 1), ("b", 2), ("d", 3)))
    often = log_of(counted("c", at(0), 10), first, second, first, third, second, first)
    assert replica_of(often).states() == replica_of(often, 2).states() == replica_of(often, 1).states()
    once = replica_of(log_of(counted("c", at(0), 10), first, second, third))
    assert _bodies(replica_of(often), "stock") == _bodies(once, "stock")


def _bodies(replica: Replica, kind: str) -> dict[str, Any]:
    return {key: (state[1][:20], len(state[1])) for key, state in replica.states().items() if f"|{kind}|" in key}


def test_a_repeat_of_a_sale_that_was_folded_alone_is_known_to_the_next_run() -> None:
    """What a run remembers of its page of ids is not the page any more, once a sale between two ticks was added to it."""
    alone = sold("alone", at(3))
    before = [counted("c", at(0), 10), sold("a", at(1)), sold("b", at(2)), tick(at(2))]
    log = log_of(*before, alone, tick(at(3)), sold("d", at(4)), alone, sold("e", at(5)))
    once = replica_of([each for number, each in enumerate(log) if number != 7])
    assert _bodies(replica_of(log), "stock") == _bodies(once, "stock")
    assert replica_of(log).held == replica_of(log, 1).held


@pytest.mark.parametrize("per_page", [1, 2, 5])
def test_ids_of_a_run_fill_one_page_after_the_other(per_page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they do one by one, whatever else was there, with repeats of ids on pages that are long full."""
    monkeypatch.setattr(seen, "IDS_PER_PAGE", per_page)
    sales = [sold(f"s{number}", at(1 + number % 2)) for number in range(9)]
    log = log_of(counted("c", at(0), 10), *sales[:4], tick(at(1)), *sales[2:6], tick(at(2)), *sales, *sales[3:5])
    quick = replica_of(log)
    assert quick.held == replica_of(log, 1).held == replica_of(log, 3).held
    assert [read_held(value).body == b"" for key, value in quick.held.items() if "|ids|" in key] == [False] * (-(-10 // per_page))
    once = replica_of(log_of(counted("c", at(0), 10), *sales[:4], tick(at(1)), *sales[4:6], tick(at(2)), *sales[6:]))
    assert _bodies(quick, "stock") == _bodies(once, "stock")


def test_a_run_that_is_folded_again_after_its_ids_were_forgotten_leaves_them_so() -> None:
    """The page of ids is ahead of the sales by then: in its new form it would be older than the one that it replaces."""
    log = log_of(counted("c", at(0), 10), sold("a", at(1)), sold("b", at(2)), tick(at(60 * 24 * 40)))
    replica = replica_of(log)
    held = dict(replica.held)
    replica.apply(log[1:3])
    assert any("|ids|" in key and not read_held(value).body for key, value in held.items())
    assert replica.held == held


def test_what_comes_of_several_stores_is_told_in_the_order_of_the_records() -> None:
    """Each store's sales are folded together, and yet recommendations go out as the sales that they came of lie on the log."""
    stores = ("S1", "S2", "S3")
    sales = [sold(f"s{store}{number}", at(1 + number), quantity=2, store=store) for number in range(4) for store in reversed(stores)]
    log = log_of(reorder_policy(5, 20), *(counted("c", at(0), 10, store=store) for store in stores), *sales)
    whole, single = replica_of(log), replica_of(log, 1)
    assert [decode(_record(each)).store_id for each in whole.derived] == ["S3", "S2", "S1"] * 2
    assert whole.derived == single.derived


def _record(each: Outgoing) -> RawRecord:
    return RawRecord(each.topic, 0, 0, 0, each.key, each.value, each.headers)


def test_sales_of_two_chains_under_one_store_are_no_run() -> None:
    """A store belongs to one chain; should two say that it is theirs, each sale is folded under the chain that it names."""
    mine, other = sold("a", at(1)), sold("b", at(2))
    other = Event(other.envelope.model_copy(update={"tenant_id": "another-chain"}), other.data)
    log = log_of(counted("c", at(0), 10), mine, sold("d", at(3)), other)
    assert replica_of(log).held == _slowly(log).held


def test_late_sales_in_a_run_are_told_to_whatever_was_judged_without_them() -> None:
    """A count after them and a refund that names one of them, on another day, are looked at again; one was taken back beforehand."""
    late = [rung(f"s{number}", at(30 + number)) for number in range(3)]
    log = log_of(
        counted("c", at(60), 10),
        rung("t", at(61)),
        rung("u", at(DAY + 50)),
        refunded("r", at(DAY + 60), of="s1"),
        tick(at(2 * DAY)),
        corrected("x", late[2]),
        rung("v", at(2 * DAY + 1)),
        *late,
    )
    assert replica_of(log).held == _slowly(log).held


def test_sales_so_late_that_their_rows_are_ripe_are_settled_soon_and_not_in_the_past() -> None:
    """The clock has passed the time at which rows of that age are settled: a look that is due before it would come at once, each time."""
    log = log_of(tick(at(60 * DAY)), counted("c", at(60 * DAY), 10), *(sold(f"s{number}", at(1 + number)) for number in range(3)))
    quick = replica_of(log)
    assert quick.held == _slowly(log).held
    (due_at,) = (read_held(value).due_at for key, value in quick.held.items() if key == "S1|stock|MILK")
    assert due_at == microseconds(at(60 * DAY)) + SOON


def test_one_store_that_two_chains_name_is_looked_at_for_each() -> None:
    """At one tick, one after the other: what comes of a look belongs to the chain that its state is of."""
    mine, theirs = (shift(name, at(60), at(540), name) for name in ("ana", "bob"))
    theirs = Event(theirs.envelope.model_copy(update={"tenant_id": "another-chain"}), theirs.data)
    told = replica_of(log_of(mine, theirs, tick(at(300)))).derived
    assert {(each.envelope.tenant_id, each.data.subject) for each in map(_event, told) if each.type == ALERT_CHANGED} == {
        ("shop-chain", "ana"),
        ("another-chain", "bob"),
    }


def _event(each: Outgoing) -> Event[Any]:
    return decode(_record(each))


def test_a_retry_that_went_through_in_a_run_is_told_behind_what_came_of_it() -> None:
    """Readers find the letter that it names, as for a sale that is folded alone."""
    sales = [sold(f"s{number}", at(1 + number), quantity=3) for number in range(3)]
    log = log_of(reorder_policy(5, 20), counted("c", at(0), 10), *sales)
    log[3] = replace(log[3], headers=[*log[3].headers, ("ce_retryof", b"store-facts-v1/0/7")])
    whole = replica_of(log)
    assert [dict(each.headers).get("x-reason") for each in whole.derived] == [None, RETRY_APPLIED.encode(), None]
    assert whole.derived == replica_of(log, 1).derived


def test_what_was_noted_of_a_shelf_is_dropped_when_the_policy_changes() -> None:
    """A shelf of which enough was left has too little by the new point: the very next sale says so."""
    log = log_of(
        reorder_policy(2, 20),
        counted("c", at(0), 10),
        tick(at(1)),
        sold("a", at(2)),
        sold("b", at(3)),
        reorder_policy(8, 20, version=2),
        sold("d", at(4)),
    )
    assert open_orders(replica_of(log).derived).keys() == {"MILK"}
    assert open_orders(replica_of(log[:5]).derived) == {}


def test_what_was_noted_of_a_shelf_is_dropped_when_a_policy_begins() -> None:
    """It is in force from a time that was known before; a note says only until then."""
    log = log_of(reorder_policy(2, 20), reorder_policy(8, 20, 2, at(10)), counted("c", at(0), 10), sold("a", at(2)), sold("b", at(11)))
    assert open_orders(replica_of(log[:4]).derived) == {}
    assert open_orders(replica_of(log).derived).keys() == {"MILK"}


def test_what_a_batch_noted_that_was_not_written_is_not_known_to_the_next() -> None:
    """The batch closed a recommendation and noted that all is well; it never came to the log, so the next one must close it."""
    log = log_of(reorder_policy(5, 20), counted("c", at(0), 10), sold("a", at(1), quantity=6), adjusted("e", at(2), 20))
    replica = replica_of(log[:3])
    replica.fold([log[3]], replica.held.get).settle(False)
    replica.apply([log[3]])
    assert open_orders(replica.derived) == {}


def test_what_a_refused_event_noted_is_not_known_to_the_next() -> None:
    """It closed a recommendation and noted that all is well before another of its lines was refused; so the next one must close it."""
    lines = [{"line": 1, "sku": "MILK", "quantity_delta": "20"}]
    lines += [{"line": number, "sku": "RICE", "quantity_delta": "9" * 13} for number in range(2, 7)]
    found = event(STOCK_ADJUSTED, "e", at(2), {"reference": "e", "reason": "found", "lines": lines})
    log = log_of(
        reorder_policy(5, 20),
        counted("c", at(0), 10),
        counted("d", at(0), 10, "RICE"),
        sold("a", at(1), quantity=6),
        found,
        adjusted("g", at(3), 20),
    )
    assert open_orders(replica_of(log).derived) == {}
    assert len(_letters(replica_of(log).derived)) == 1


def test_a_cut_off_that_changes_within_a_run_holds_from_its_time_on() -> None:
    """A sale after the change belongs to another hour of its date than one before it, also where both are folded in one go."""
    later = store_defined(cut_off=5, version=2, effective_from=at(90))
    log = log_of(store_defined(), later, *(sold(f"s{number}", at(30 * number)) for number in range(6)))
    assert replica_of(log).held == replica_of(log, 1).held


def test_a_fact_of_every_store_among_sales_is_refused_alone() -> None:
    """It belongs to no place; the sales of stores around it are folded."""
    nowhere = [sold(f"n{number}", at(5 + number), store=CHAIN_WIDE) for number in range(2)]
    log = log_of(sold("a", at(1)), nowhere[0], sold("b", at(2)), nowhere[1])
    whole = replica_of(log)
    assert [dict(each.headers)["x-source-offset"] for each in _letters(whole.derived)] == [b"1", b"3"]
    assert whole.held == replica_of(log, 1).held
