"""What a draft believes about a file, how sure it is, and what the belief is based on."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Sureness = Literal["sure", "likely", "unsure"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding(Generic[T]):
    """One choice; `basis` is said to the person who checks the draft."""

    value: T
    sureness: Sureness
    basis: str

    def comment(self) -> str:
        """Return what stands beside the choice."""
        return f"{self.sureness}: {self.basis}"


def by_share(share: float, sure_from: float = 0.995, likely_from: float = 0.9) -> Sureness:
    """Turn the share of rows that bear something out into how sure it is."""
    return "sure" if share >= sure_from else "likely" if share >= likely_from else "unsure"


def percent(share: float) -> str:
    """Write a share for people; one that is not whole never reads as 100 %."""
    return "100 %" if share >= 1 else f"{min(share, 0.999):.1%}".replace("%", " %")
