"""How much is sent at once and how long to wait after a failure. Pure: randomness comes in as an argument."""

from collections.abc import Callable
from dataclasses import dataclass, replace

_GREATEST_DOUBLING = 30


@dataclass(frozen=True, slots=True)
class PaceOptions:
    """The size of a batch, and the pauses between attempts (seconds)."""

    batch_events: int = 500
    batch_bytes: int = 900_000
    first_pause: float = 0.5
    longest_pause: float = 30.0
    longest_retry_after: float = 300.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Where the sender stands: failures in a row, and the part of a full batch that it sends."""

    options: PaceOptions
    failures: int = 0
    divisor: int = 1

    @property
    def batch_events(self) -> int:
        """Most events of the next batch."""
        return max(1, self.options.batch_events // self.divisor)

    @property
    def batch_bytes(self) -> int:
        """Most bytes of the next batch; one event is sent whatever its size."""
        return max(1, self.options.batch_bytes // self.divisor)

    def succeeded(self) -> "Pace":
        """Forget failures, and grow towards full batches."""
        return replace(self, failures=0, divisor=max(1, self.divisor // 2))

    def failed(self) -> "Pace":
        """Count a failure."""
        return replace(self, failures=self.failures + 1)

    def smaller(self) -> "Pace":
        """Halve the batch: it was too large, too slow or unreadable as a whole."""
        return replace(self, divisor=min(self.divisor * 2, self.options.batch_events))

    def pause_seconds(self, draw: Callable[[], float], retry_after_seconds: float | None = None) -> float:
        """Return the pause before the next attempt; `draw` gives a number from 0 to 1.

        Exponential with a cap, and at random between half of it and the whole, so that the shops of a chain do not come back
        together. What the centre asks for is the least, up to its own cap.
        """
        doubled = self.options.first_pause * 2.0 ** min(max(self.failures - 1, 0), _GREATEST_DOUBLING)
        pause = min(self.options.longest_pause, doubled) * (0.5 + draw() / 2)
        if retry_after_seconds is None:
            return pause
        return max(pause, min(retry_after_seconds, self.options.longest_retry_after) * (1 + draw() / 5))
