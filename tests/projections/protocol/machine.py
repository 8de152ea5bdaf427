"""The delivery protocol as a state machine: a log that grows, owners that come, die, freeze and wake, people who decide about letters.

After every step the stores are compared with what the log up to the positions should have become. A batch that was written in part
leaves facts ahead of its position; until the position has passed it, nothing is said of the stores of its partition.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.envelope import Event
from contracts.records import OutboundRecord, RawRecord
from contracts.topics import STORE_FACTS
from infra.clock import utc_now
from projections.accounting import check_accounting
from projections.batching import Batch, Part, part_batch
from projections.dead_letters import LetterKey
from projections.letter_decisions import Decision, discard_letter, retry_letter
from tests.projections.protocol.stage import LogInMemory, Partition, Theatre, first_of
from tests.projections.protocol.workers import Ending, Worker
from tests.projections.story import outbound
from tests.waiting import until

_numbers = itertools.count()

sizes = st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(any)
picks = st.integers(0, 1_000)
sides = st.integers(0, 1)


class Delivery(RuleBasedStateMachine):
    """Two partitions and two workers; each example has partitions and stores of its own."""

    theatre: ClassVar[Theatre]

    def __init__(self) -> None:
        super().__init__()
        number = next(_numbers)
        self.subject = self.theatre.subject
        self.partitions = [Partition(Part(STORE_FACTS, 2 * number + side), f"E{number}P{side}") for side in (0, 1)]
        self.names = (f"event {number}" for number in itertools.count())
        self.frozen: Worker | None = None
        self.is_narrow = True
        self.refusable: set[bytes | None] = set()
        self.is_judged = True
        self.is_broken = False
        for worker in self.theatre.workers:
            worker.forgets()

    @initialize(choices=st.lists(st.tuples(sides, picks), min_size=2, max_size=6))
    def begins(self, choices: list[tuple[int, int]]) -> None:
        """A few events, and one owner of everything."""
        for side, choice in choices:
            self.happens(side, choice)
        self._take(self.theatre.workers[0], self.partitions)

    # what comes to the log

    def _tell(self, side: int, event: Event[Any]) -> None:
        partition = self.partitions[side]
        partition.events.append(event)
        partition.append(outbound(event, partition.part.number))

    @rule(side=sides, choice=picks)
    def happens(self, side: int, choice: int) -> None:
        """Something happens in a store, now or late."""
        self._tell(side, self.subject.happening(next(self.names), self.partitions[side].store, choice))

    @rule(side=sides, choice=picks)
    def is_sent_again(self, side: int, choice: int) -> None:
        """A record comes once more, at another offset."""
        partition = self.partitions[side]
        if partition.log:
            found = partition.log[choice % len(partition.log)]
            partition.append(OutboundRecord(found.topic, found.key or b"", found.value or b"", found.headers, found.partition))

    @rule(side=sides, choice=picks)
    def is_contradicted(self, side: int, choice: int) -> None:
        """The identity of an event comes again with another content."""
        name = f"twice {choice % 3}"
        self._tell(side, self.subject.happening(name, self.partitions[side].store, choice))

    @rule(side=sides, choice=picks, is_right=st.booleans())
    def is_corrected(self, side: int, choice: int, is_right: bool) -> None:
        """An event or a correction is corrected."""
        events = self.partitions[side].events
        if events:
            self._tell(side, self.subject.correction(next(self.names), events[choice % len(events)], is_right))

    @rule(side=sides)
    def is_unreadable(self, side: int) -> None:
        """A record comes that nobody can read."""
        partition = self.partitions[side]
        like = self.subject.happening(next(self.names), partition.store, 2)
        partition.append(outbound(like, partition.part.number), b"{nothing")

    @rule(side=sides)
    def is_refused(self, side: int) -> None:
        """A record comes that the store does not take for now."""
        self._tell(side, self.subject.refused(next(self.names), self.partitions[side].store))
        self.refusable.add(self.partitions[side].log[-1].value)

    # who owns, and how a batch ends

    def _take(self, worker: Worker, partitions: Sequence[Partition]) -> None:
        worker.takes([each.part for each in partitions])
        for each in partitions:
            each.owner = worker
            self._agree("the position differs", worker.claims[each.part].next_offset, each.position)

    def _awake(self, number: int) -> Worker:
        """Return a worker, or the other one while it stands still."""
        worker = self.theatre.workers[number]
        return self.theatre.workers[1 - number] if worker is self.frozen else worker

    def _batch(self, worker: Worker, limits: Sequence[int]) -> Batch | None:
        parts = []
        for each, limit in zip(self.partitions, limits, strict=True):
            owned = worker.claims.get(each.part)
            records = each.log[owned.next_offset :][:limit] if owned is not None else []
            if owned is not None and records:
                parts.append(part_batch(each.part, owned.epoch, owned.next_offset, records))
        return Batch(self.subject.projection, 1, tuple(parts)) if parts else None

    def _of(self, batch: Batch) -> Iterator[tuple[Partition, int]]:
        ends = {part.part: part.next for part in batch.parts}
        return ((each, ends[each.part]) for each in self.partitions if each.part in ends)

    def _owns(self, worker: Worker, batch: Batch) -> bool:
        return all(each.owner is worker for each, _ in self._of(batch))

    def _ended(self, batch: Batch, ending: Ending, is_owner: bool, point: str | None = None) -> None:
        """Note what became of a batch; only the newest owner may have gone on."""
        self.is_judged = False
        if ending == "applied":
            self._must(is_owner, "an earlier owner went on")
        elif ending == "displaced":
            self._must(not is_owner, "the owner was displaced by nobody")
        if ending == "applied" or (ending == "died" and point in self.subject.commits_before):
            for each, end in self._of(batch):
                each.position = end
        elif ending in {"died", "frozen"}:
            for each, end in self._of(batch):
                each.written_until = max(each.written_until, end)

    @rule(number=sides, which=st.sampled_from([(0,), (1,), (0, 1)]), leaves=st.booleans())
    def takes_over(self, number: int, which: tuple[int, ...], leaves: bool) -> None:
        """Partitions go to a worker; who had them knows, or does not."""
        worker, partitions = self._awake(number), [self.partitions[side] for side in which]
        for other in self.theatre.workers:
            for each in partitions:
                if leaves and other is not worker and other is not self.frozen:
                    other.claims.pop(each.part, None)
        self._take(worker, partitions)

    @rule(number=sides, limits=sizes)
    def applies(self, number: int, limits: tuple[int, int]) -> None:
        """A worker applies what it read, whether or not it still owns it."""
        worker = self._awake(number)
        if (batch := self._batch(worker, limits)) is not None:
            self._ended(batch, worker.applies(batch), self._owns(worker, batch))

    @rule(number=sides, limits=sizes)
    def does_not_hear_the_answer(self, number: int, limits: tuple[int, int]) -> None:
        """A batch is applied, the answer is lost, and the same batch is tried again."""
        worker = self._awake(number)
        if (batch := self._batch(worker, limits)) is not None and self._owns(worker, batch):
            self._ended(batch, worker.applies(batch), is_owner=True)
            self._must(worker.applies(batch) == "displaced", "the same batch was applied twice")

    @rule(number=sides, limits=sizes, choice=picks)
    def dies(self, number: int, limits: tuple[int, int], choice: int) -> None:
        """A worker ends within a batch, or behind it before the broker heard of it."""
        worker = self._awake(number)
        points = (*self.subject.dies_at, None)
        if (batch := self._batch(worker, limits)) is not None:
            is_owner, point = self._owns(worker, batch), points[choice % len(points)]
            self._ended(batch, worker.applies(batch, point), is_owner, point)
            worker.forgets()

    @precondition(lambda self: self.frozen is None and len(self.subject.freezes_at) > 1)
    @rule(number=sides, limits=sizes, choice=picks)
    def freezes(self, number: int, limits: tuple[int, int], choice: int) -> None:
        """A worker stands still within a batch; the other one goes on."""
        worker, point = self.theatre.workers[number], self.subject.freezes_at[choice % len(self.subject.freezes_at)]
        if (batch := self._batch(worker, limits)) is not None:
            is_owner = self._owns(worker, batch)
            ending = worker.applies(batch, point, freezes=True)
            self._ended(batch, ending, is_owner)
            self.frozen = worker if ending == "frozen" else None

    @precondition(lambda self: self.frozen is not None)
    @rule()
    def wakes(self) -> None:
        """It goes on with its batch, beside whoever has taken over."""
        worker, self.frozen = self.frozen, None
        assert worker is not None
        batch = worker.last
        assert batch is not None
        is_owner = self._owns(worker, batch)
        self._ended(batch, worker.wakes(), is_owner)

    @precondition(lambda self: self.frozen is None and len(self.subject.freezes_at) == 1)
    @rule(number=sides, limits=sizes)
    def is_waited_for(self, number: int, limits: tuple[int, int]) -> None:
        """Partitions are taken while their batch is about to be committed: the next owner begins behind it."""
        worker, other = self.theatre.workers[number], self.theatre.workers[1 - number]
        batch = self._batch(worker, limits)
        if batch is None or not self._owns(worker, batch):
            return
        assert worker.applies(batch, self.subject.freezes_at[0], freezes=True) == "frozen"
        taking = other.taking([part.part for part in batch.parts])
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        until(lambda: self.theatre.postgres.execute(waiting).fetchone() == (1,), 30, "the next owner waits")
        self._ended(batch, worker.wakes(), is_owner=True)
        other.claims |= taking.result(10)
        for each, end in self._of(batch):
            each.owner = other
            self._agree("the next owner begins elsewhere", other.claims[each.part].next_offset, end)

    # what people do

    def _letters(self) -> dict[tuple[int, int], str]:
        """Return the letters: partition and offset to disposition."""
        numbers = [each.part.number for each in self.partitions]
        statement = "SELECT part, record_offset, disposition FROM delivery.dead_letters WHERE projection = %s AND part = ANY(%s)"
        return {(row[0], row[1]): row[2] for row in self.theatre.postgres.execute(statement, [self.subject.projection, numbers])}

    def _decidable(self, choice: int) -> LetterKey | None:
        found = sorted(at for at, disposition in self._letters().items() if disposition in {"open", "retried"})
        return LetterKey(self.subject.projection, STORE_FACTS, *found[choice % len(found)]) if found else None

    @rule(choice=picks)
    def is_retried(self, choice: int) -> None:
        """A letter is sent again."""
        if (key := self._decidable(choice)) is not None:
            self.theatre.judge.ask(lambda engine: retry_letter(engine, LogInMemory(self.partitions), key))

    @rule(choice=picks)
    def is_discarded(self, choice: int) -> None:
        """A letter is discarded, whatever became of its retries so far; a worker that wakes with one takes out what it writes."""
        if (key := self._decidable(choice)) is not None:
            decision = Decision("a test receipt", "kim", utc_now())
            self.theatre.judge.ask(lambda engine: discard_letter(engine, key, decision))

    @precondition(lambda self: self.frozen is None and len(self.subject.freezes_at) > 1)
    @rule(side=sides, choice=picks)
    def is_discarded_under_a_worker_that_stands_still(self, side: int, choice: int) -> None:
        """A worker is about to write the retry of a letter; the letter is discarded, another worker goes on, and the first one wakes."""
        partition, (worker, other) = self.partitions[side], self.theatre.workers
        key = self._refused_letter(partition, choice)
        if key is None:
            return
        if self.is_narrow:
            self.is_mended()
        self._take(worker, [partition])
        self._applies_all(worker, side)
        self.theatre.judge.ask(lambda engine: retry_letter(engine, LogInMemory(self.partitions), key))
        batch, point = self._batch(worker, self._only(side)), self.subject.freezes_at[choice % len(self.subject.freezes_at)]
        assert batch is not None
        self._ended(batch, worker.applies(batch, point, freezes=True), is_owner=True)
        decision = Decision("a test receipt", "kim", utc_now())
        self.theatre.judge.ask(lambda engine: discard_letter(engine, key, decision))
        self._take(other, [partition])
        self._applies_all(other, side)
        self._ended(batch, worker.wakes(), is_owner=False)

    def _refused_letter(self, partition: Partition, choice: int) -> LetterKey | None:
        """Choose a letter about a record that the store takes once it is mended."""
        found = sorted(
            offset
            for (number, offset), disposition in self._letters().items()
            if number == partition.part.number and disposition in {"open", "retried"} and partition.log[offset].value in self.refusable
        )
        return LetterKey(self.subject.projection, *partition.part, found[choice % len(found)]) if found else None

    def _only(self, side: int) -> tuple[int, ...]:
        """Return limits of a batch: all of one partition, and nothing of the other."""
        return tuple(len(each.log) if number == side else 0 for number, each in enumerate(self.partitions))

    def _applies_all(self, worker: Worker, side: int) -> None:
        if (batch := self._batch(worker, self._only(side))) is not None:
            self._ended(batch, worker.applies(batch), is_owner=True)

    @precondition(lambda self: self.is_narrow and self.frozen is None)
    @rule()
    def is_mended(self) -> None:
        """The store takes from now on what it refused."""
        self.is_narrow = False
        self.subject.narrow(False)

    # what must hold

    @invariant()
    def the_stores_say_what_the_log_says(self) -> None:
        """Accounts tile, letters are of what cannot be applied, each other event counts once, and the figures are theirs."""
        if self.is_judged:
            return
        self.is_judged = True
        letters = self._letters()
        self._check_accounts(letters)
        self._check_letters(letters)
        certain = [each for each in self.partitions if each.is_certain]
        for each in certain:
            records = self._effective(each, letters)
            self._agree("the events differ", self.subject.applied([each.store]), first_of(records))
            self._agree("the figures differ", self.subject.found([each.store]), self.subject.expected(records))

    def _must(self, holds: bool, what: str) -> None:
        """Fail; the comparison at the end then says nothing any more, for it would say something else."""
        self.is_broken = not holds
        assert holds, what

    def _agree(self, what: str, found: Any, expected: Any) -> None:
        self._must(found == expected, f"{what}: {found}, not {expected}")

    def _effective(self, partition: Partition, letters: dict[tuple[int, int], str]) -> list[RawRecord]:
        return [each for each in partition.log[: partition.position] if (partition.part.number, each.offset) not in letters]

    def _check_accounts(self, letters: dict[tuple[int, int], str]) -> None:
        rows = {row.part: row for row in self.theatre.judge.ask(check_accounting) if row.projection == self.subject.projection}
        for each in self.partitions:
            row = rows.get(each.part.number)
            if row is None:
                assert each.position == 0
                continue
            effective = self._effective(each, letters)
            events = len(first_of(effective))
            self._agree("the accounts do not tile", (row.problem, row.next_offset), (None, each.position))
            self._agree("the accounts differ", (row.tally.applied, row.tally.repeats), (events, len(effective) - events))

    def _check_letters(self, letters: dict[tuple[int, int], str]) -> None:
        for each in self.partitions:
            dead = {offset for number, offset in letters if number == each.part.number}
            unreadable = {record.offset for record in each.log[: each.position] if record.value == b"{nothing"}
            self._must(unreadable <= dead, "a record that cannot be read is no letter")
            self._must(all(offset < each.position for offset in dead), "a letter is ahead of its position")
            self._must({each.log[offset].value for offset in dead - unreadable} <= self.refusable, "a good record is a letter")

    def teardown(self) -> None:
        """Wake who stands still, let one worker read everything, and compare once more."""
        try:
            if self.is_broken:
                return
            if self.frozen is not None:
                self.wakes()
            self._take(self.theatre.workers[0], self.partitions)
            while (batch := self._batch(self.theatre.workers[0], (7, 7))) is not None:
                self._ended(batch, self.theatre.workers[0].applies(batch), is_owner=True)
            self.is_judged = False
            self.the_stores_say_what_the_log_says()
            self._must(all(each.is_certain for each in self.partitions), "the end was not reached")
        finally:
            if self.frozen is not None:
                self.frozen.wakes()
            if not self.is_narrow:
                self.subject.narrow(True)
            self.theatre.forget([each.part for each in self.partitions])
