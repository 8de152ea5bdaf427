"""The two stages: chains are judged when the slowest partition of stores has spoken."""

from collections.abc import Sequence
from datetime import datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import decode
from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.control import RuleProgressed
from contracts.events.registry import RULE_PROGRESSED, SALE_COMPLETED
from contracts.records import RawRecord
from contracts.topics import ALERTS, CHAIN_OBSERVATIONS, DEAD_LETTERS
from processors.fold import Fold
from processors.outgoing import Outgoing
from processors.policies import POLICY
from processors.rules.rule import Decision, Entity, Happening, Kind, Occurred, Recounted, State, Ticked, View, microseconds, moment_of
from processors.stages import Stage
from processors.state import read_held
from tests.processors.events import at, event, record, sold, tick

PARTITIONS = 3


class Heard(State, frozen=True, array_like=True):
    """Who spoke."""

    stores: tuple[str, ...] = ()


HEARD = Kind("heard", Heard, 1, 0)


class Listener:
    """A rule that notes when it was called by the clock, and what it knew then."""

    name = "listener"
    event_types = frozenset({SALE_COMPLETED})
    kinds: tuple[Kind, ...] = (HEARD,)

    def __init__(self) -> None:
        self.looks: list[tuple[str, datetime | None, tuple[str, ...]]] = []

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:  # noqa: ARG002
        """One state a chain."""
        return [Entity(HEARD, "all")]

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:  # noqa: ARG002
        """Wait for the sixtieth minute."""
        known = state if isinstance(state, Heard) else Heard()
        if isinstance(happening, Ticked):
            self.looks.append((view.store_id, view.clock, known.stores))
            return Decision(known)
        assert isinstance(happening, Occurred)
        return Decision(Heard((*known.stores, happening.event.store_id)), due_at=microseconds(at(60)))


def progress(partition: int, minutes: int) -> Event[Any]:
    """Report where a partition of the stores' stage stands."""
    data = RuleProgressed(partition=partition, next_offset=minutes, clock=at(minutes), partitions=PARTITIONS, time="simulated")
    return event(RULE_PROGRESSED, f"{partition}/{minutes}", at(minutes), data.model_dump(mode="json"), CHAIN_WIDE)


def looks(story: Sequence[Event[Any]]) -> list[tuple[str, datetime | None, tuple[str, ...]]]:
    """Fold a story of the chains' stage and return when its rule was called by the clock."""
    rule, held = Listener(), dict[str, bytes]()
    fold = Fold((rule,), stage=Stage("chains", PARTITIONS))
    for offset, each in enumerate(story):
        folded = fold([record(each, offset)], held.get)
        for stage in folded.stages:
            held.update(stage)
        folded.settle(True)
    return rule.looks


@given(st.permutations([(0, 60), (1, 75), (2, 90), (0, 30), (1, 10)]))
def test_the_clock_of_chains_stands_where_the_slowest_partition_stands(order: list[tuple[int, int]]) -> None:
    """Whatever the order of reports, a look comes once, when every partition has passed the time, and every store is in it."""
    story = [sold("a", at(1), store="S1"), sold("b", at(2), store="S2"), *(progress(*each) for each in order)]
    ((chain, clock, stores),) = looks(story)
    assert (chain, clock, stores) == ("shop-chain", at(60), ("S1", "S2"))


def test_a_partition_that_was_not_heard_of_holds_the_clock() -> None:
    """Silence of a partition is not progress."""
    assert looks([sold("a", at(1)), progress(0, 90), progress(1, 90)]) == []


def test_a_batch_with_a_tick_tells_the_alerts_and_every_partition_of_the_next_stage() -> None:
    """What a partition has applied is said where it is waited for, behind what it derived."""
    fold = Fold((), stage=Stage("stores", PARTITIONS, PARTITIONS))
    told = fold([record(tick(at(5), 1), 7, partition=1)], {}.get).progress
    assert [(each.topic, each.partition) for each in told] == [(ALERTS, 1), *((CHAIN_OBSERVATIONS, n) for n in range(PARTITIONS))]
    assert {_data(each) for each in told} == {
        RuleProgressed(partition=1, next_offset=8, clock=at(5), partitions=PARTITIONS, time="simulated")
    }


def test_the_last_stage_tells_the_alerts_alone() -> None:
    """Progress of the chains carries its stage, so that nobody takes it for that of the stores."""
    fold = Fold((), stage=Stage("chains", PARTITIONS))
    (told,) = fold([record(progress(n, 5), n) for n in range(PARTITIONS)], {}.get).progress
    assert (told.topic, _data(told).stage, _data(told).clock) == (ALERTS, "chains", at(5))


