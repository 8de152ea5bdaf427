"""Versions of something as state: what was said, from when on, and which is in force at a time. Pure."""

import msgspec

from processors.rules.rule import State

_KEPT = 500


class Version(msgspec.Struct, frozen=True, array_like=True):
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
    return Versions(tuple(sorted((*rows, row), key=lambda each: (each.effective_from, each.number))[-_KEPT:]))


def in_force(known: State | None, moment: int) -> Version | None:
    """Return the version in force at a time (Unix microseconds)."""
    if isinstance(known, Versions):
        for row in reversed(known.rows):
            if row.effective_from <= moment:
                return row
    return None
