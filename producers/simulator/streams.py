"""Where chance comes from: one stream of numbers for each seed and purpose, so that purposes do not disturb each other."""

from hashlib import blake2b
from math import log
from random import Random


def stream(seed: int, *names: object) -> Random:
    """Return the stream of a purpose, such as ("till", store, day); the same in every process."""
    text = "\x1f".join(map(str, (seed, *names)))
    return Random(int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big"))  # noqa: S311 - a simulation, not a secret


def places(rng: Random, chance: float, limit: int) -> list[int]:
    """Return which of `limit` trials succeed, drawing once a success and not once a trial."""
    found: list[int] = []
    if chance <= 0:
        return found
    if chance >= 1:
        return list(range(limit))
    place = -1
    while True:
        place += 1 + int(log(1 - rng.random()) / log(1 - chance))
        if place >= limit:
            return found
        found.append(place)
