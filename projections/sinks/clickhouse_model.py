"""What a ClickHouse read model owes the sink: prepare, insert, sum again, each repeatable; and how it judges a record."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from clickhouse_connect.driver.asyncclient import AsyncClient

from contracts.records import LogRecord
from projections.batching import Covers, Outcome
from projections.sinks.clickhouse_table import ClickHouseTable
from projections.sinks.seen_ids import SeenIds

EventKey: TypeAlias = tuple[str, bytes]
"""Identity of an event: its store, and the sixteen bytes of its id."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a record that was not applied; reason and detail say why it is a dead letter."""

    outcome: Outcome
    reason: str = ""
    detail: str = ""


REPEAT: Final = Judgement(Outcome.REPEAT)
FILTERED: Final = Judgement(Outcome.FILTERED)


def dead(reason: str, detail: str) -> Judgement:
    """Judge a record to be a dead letter: its content is wrong, repeating it cannot help."""
    return Judgement(Outcome.DEAD, reason, detail)


def judged(seen: Sequence[object]) -> dict[int, Judgement]:
    """Return the judgements among what was seen, by the record's place in the batch."""
    return {place: each for place, each in enumerate(seen) if isinstance(each, Judgement)}


class CandidateEvent(Protocol):
    """An event that a record holds and that may be written: its place in the batch, its identity, and its position on the log."""

    @property
    def place(self) -> int:
        """Place in the batch."""
        ...

    @property
    def key(self) -> EventKey:
        """Identity of the event."""
        ...

    @property
    def position(self) -> int:
        """Position of the record."""
        ...


Candidate = TypeVar("Candidate", bound=CandidateEvent)


@dataclass(slots=True)
class Candidates(Generic[Candidate]):
    """What is known of each record so far; what is still a candidate has no judgement yet, and a copy of one is a repeat for now."""

    judgements: dict[int, Judgement] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    copies: list[Candidate] = field(default_factory=list)

    def reject(self, reasons: Mapping[int, Judgement]) -> None:
        """Take candidates out, each with its judgement."""
        self.judgements |= reasons
        self.candidates = [candidate for candidate in self.candidates if candidate.place not in reasons]

    def set_copies_aside(self) -> None:
        """Judge candidates to be repeats whose event stands at a lower position of the same batch."""
        if len({candidate.key for candidate in self.candidates}) == len(self.candidates):
            return
        first: dict[Hashable, int] = {}
        for candidate in self.candidates:
            first[candidate.key] = min(candidate.position, first.get(candidate.key, candidate.position))
        self.copies = [candidate for candidate in self.candidates if candidate.position > first[candidate.key]]
        self.reject({copy.place: REPEAT for copy in self.copies})

    def refuse(self, reasons: Mapping[int, str]) -> list[Candidate]:
        """Judge candidates dead that the store refused; return the next copies of their events, which are candidates from now on.

        With a batch that ended between the two, the copy would not have been a repeat of anything.
        """
        refused = {candidate.key for candidate in self.candidates if candidate.place in reasons}
        self.reject({index: dead("refused_by_store", reason) for index, reason in reasons.items()})
        next_copies: dict[Hashable, Candidate] = {}
        for copy in sorted(self.copies, key=lambda copy: copy.position):
            if copy.key in refused:
                next_copies.setdefault(copy.key, copy)
        taken = {copy.place for copy in next_copies.values()}
        self.copies = [copy for copy in self.copies if copy.place not in taken]
        self.judgements = {index: judgement for index, judgement in self.judgements.items() if index not in taken}
        self.candidates += next_copies.values()
        return list(next_copies.values())


class SeenEvents(Generic[Candidate]):
    """The events that were remembered; by their ids alone, which may belong to another store."""

    def __init__(self) -> None:
        self._ids = SeenIds()

    def note(self, candidates: Sequence[Candidate]) -> None:
        """Remember them."""
        self._ids.add([candidate.key[1] for candidate in candidates])

    def among(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return those that may have been seen: the others are new."""
        held = self._ids.may_hold([candidate.key[1] for candidate in candidates])
        return [candidate for candidate, is_held in zip(candidates, held, strict=True) if is_held]


class JudgedBatch(Protocol):
    """A batch in work: a record that has no judgement in the end was applied."""

    @property
    def judgements(self) -> dict[int, Judgement]:
        """Judgements by the record's place in the batch."""
        ...


Seen = TypeVar("Seen")
"""What a model makes of one record that it can write."""
Work = TypeVar("Work", bound=JudgedBatch)


class ClickHouseModel(Protocol[Seen, Work]):
    """A read model in ClickHouse. Every step may run again with the same records, in this or in another process."""

    @property
    def mapping_version(self) -> int:
        """Version of the mapping that fills a generation."""
        ...

    @property
    def covers(self) -> Covers:
        """Which records of which topics it takes."""
        ...

    @property
    def tables(self) -> Sequence[ClickHouseTable]:
        """Tables whose rows must replace."""
        ...

    def connect(self, client: AsyncClient) -> None:
        """Give it the connection it works with."""
        ...

    async def withdraw(self, seen: Sequence[Seen | Judgement], version: int) -> None:
        """Take out what an owner that died wrote of records that a person has discarded since; sums that follow have the version."""
        ...

    def read(self, first: int, records: Sequence[LogRecord]) -> Sequence[Seen | Judgement]:
        """Read records that follow each other from a place of the batch on, without asking anybody; data errors are judgements."""
        ...

    async def prepare(self, seen: Sequence[Seen | Judgement], is_covered: bool = False) -> Work:
        """Find out what is to be written of the records, in the order of the batch; faults of the store raise.

        `is_covered`: everything before them on the log was remembered by this very model.
        """
        ...

    def remember(self, work: Work) -> None:
        """Take note of work whose positions have advanced; called only while everything before it was remembered too."""
        ...

    async def insert(self, work: Work) -> None:
        """Write the facts; on return all of them are durable but those judged dead."""
        ...

    async def sum_again(self, work: Work, version: int) -> None:
        """Write what follows from the facts; of two writes the one with the higher version stays."""
        ...
