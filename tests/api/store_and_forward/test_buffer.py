"""The buffer against a plain list: whatever is put, taken, removed, refused and put back, in whatever order, and after a restart."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from api.store_and_forward.buffer import Buffer, BufferFull, Placed, Room, Waiting
from api.store_and_forward.database import BufferMissing, open_durable, open_existing
from api.store_and_forward.items import Item
from api.store_and_forward.overview import read_overview, read_refusals

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
PLENTY = Room(max_bytes=10**9, min_free_bytes=0, free_bytes=lambda: 10**12)
PROBLEMS = [{"code": "missing", "pointer": "/data", "expected": "Field required"}]
EVER = 10**6


def opened(directory: Path, room: Room = PLENTY, remembered: int = EVER, kind: type[Buffer] = Buffer) -> Buffer:
    """Open a buffer without anything around it."""
    return kind(open_durable(directory), room, remembered)


@contextmanager
def closing_buffer(directory: Path, room: Room = PLENTY, remembered: int = EVER) -> Iterator[Buffer]:
    """Open a buffer while the body runs, with a transaction around it."""
    buffer = opened(directory, room, remembered)
    try:
        with buffer.transaction():
            yield buffer
    finally:
        buffer.close()


def item(name: object, content: str = "x") -> Item:
    """Make an item."""
    return Item(str(name), f'{{"id":"{name}","type":"t","data":"{content}"}}'.encode())


class Undone(Exception):
    """A transaction failed."""


class NewestFirst(Buffer):
    """A buffer that does not keep the order."""

    def oldest(self, most_items: int, most_bytes: int) -> list[Waiting]:
        """Return the wrong end first."""
        return super().oldest(most_items, most_bytes)[::-1]


@dataclass
class Entry:
    """What the model knows of an id."""

    sequence: int
    item: Item
    state: str = "waiting"


names = st.integers(0, 12)
batches = st.lists(st.tuples(names, st.sampled_from(["x", "y"])), min_size=1, max_size=4)


class AgainstAList(RuleBasedStateMachine):
    """Runs the same steps on a buffer and on a dictionary of entries."""

    kind: type[Buffer] = Buffer

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.buffer = opened(Path(self.folder.name), kind=self.kind)
        self.entries: dict[str, Entry] = {}

    def teardown(self) -> None:
        """Close everything."""
        self.buffer.close()
        self.folder.cleanup()

    def waiting(self) -> list[Entry]:
        """Return what must wait, in order."""
        return sorted((entry for entry in self.entries.values() if entry.state == "waiting"), key=lambda entry: entry.sequence)

    def expected(self, new: Item) -> Placed:
        """Say what must become of an item, and note it."""
        entry = self.entries.get(new.id)
        if entry is None:
            entry = self.entries[new.id] = Entry(len(self.entries) + 1, new)
            return Placed("buffered", entry.sequence)
        return Placed("duplicate" if entry.item == new else "conflict", entry.sequence)

    @rule(rows=batches, is_undone=st.booleans())
    def put(self, rows, is_undone):
        """Put items; an undone transaction leaves nothing behind, not even numbers."""
        items = [item(*row) for row in rows]
        if is_undone:
            with pytest.raises(Undone):
                self.put_and_fail(items)
            return
        with self.buffer.transaction():
            placed = self.buffer.put(items, NOW)
        assert placed == [self.expected(new) for new in items]

    def put_and_fail(self, items: list[Item]) -> None:
        """Put items in a transaction that fails at its end."""
        with self.buffer.transaction():
            self.buffer.put(items, NOW)
            raise Undone

    @rule(most=st.integers(1, 5), data=st.data())
    def settle(self, most, data):
        """Take the front and let a centre decide on each."""
        with self.buffer.transaction():
            batch = self.buffer.oldest(most, EVER)
        fates = [data.draw(st.sampled_from(["sent", "refused", "waiting"])) for _ in batch]
        with self.buffer.transaction():
            self.buffer.remove(row.sequence for row, fate in zip(batch, fates, strict=True) if fate == "sent")
            self.buffer.refuse({row.sequence: PROBLEMS for row, fate in zip(batch, fates, strict=True) if fate == "refused"}, NOW)
        for row, fate in zip(batch, fates, strict=True):
            self.entries[row.id].state = fate

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def put_back(self, data):
        """Only what was refused can be put back."""
        entry = data.draw(st.sampled_from(list(self.entries.values())))
        with self.buffer.transaction():
            assert self.buffer.put_back(entry.item.id) == (entry.state == "refused")
        entry.state = "waiting" if entry.state == "refused" else entry.state

    @rule()
    def restart(self):
        """Close and open again."""
        self.buffer.close()
        self.buffer = opened(Path(self.folder.name), kind=self.kind)

    @invariant()
    def the_front_and_the_counts_are_those_of_the_list(self):
        """Order, bytes and what an operator sees."""
        with self.buffer.transaction():
            front = self.buffer.oldest(EVER, EVER)
        assert [(row.sequence, row.id, row.body) for row in front] == [(e.sequence, e.item.id, e.item.body) for e in self.waiting()]
        connection = open_existing(Path(self.folder.name))
        overview, refusals = read_overview(connection, NOW + timedelta(seconds=5)), read_refusals(connection)
        connection.close()
        assert (overview.waiting, overview.oldest_waiting_seconds) == (len(front), 5.0 if front else 0.0)
        assert {row.id for row in refusals} == {e.item.id for e in self.entries.values() if e.state == "refused"}


STEPS = settings(max_examples=25, stateful_step_count=20, deadline=None)


def test_a_buffer_is_a_list():
    """Order, bytes, repeats, counts: after every step those of the model."""
    run_state_machine_as_test(AgainstAList, settings=STEPS)


def test_a_buffer_that_does_not_keep_the_order_is_found():
    """The comparison is able to fail."""

    class Unordered(AgainstAList):
        kind = NewestFirst

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Unordered, settings=settings(STEPS, database=None, print_blob=False, phases=[Phase.generate]))


def test_a_commit_is_flushed_to_the_disk(tmp_path):
    """WAL with FULL: with NORMAL the last commits would not survive a power cut."""
    connection = open_durable(tmp_path / "edge")

    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()


def test_a_batch_is_limited_by_bytes_but_never_empty(tmp_path):
    """An item larger than a batch is sent alone."""
    with closing_buffer(tmp_path / "edge") as buffer:
        buffer.put([item(1, "x" * 1000), item(2), item(3)], NOW)

        assert [row.id for row in buffer.oldest(10, 100)] == ["1"]
        assert [row.id for row in buffer.oldest(2, 5000)] == ["1", "2"]


def test_a_full_buffer_takes_nothing_new_and_keeps_what_is_there(tmp_path):
    """Over its bytes: none of the post is taken; there is room again when the centre has had some."""
    room = Room(max_bytes=200_000, min_free_bytes=0, free_bytes=lambda: 10**12)
    with closing_buffer(tmp_path / "edge", room) as buffer:
        for number in range(12):
            buffer.put([item(number, "x" * 10_000)], NOW)
        with pytest.raises(BufferFull, match="of 200000 bytes are used"):
            buffer.put([item("new", "x" * 60_000), item("too")], NOW)
        assert len(buffer.oldest(100, EVER)) == 12

        buffer.remove(range(1, 8))
        assert [placed.outcome for placed in buffer.put([item("new", "x" * 60_000)], NOW)] == ["buffered"]


def test_a_nearly_full_disk_takes_nothing_new(tmp_path):
    """Room is left to take off the list what was sent."""
    room = Room(max_bytes=10**9, min_free_bytes=1000, free_bytes=lambda: 1010)
    with closing_buffer(tmp_path / "edge", room) as buffer, pytest.raises(BufferFull, match="1010 bytes are free"):
        buffer.put([item(1)], NOW)


def test_old_ids_are_forgotten_but_none_that_waits_or_was_refused(tmp_path):
    """The memory for repeats is bounded; what can still be seen keeps its number."""
    with closing_buffer(tmp_path / "edge", remembered=3) as buffer:
        buffer.put([item(number) for number in range(1, 11)], NOW)
        buffer.refuse({2: PROBLEMS}, NOW)
        buffer.remove([1, *range(3, 10)])

        again = buffer.put([item(1), item(2, "y"), item(9), item(10)], NOW)

    assert [(placed.outcome, placed.sequence) for placed in again] == [
        ("buffered", 11),
        ("conflict", 2),
        ("duplicate", 9),
        ("duplicate", 10),
    ]


def test_a_directory_without_a_buffer_is_not_made_into_one_by_looking(tmp_path):
    """A mistyped directory says so."""
    with pytest.raises(BufferMissing):
        open_existing(tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()
