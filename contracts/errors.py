"""Typed errors for what crosses a process boundary and cannot be accepted.

Each carries a stable code, a JSON pointer to the field and what was expected there.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `pointer` is an RFC 6901 JSON pointer ("" is the whole)."""

    code: str
    pointer: str
    expected: str

    def __str__(self) -> str:
        return f"{self.code} at {self.pointer or '/'}: expected {self.expected}"


class ContractError(ValueError):
    """An event or record breaks its contract; `problems` is never empty."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems

    @property
    def code(self) -> str:
        """The first problem's stable code."""
        return self.problems[0].code


class UnreadableRecord(ContractError):
    """A record of the log that the codec cannot turn into an event: a data error, never retried."""
