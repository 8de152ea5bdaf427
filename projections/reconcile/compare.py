"""Compare what the log holds with what a read model holds: sums per store, business date and type, ids, rows. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias

MODULUS: Final = 2**64
"""Sums of hashes are compared modulo this, which is how a 64-bit engine adds."""

DifferenceKind: TypeAlias = Literal[
    "missing", "extra", "other_content", "incomplete", "wrong_sum", "unaccounted", "row_missing", "row_extra", "row_differs"
]


class Key(NamedTuple):
    """What sums are taken over; `event_type` of a correction says what it corrects."""

    store_id: str
    business_date: str
    event_type: str


class Digest(NamedTuple):
    """How many distinct ids there are, and the sum of their hashes modulo 2^64."""

    ids: int
    hash_sum: int


def plus(one: Digest, other: Digest) -> Digest:
    """Add up two sums over different ids."""
    return Digest(one.ids + other.ids, (one.hash_sum + other.hash_sum) % MODULUS)


class Sums(NamedTuple):
    """The events of a key: by the hashes of their content, and by the lower halves of their ids."""

    by_hash: Digest
    by_id: Digest

    def plus(self, other: "Sums") -> "Sums":
        """Add up the sums of different events."""
        return Sums(plus(self.by_hash, other.by_hash), plus(self.by_id, other.by_id))


class Entry(NamedTuple):
    """An event as the log or a model has it: the hash of its content, and where its first record stands."""

    event_hash: int
    place: str


Events: TypeAlias = Mapping[str, Entry]
"""Event id to what is known of it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of a row of a read model, as it is stored and as it is expected; of a row that one side lacks, the whole row."""

    table: str
    row: Mapping[str, str]
    column: str
    stored: str | None
    expected: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One event, or range of the accounts, or row (`cell`), that is not as the log says; `explained` names an innocent cause."""

    model: str
    key: Key
    kind: DifferenceKind
    event_id: str
    detail: str
    explained: str | None = None
    cell: Cell | None = None

    @property
    def level(self) -> int:
        """The level that found it: 1 compares events by their sums, 2 rows."""
        return 1 if self.cell is None else 2


def digest(hashes: Iterable[int]) -> Digest:
    """Sum up the hashes of distinct ids."""
    ids = total = 0
    for event_hash in hashes:
        ids += 1
        total += event_hash
    return Digest(ids, total % MODULUS)


def differing_keys(expected: Mapping[Key, Digest], found: Mapping[Key, Digest]) -> list[Key]:
    """Return every key whose sums differ; a key that one side lacks counts as nothing there."""
    nothing = Digest(0, 0)
    return sorted(key for key in expected.keys() | found.keys() if expected.get(key, nothing) != found.get(key, nothing))


def told_rows(found: int, expected: int, records: int) -> str:
    """Say of an event that is not there as a whole which of its rows are, and whether they are of one record of the log."""
    text = f"rows found: {found}, expected: {expected}"
    return text if records <= 1 else f"{text}; they are of {records} different records"


def drill_down(model: str, key: Key, expected: Events, found: Events, letters: Mapping[str, str]) -> Iterator[Difference]:
    """Name the events of one key that differ.

    `letters` maps the places of the model's dead letters to their reason: an event whose first record is one of
    them is explained, whatever the model has of it since.
    """
    for event_id in sorted(expected.keys() | found.keys()):
        wanted, present = expected.get(event_id), found.get(event_id)
        if wanted is None:
            yield Difference(model, key, "extra", event_id, f"the log has no such event here; the model says {_said(present)}")
        elif present is None:
            yield Difference(model, key, "missing", event_id, f"the log has it at {wanted.place}", letters.get(wanted.place))
        elif present.event_hash != wanted.event_hash:
            detail = f"hash {present.event_hash}, the log has {wanted.event_hash} at {wanted.place}"
            yield Difference(model, key, "other_content", event_id, detail, letters.get(wanted.place))


def compare_rows(
    model: str, table: str, key: Sequence[str], stored: Iterable[Mapping[str, Any]], expected: Iterable[Mapping[str, Any]]
) -> Iterator[Difference]:
    """Name every row of a table that one side lacks, and every column in which a row differs."""
    mine, theirs = ({tuple(row[name] for name in key): row for row in rows} for rows in (stored, expected))
    for identity in sorted(mine.keys() | theirs.keys(), key=str):
        found, wanted = mine.get(identity), theirs.get(identity)
        if found is None or wanted is None:
            one = found or wanted or {}
            kind: DifferenceKind = "row_extra" if wanted is None else "row_missing"
            cell = Cell(table, _named(key, one), "", _whole(found), _whole(wanted))
            yield Difference(model, _place(table, one), kind, str(one.get("event_id", "")), _sentence(kind, cell), cell=cell)
            continue
        for column in found:
            if found[column] != wanted[column]:
                cell = Cell(table, _named(key, found), column, str(found[column]), str(wanted[column]))
                yield Difference(
                    model, _place(table, found), "row_differs", str(found.get("event_id", "")), _sentence("row_differs", cell), cell=cell
                )


def _named(key: Sequence[str], row: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(row[name]) for name in key}


def _whole(row: Mapping[str, Any] | None) -> str | None:
    return None if row is None else ", ".join(f"{name}={value}" for name, value in row.items())


def _place(table: str, row: Mapping[str, Any]) -> Key:
    return Key(str(row.get("store_id", "")), str(row.get("business_date") or ""), table)


def _sentence(kind: DifferenceKind, cell: Cell) -> str:
    row = ", ".join(f"{name}={value}" for name, value in cell.row.items())
    if kind == "row_differs":
        return f"{cell.table} ({row}): {cell.column} is {cell.stored}, the log gives {cell.expected}"
    return f"{cell.table} ({row}): {'the log gives no such row' if kind == 'row_extra' else 'the log gives it, it is not there'}"


def _said(entry: Entry | None) -> str:
    return entry.place if entry is not None else "nothing"
