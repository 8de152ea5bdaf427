"""How setting up and starting tells whoever waits what it is doing."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One line of news; `total` is 0 where the amount of work is not known."""

    subject: str
    detail: str
    done: int = 0
    total: int = 0

    def __str__(self) -> str:
        amount = f" {self.done}/{self.total}" if self.total else ""
        return f"{self.subject}: {self.detail}{amount}"


Progress = Callable[[Step], None]


def silent(_: Step) -> None:
    """Report to nobody."""
