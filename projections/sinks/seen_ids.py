"""What this process has applied of a log since its first record: then an event that it has not seen is new, and nobody need be asked.

It keeps no ids but bits of them, in a fixed amount of memory: some events that are new look as if they had been seen, and are
looked up; none that was seen looks new.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from projections.batching import Batch, Part

_BITS_LOG2: Final = 27
_PROBES: Final = 5
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_OTHER: Final = np.uint64(0xBF58476D1CE4E5B9)
_HALF: Final = np.uint64(32)
"""Ids need not be random: those of an odd source may be counted through."""


class SeenIds:
    """A set of ids of sixteen bytes that may hold more than was put into it; 16 MiB, 1 in 300 wrongly held at ten million ids."""

    def __init__(self) -> None:
        self._bits = np.zeros(1 << (_BITS_LOG2 - 3), np.uint8)

    def add(self, ids: Sequence[bytes]) -> None:
        """Put ids in."""
        for places in self._places(ids):
            np.bitwise_or.at(self._bits, places >> np.uint64(3), _bit_of(places))

    def may_hold(self, ids: Sequence[bytes]) -> npt.NDArray[np.bool_]:
        """Tell of each id whether it may be there; False is certain."""
        found = np.ones(len(ids), np.bool_)
        for places in self._places(ids):
            found &= (self._bits[places >> np.uint64(3)] & _bit_of(places)) != 0
        return found

    def _places(self, ids: Sequence[bytes]) -> list[npt.NDArray[np.uint64]]:
        halves: npt.NDArray[np.uint64] = np.frombuffer(b"".join(ids), np.uint64).reshape(-1, 2)
        mixed = np.multiply(halves[:, 0], _MIX) + np.multiply(halves[:, 1] ^ (halves[:, 1] >> _HALF), _OTHER)
        mixed = np.multiply(mixed ^ (mixed >> _HALF), _MIX)
        mixed ^= mixed >> _HALF
        step = (mixed * _OTHER) | np.uint64(1)
        return [(mixed + np.uint64(number) * step) >> np.uint64(64 - _BITS_LOG2) for number in range(_PROBES)]


def _bit_of(places: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (places & np.uint64(7)).astype(np.uint8))


class FromTheFirst:
    """Which partitions this process has applied without a gap from their first record, under one ownership."""

    def __init__(self) -> None:
        self._reached: dict[tuple[Part, int], int] = {}

    def covers(self, batch: Batch) -> bool:
        """Tell whether everything before a batch was applied here."""
        return all(part.first == self._reached.get((part.part, part.epoch), 0) for part in batch.parts)

    def applied(self, batch: Batch) -> None:
        """Note a batch that was covered, once its positions have advanced."""
        self._reached |= {(part.part, part.epoch): part.next for part in batch.parts}
