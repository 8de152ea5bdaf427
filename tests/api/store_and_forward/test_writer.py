"""The writer: nobody is answered before the commit, many share one, and none suffers from another's failure."""

import asyncio
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.store_and_forward.buffer import Buffer, BufferFull, Room
from api.store_and_forward.database import open_durable, open_existing
from api.store_and_forward.items import Item
from api.store_and_forward.writer import Writer

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def opened(directory: Path, most_pages: int | None = None) -> Buffer:
    """Open a buffer, on a disk of so many pages."""
    connection = open_durable(directory)
    if most_pages:
        connection.execute(f"PRAGMA max_page_count = {most_pages}")
    return Buffer(connection, Room(10**6, 0, lambda: 10**9), 1000)


def put(name: object, size: int = 10):
    """Return the work of putting one item."""
    return lambda buffer: buffer.put([Item(str(name), b"x" * size)], NOW)


def waiting(directory: Path) -> int:
    """Count on a connection of its own: what it sees is committed."""
    connection = open_existing(directory)
    count = connection.execute("SELECT count(*) FROM waiting").fetchone()[0]
    connection.close()
    return count


async def test_an_answer_comes_after_the_commit(tmp_path):
    """Whoever has an answer finds the item on another connection."""
    writer = Writer(opened(tmp_path), (BufferFull,))
    writer.start()
    for number in range(1, 20):
        await writer.run(put(number))
        assert waiting(tmp_path) == number
    await writer.close()


async def test_what_comes_during_a_commit_shares_the_next_one(tmp_path):
    """Fifty posts while one is held up: two transactions."""
    buffer = opened(tmp_path)
    begun: list[str] = []
    buffer._connection.set_trace_callback(lambda statement: begun.append(statement) if statement.startswith("BEGIN") else None)
    held = threading.Event()
    writer = Writer(buffer, (BufferFull,))
    writer.start()
    is_held = threading.Event()
    first = asyncio.create_task(writer.run(lambda _: (is_held.set(), held.wait(10))))
    await asyncio.to_thread(is_held.wait, 10)
    others = [asyncio.create_task(writer.run(put(number))) for number in range(50)]
    await asyncio.wait(others, timeout=0.05)
    assert not any(task.done() for task in others)

    held.set()
    await asyncio.gather(first, *others)
    await writer.close()

    assert len(begun) == 2


async def test_a_full_disk_fails_the_post_that_does_not_fit_and_no_other(tmp_path):
    """SQLite's own error reaches that post; what fits is kept; taking off the list still works."""
    writer = Writer(opened(tmp_path, most_pages=20), (BufferFull,))
    held = threading.Event()
    writer.start()
    first = asyncio.create_task(writer.run(lambda _: held.wait(10)))
    works = [put(1), put("large", 200_000), put(2), lambda buffer: buffer.remove([1])]
    others = [asyncio.create_task(writer.run(work)) for work in works]
    await asyncio.wait(others, timeout=0.05)
    held.set()
    await first
    found = await asyncio.gather(*others, return_exceptions=True)
    await writer.close()

    assert [type(answer) for answer in found] == [list, sqlite3.OperationalError, list, type(None)]
    assert "full" in str(found[1])
    assert waiting(tmp_path) == 1


async def test_an_expected_error_concerns_its_own_work_alone(tmp_path):
    """A post for which there is no room does not undo its neighbours."""
    writer = Writer(opened(tmp_path), (BufferFull,))
    writer.start()
    tasks = [asyncio.create_task(writer.run(work)) for work in (put(1), put("large", 2_000_000), put(2))]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    await writer.close()

    assert [type(answer) for answer in found] == [list, BufferFull, list]
    assert waiting(tmp_path) == 2


async def test_what_was_asked_for_before_the_end_is_done(tmp_path):
    """Closing finishes the work; nobody is left without an answer."""
    writer = Writer(opened(tmp_path), (BufferFull,))
    writer.start()
    tasks = [asyncio.create_task(writer.run(put(number))) for number in range(600)]
    await asyncio.wait(tasks, timeout=0)
    await writer.close()

    assert len(await asyncio.gather(*tasks)) == 600
    with pytest.raises(sqlite3.ProgrammingError):
        writer._buffer.oldest(1, 1)
