"""What stops a runner for good, what makes it begin again, and what is wrong with one record only."""

from collections.abc import Mapping

from contracts.errors import ContractError, Problem
from projections.batching import Part


class Halted(Exception):
    """A person has to look: going on, or trying again, would hide a loss."""


class AnotherLog(Halted):
    """The positions belong to a log with another id."""

    def __init__(self, known: str, found: str) -> None:
        super().__init__(f"the stores were filled from log {known}, the broker serves log {found}")


class MappingChanged(Halted):
    """A generation was filled by another version of its mapping: it needs a rebuild into a new one."""

    def __init__(self, projection: str, generation: int, known: int, found: int) -> None:
        super().__init__(
            f"generation {generation} of {projection} was made by mapping version {known}, this is version {found}: "
            f"build it anew with `tillstream replay {projection}`"
        )


class GenerationGone(Halted):
    """A generation was dropped: nobody may write to it any more."""

    def __init__(self, projection: str, generation: int) -> None:
        super().__init__(f"generation {generation} of {projection} was dropped")


class RecordMissing(Halted):
    """The log does not hold, or did not return, the record that is next."""


class TooManyDeadLetters(Halted):
    """So many records of one partition cannot be applied that the fault is hardly theirs."""

    def __init__(self, projection: str, part: str, found: int, limit: int, among: int) -> None:
        super().__init__(f"{projection}: {found} open dead letters among the last {among} records of {part}, at most {limit} are allowed")


class LimitPassed(Exception):
    """A batch holds more dead letters than a partition may have: nothing of it was kept, and less of it has to be applied.

    `ends`: of each partition concerned, the offset after the letter that passes the limit.
    """

    def __init__(self, ends: Mapping[Part, int]) -> None:
        super().__init__(", ".join(f"{part.topic}/{part.number} before {end}" for part, end in sorted(ends.items())))
        self.ends = ends


class Unmappable(ContractError):
    """An event that can be read, but not be put into this read model: a data error."""

    def __init__(self, code: str, pointer: str, expected: str) -> None:
        super().__init__([Problem(code, pointer, expected)])


class Unavailable(Exception):
    """A store or the log did not answer, or the outcome is not known: the same batch is tried again."""
