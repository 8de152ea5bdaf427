"""The arithmetic of batches, over any cut of any log."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.registry import CLOCKED_IN, SALE_COMPLETED
from contracts.records import RawRecord
from contracts.topics import STORE_FACTS
from projections.batching import OffsetGap, Outcome, Part, account, grown, part_batch, retry_of, sort_records, source_of
from tests.projections.story import at, punched, record, sold, tick

PART = Part(STORE_FACTS, 0)
COVERS = {STORE_FACTS: frozenset({SALE_COMPLETED})}
KINDS = ("sale", "punch", "tick", "undeclared", "untyped")


def _record(kind: str, offset: int) -> RawRecord:
    good = record({"punch": punched("in", str(offset), at(0)), "tick": tick(at(offset))}.get(kind) or sold(str(offset), at(0)), offset)
    headers = {"undeclared": [("ce_type", b"weather.v1")], "untyped": []}.get(kind, good.headers)
    return RawRecord(good.topic, good.partition, offset, good.timestamp, good.key, good.value, headers)


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=40), st.integers(1, 7), st.integers(0, 1000))
def test_any_cut_of_a_log_is_accounted_for_record_by_record(kinds: list[str], size: int, first: int) -> None:
    """Ranges tile the log, and outcomes add up to what was consumed, wherever the batches end."""
    log = [_record(kind, first + number) for number, kind in enumerate(kinds)]
    expected, rows = first, []
    for begin in range(0, len(log), size):
        batch = part_batch(PART, 1, expected, log[begin : begin + size])
        rows.append(account(batch, sort_records(batch, COVERS), {}))
        expected = batch.next

    assert [row.first for row in rows] == [first, *[row.next for row in rows[:-1]]]
    assert rows[-1].next == first + len(log)
    assert sum(row.tally.consumed for row in rows) == len(log)
    assert sum(row.tally.filtered for row in rows) == kinds.count("punch")
    assert sum(row.tally.control for row in rows) == kinds.count("tick")


@pytest.mark.parametrize("types", [COVERS[STORE_FACTS], None])
def test_retries_are_found_among_what_is_taken(types: frozenset[str] | None) -> None:
    """With what each repeats, in the order of the log; what is not taken is no retry of anybody's, and of two headers the last counts."""
    sale, punch = _record("sale", 0), _record("punch", 0)
    retries = [[("ce_retryof", b"facts/0/7")], [], [("ce_retryof", b"facts/0/seven")], [("ce_retryof", b""), ("ce_retryof", b"facts/1/8")]]
    log = [msgspec.structs.replace(sale, offset=place, headers=[*sale.headers, *more]) for place, more in enumerate(retries)]
    log += [msgspec.structs.replace(punch, offset=len(log), headers=[*punch.headers, ("ce_retryof", b"facts/0/9")])]
    of_sales = [(log[0], ("facts", 0, 7)), (log[3], ("facts", 1, 8))]
    split = sort_records(part_batch(PART, 1, 0, log), {STORE_FACTS: types})

    assert list(split.retries) == (of_sales if types else [*of_sales, (log[4], ("facts", 0, 9))])
    assert (split + split).retries == (*split.retries, *split.retries)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 5))
def test_a_missing_record_is_never_passed_over(before: int, after: int, missing: int) -> None:
    """A gap stops at its first offset, whether at the beginning of a fetch or inside."""
    log = [_record("sale", offset) for offset in [*range(before), *range(before + missing, before + missing + after + 1)]]

    with pytest.raises(OffsetGap) as found:
        part_batch(PART, 1, 0, log)
    assert (found.value.expected, found.value.found) == (before, before + missing)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3))
def test_a_batch_that_grows_is_the_batch_of_all_its_records(before: int, after: int, missing: int) -> None:
    """What is read ahead in pieces is as if it had come at once; a record that is missing between two pieces is missed."""
    log = [_record("sale", offset) for offset in range(5, 5 + before + after)]
    log[0] = msgspec.structs.replace(log[0], timestamp=log[0].timestamp + 60_000)
    first = part_batch(PART, 1, 5, log[:before])

    assert grown(first, log[before:]) == part_batch(PART, 1, 5, log)
    with pytest.raises(OffsetGap):
        grown(first, [_record("sale", 5 + before + missing)])


def test_what_nobody_declared_is_taken_so_that_it_can_be_refused() -> None:
    """A record without a known type is never filtered away in silence."""
    batch = part_batch(PART, 1, 0, [_record("undeclared", 0), _record("untyped", 1), _record("punch", 2)])

    assert [each.offset for each in sort_records(batch, COVERS).taken] == [0, 1]
    assert sort_records(batch, {STORE_FACTS: frozenset({CLOCKED_IN})}).filtered == 0
    assert len(sort_records(batch, {STORE_FACTS: None}).taken) == 3


def test_each_outcome_has_its_own_column() -> None:
    """Repeats, dead letters and what does not concern the model are told apart."""
    log = [_record("sale", offset) for offset in range(4)]
    batch = part_batch(PART, 1, 0, log)
    outcomes = {source_of(log[1]): Outcome.REPEAT, source_of(log[2]): Outcome.DEAD, source_of(log[3]): Outcome.FILTERED}

    tally = account(batch, sort_records(batch, COVERS), outcomes).tally

    assert (tally.applied, tally.repeats, tally.dead, tally.filtered, tally.control) == (1, 1, 1, 1, 0)


@given(st.text(max_size=30))
def test_a_malformed_retry_header_names_nothing(text: str) -> None:
    """Whatever a header holds, it is a source of three parts or it is none."""
    found = retry_of(RawRecord("t", 0, 0, 0, None, None, [("ce_retryof", text.encode())]))

    assert found is None or str(found).rsplit("/", 2)[0] == text.rsplit("/", 2)[0]
