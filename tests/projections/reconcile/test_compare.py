"""Comparing sums and ids, without any server."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from projections.reconcile.compare import MODULUS, Cell, Digest, Entry, Key, compare_rows, differing_keys, digest, drill_down
from projections.reconcile.covered import ATTENDANCE_DAY, EVENT_INDEX, SALES_MODEL, STOCK_ON_HAND

KEY = Key("S1", "2026-03-02", "sale.completed.v1")
hashes = st.integers(-(2**63), 2**63 - 1)
events = st.dictionaries(st.uuids().map(str), hashes.map(lambda h: Entry(h, "store-facts-v1/0/1")), max_size=6)


@given(first=events)
def test_the_same_events_make_no_difference(first: dict[str, Entry]) -> None:
    """Equal on both sides is equal, in sums and in ids."""
    sums = {KEY: digest(entry.event_hash for entry in first.values())}

    assert differing_keys(sums, dict(sums)) == []
    assert list(drill_down("sales", KEY, first, dict(first), {})) == []


@given(first=events.filter(bool), data=st.data())
def test_any_single_damage_is_seen_in_the_sums_and_named(first: dict[str, Entry], data: st.DataObject) -> None:
    """A lost event, one too many or one changed bit: the sums differ and the drill-down names exactly that id."""
    victim = data.draw(st.sampled_from(sorted(first)))
    damaged = dict(first)
    kind = data.draw(st.sampled_from(["missing", "extra", "other_content"]))
    if kind == "missing":
        del damaged[victim]
    elif kind == "extra":
        victim = "extra"
        damaged[victim] = Entry(0, "position 9")
    else:
        damaged[victim] = Entry(first[victim].event_hash ^ 1, "position 1")
    expected, found = ({KEY: digest(entry.event_hash for entry in side.values())} for side in (first, damaged))

    assert differing_keys(expected, found) == [KEY]
    assert [(d.kind, d.event_id) for d in drill_down("sales", KEY, first, damaged, {})] == [(kind, victim)]


@given(values=st.lists(hashes))
def test_sums_are_those_of_an_engine_that_adds_in_64_bits(values: list[int]) -> None:
    """Whatever the order, and however far they overflow."""
    wrapped = 0
    for value in values:
        wrapped = (wrapped + value + 2**63) % MODULUS - 2**63

    assert digest(reversed(values)) == Digest(len(values), wrapped % MODULUS)


def test_a_key_that_one_side_lacks_is_a_difference() -> None:
    """Nothing at all must not pass for equal."""
    assert differing_keys({KEY: Digest(1, 5)}, {}) == [KEY]
    assert differing_keys({}, {KEY: Digest(1, 5)}) == [KEY]


def test_a_dead_letter_explains_only_the_event_whose_first_record_it_is() -> None:
    """A later conflicting record of the same id is a dead letter too, and explains nothing."""
    expected = {"a": Entry(1, "store-facts-v1/0/4"), "b": Entry(2, "store-facts-v1/0/5")}
    letters = {"store-facts-v1/0/4": "dead letter (unreadable, open)", "store-facts-v1/0/9": "dead letter (conflicting_duplicate, open)"}

    assert [(d.event_id, d.explained) for d in drill_down("sales", KEY, expected, {}, letters)] == [
        ("a", "dead letter (unreadable, open)"),
        ("b", None),
    ]


def test_models_answer_for_their_own_types_and_for_corrections_of_them() -> None:
    """A correction is looked for where its target belongs; the index knows corrections only as such."""
    of_sale, of_punch = (KEY._replace(event_type=f"event.corrected.v1:{kind}") for kind in ("sale.voided.v1", "clock.in.v1"))

    assert [model.covers(of_sale) for model in (SALES_MODEL, STOCK_ON_HAND, ATTENDANCE_DAY, EVENT_INDEX)] == [True, True, False, True]
    assert [model.covers(of_punch) for model in (SALES_MODEL, STOCK_ON_HAND, ATTENDANCE_DAY, EVENT_INDEX)] == [False, False, True, True]
    assert EVENT_INDEX.key(of_sale).event_type == "event.corrected.v1"
    assert SALES_MODEL.key(of_sale) == of_sale


def test_rows_differ_by_column_or_as_a_whole() -> None:
    """Equal rows say nothing; a column is named with both values, a row that one side lacks by its key."""
    stored: list[dict[str, Any]] = [
        {"store_id": "A", "sku": "1", "on_hand": 5, "note": None},
        {"store_id": "A", "sku": "2", "on_hand": 7, "note": "x"},
        {"store_id": "A", "sku": "3", "on_hand": 9, "note": None},
    ]
    expected = [stored[0], {**stored[1], "on_hand": 8, "note": None}, {"store_id": "B", "sku": "3", "on_hand": 9, "note": None}]
    found = [(d.kind, d.key.store_id, d.cell) for d in compare_rows("stock", "stock", ("store_id", "sku"), stored, expected)]

    row = {"store_id": "A", "sku": "2"}
    assert found[:2] == [
        ("row_differs", "A", Cell("stock", row, "on_hand", "7", "8")),
        ("row_differs", "A", Cell("stock", row, "note", "x", "None")),
    ]
    assert [(kind, store) for kind, store, _ in found[2:]] == [("row_extra", "A"), ("row_missing", "B")]
