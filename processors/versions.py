"""Versions of something as state: what was said, from when on, and which is in force at a time. Pure."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from processors.rules.rule import State

Row = TypeVar("Row")
_KEPT = 500
_BYTES_KEPT = 384 * 1024
"""One version may list thousands of SKUs; a state that outgrew a record of the log would hold up its partition for good."""


class Version(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One version: from when, which, and its content as canonical JSON."""

    effective_from: int
    number: int
    content: str


class Versions(State, frozen=True, array_like=True):
    """All versions of one thing for one scope, by the time from which they are in force."""

    rows: tuple[Version, ...] = ()


def with_version(known: State | None, row: Version) -> Versions:
    """Add a version; of one number the first recorded stands."""
    rows = known.rows if isinstance(known, Versions) else ()
    if any(each.number == row.number for each in rows):
        return Versions(rows)
    return Versions(latest(tuple(sorted((*rows, row), key=lambda each: (each.effective_from, each.number))[-_KEPT:]), _size))


def size_of(known: Versions) -> int:
    """Return the bytes of all contents."""
    return sum(map(_size, known.rows))


def _size(row: Version) -> int:
    return len(row.content.encode())


def latest(rows: tuple[Row, ...], size: Callable[[Row], int]) -> tuple[Row, ...]:
    """Return as many of the last rows as one state may hold, in their order; the very last one always."""
    first, total = len(rows), 0
    for row in reversed(rows):
        total += size(row)
        if total > _BYTES_KEPT and first < len(rows):
            break
        first -= 1
    return rows[first:]


def in_force(known: State | None, moment: int) -> Version | None:
    """Return the version in force at a time (Unix microseconds)."""
    if isinstance(known, Versions):
        for row in reversed(known.rows):
            if row.effective_from <= moment:
                return row
    return None