def _data(told: Outgoing) -> RuleProgressed:
    data = decode(RawRecord(told.topic, told.partition or 0, 0, 0, told.key, told.value, told.headers)).data
    assert isinstance(data, RuleProgressed)
    return data.model_copy(update={"clock": moment_of(microseconds(data.clock))})


class Stumbler(Listener):
    """A rule that cannot look at the state of one store."""

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Fail where the clock calls for the first store."""
        if isinstance(happening, Ticked) and view.store_id == "S1":
            raise ValueError("a state that nobody foresaw")
        return super().decide(entity, state, happening, view)


def test_a_state_that_cannot_be_looked_at_holds_up_neither_the_clock_nor_its_neighbours() -> None:
    """It is dead-lettered by name once, and left alone until its next event."""
    rule, held = Stumbler(), dict[str, bytes]()
    fold = Fold((rule,))
    letters = []
    for offset, each in enumerate([sold("a", at(1), store="S1"), sold("b", at(2), store="S2"), tick(at(61)), tick(at(62))]):
        folded = fold([record(each, offset)], held.get)
        letters += [out for out in folded.derived if out.topic == DEAD_LETTERS]
        for stage in folded.stages:
            held.update(stage)
        folded.settle(True)
    assert [store for store, _, _ in rule.looks] == ["S2"]
    (letter,) = letters
    assert b"S1|heard|all" in dict(letter.headers)["x-detail"]


class Slip(Listener):
    """A rule whose program fails at the first look, as memory may, and not at the second."""

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Note the look, and fail once."""
        decision = super().decide(entity, state, happening, view)
        if len(self.looks) == 1:
            raise MemoryError
        return decision


def test_what_was_due_in_a_batch_that_failed_is_due_when_it_is_folded_again() -> None:
    """A failure of the program or the machine ends the batch, and not the looks that the batch had begun."""
    rule, held = Slip(), dict[str, bytes]()
    fold = Fold((rule,))
    first = fold([record(sold("a", at(1)), 0)], held.get)
    for stage in first.stages:
        held.update(stage)
    first.settle(True)
    with pytest.raises(MemoryError):
        fold([record(tick(at(61)), 1)], held.get)
    fold([record(tick(at(61)), 1)], held.get)
    assert [store for store, _, _ in rule.looks] == ["S1", "S1"]


def _course(log: Sequence[RawRecord], crash: tuple[int, int, int] | None) -> tuple[dict[str, bytes], list[Outgoing]]:
    """Fold a log in batches of two; the batch at an offset is lost but for so many states, and reading begins again at another."""
    held, derived, position = dict[str, bytes](), list[Outgoing](), 0
    fold = Fold((Stumbler(),))
    while position < len(log):
        folded = fold(log[position : position + 2], held.get)
        derived += folded.derived
        states = [state for stage in folded.stages for state in stage.items()]
        if crash is not None and position >= crash[0]:
            held.update(states[: crash[1]])
            position, crash, fold = min(crash[2], position), None, Fold((Stumbler(),))
            fold.index.rebuild(held, dict.fromkeys(held, 0))
        else:
            held.update(states)
            folded.settle(True)
            position += 2
    return {key: read_held(value).body for key, value in held.items()}, derived


def test_looks_that_fail_leave_the_same_after_a_crash_between_any_two_states() -> None:
    """What could not be looked at is left alone once more, what could be is looked at once, and the clock stands where it stood."""
    story = [
        sold("a", at(1), store="S1"),
        sold("b", at(2), store="S2"),
        tick(at(61)),
        sold("c", at(3), store="S1"),
        tick(at(62)),
        tick(at(63)),
    ]
    log = [record(each, offset) for offset, each in enumerate(story)]
    states, derived = _course(log, None)
    for crash in product((0, 2, 4), range(6), (0, 1, 2, 3, 4)):
        again, heard = _course(log, crash)
        assert (crash, again) == (crash, states)
        assert {str(each) for each in heard} == {str(each) for each in derived}


def test_a_state_of_a_rule_is_written_before_what_every_rule_reads() -> None:
    """A kind that is written behind policies would find those of the future after a crash: no fold begins with one."""
    late = Listener()
    late.kinds = (Kind("heard", Heard, 1, POLICY.level),)
    with pytest.raises(ValueError, match="heard"):
        Fold((late,))
