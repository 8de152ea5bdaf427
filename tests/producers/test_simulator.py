"""The simulated chain: the same seed gives the same bytes, ticks come in order, and the ground truth fits the records."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import build_event, encode
from contracts.events.control import Tick
from contracts.events.registry import EVENT_TYPES
from producers.simulator.generate import generate
from producers.simulator.options import SimulationOptions
from producers.simulator.truth import GroundTruth, TruthTally
from producers.simulator.world import SimulatedRecord

SMALL = SimulationOptions(stores=2, days=2, scale=0.05, partitions=3, duplicate_share=0.1)


def digest(options: SimulationOptions) -> str:
    """Hash everything that would reach the log, in order."""
    state = sha256()
    for record in generate(options):
        written = encode(record.event, "t")
        state.update(repr((record.arrival, record.route, record.repeat, written.key, written.headers)).encode() + written.value)
    return state.hexdigest()


def truth_of(records: list[SimulatedRecord]) -> GroundTruth:
    """Tally records."""
    tally = TruthTally()
    for record in records:
        tally.observe(record)
    return tally.result()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 2), st.integers(1, 2))
def test_the_same_seed_gives_the_same_bytes(seed: int, stores: int, days: int) -> None:
    """Nothing but the options decides what happens."""
    options = SimulationOptions(seed=seed, stores=stores, days=days, scale=0.03, partitions=2)

    assert digest(options) == digest(options)
    assert digest(options) != digest(SimulationOptions(seed=seed + 1, stores=stores, days=days, scale=0.03, partitions=2))


def test_another_process_gives_the_same_bytes() -> None:
    """Not even the interpreter's hash seed has a part in it."""
    code = "from tests.producers.test_simulator import SMALL, digest; print(digest(SMALL))"
    runs = [
        subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True)
        for seed in ("1", "2")
    ]

    assert [run.stdout.strip() for run in runs] == [digest(SMALL)] * 2


def test_other_options_never_share_an_event_id() -> None:
    """Two different worlds on one log would otherwise contradict each other under the same ids."""
    other = SimulationOptions(stores=2, days=2, scale=0.06, partitions=3)

    assert not {row.event.id for row in generate(SMALL)} & {row.event.id for row in generate(other)}


def test_the_demo_has_some_of_everything() -> None:
    """The default size is some ten thousand events, and every kind of trouble is in it."""
    records = list(generate(SimulationOptions()))
    truth = truth_of(records)

    assert 9_000 < truth.records < 20_000
    facts = {name for name, declared in EVENT_TYPES.items() if declared.kind in {"fact", "correction", "reference"}}
    assert set(truth.events) == facts
    assert min(truth.duplicates, truth.corrections, truth.late_arrivals, len(truth.no_shows_retracted), len(truth.no_shows_confirmed)) > 0
    assert len(truth.below_reorder_point) > 5


@pytest.mark.parametrize("seed", range(3))
def test_records_come_in_order_of_arrival_with_ticks_before_them(seed: int) -> None:
    """A partition's clock has passed every boundary up to a record's arrival when that record is sent."""
    clock: dict[int, datetime] = {}
    last = None
    for record in generate(SimulationOptions(seed=seed, stores=2, days=2, scale=0.05, partitions=2)):
        if isinstance(record.event.data, Tick):
            tick = record.event.data
            assert tick.time == "simulated"
            assert tick.at - clock.get(tick.partition, tick.at - timedelta(minutes=10)) == timedelta(minutes=10)
            clock[tick.partition] = tick.at
        elif record.route == "facts":
            assert last is None or record.arrival >= last
            assert all(at <= record.arrival < at + timedelta(minutes=10) for at in clock.values())
            last = record.arrival
    assert last is not None
    assert set(clock) == {0, 1}
    assert min(clock.values()) > last


def test_every_event_is_valid_and_repeats_are_the_same_event() -> None:
    """A repeat has the same id and bytes and comes later; nothing else shares an id."""
    seen: dict[object, bytes] = {}
    repeats = Counter[bool]()
    for record in generate(SMALL):
        build_event(record.event.envelope, record.event.data.model_dump(mode="json", exclude_none=True))
        value = encode(record.event, "t").value
        assert (record.event.id in seen) == record.repeat
        assert seen.setdefault(record.event.id, value) == value
        repeats[record.repeat] += 1

    assert repeats[True] == truth_of(list(generate(SMALL))).duplicates > 0


def test_repeats_do_not_change_what_must_come_of_it() -> None:
    """Ground truth counts each event once."""
    records = list(generate(SMALL))

    with_repeats, without = truth_of(records), truth_of([row for row in records if not row.repeat])

    changed = {"records", "duplicates"}
    assert {k: v for k, v in with_repeats.as_json().items() if k not in changed} == {
        k: v for k, v in without.as_json().items() if k not in changed
    }


def test_no_shows_are_told_apart_by_when_a_punch_is_heard_of() -> None:
    """A shift is raised when no punch came by its grace, taken back when one comes, confirmed when none does."""
    records = list(generate(SimulationOptions(stores=3, days=3, scale=0.02)))
    truth = truth_of(records)
    shifts = {row.event.data.shift_id: row.event.data for row in records if row.event.type == "shift.published.v1"}
    heard = defaultdict(list)
    for row in records:
        if row.event.type == "clock.in.v1":
            heard[row.event.data.employee_id, row.event.envelope.business_date].append(row.arrival)

    for name in truth.no_shows_confirmed:
        assert heard[shifts[name].employee_id, shifts[name].starts_at.date()] == []
    for name in truth.no_shows_retracted:
        assert min(heard[shifts[name].employee_id, shifts[name].starts_at.date()]) >= shifts[name].starts_at + timedelta(minutes=25)
    assert set(truth.no_shows_raised) == {*truth.no_shows_confirmed, *truth.no_shows_retracted}
    assert all(shifts[name].status == "planned" for name in truth.no_shows_raised)
