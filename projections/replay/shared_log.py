"""The log read once for several replays: each has its own place in it, and none is far ahead of the one that is furthest behind.

Between the foremost and the last lies a window of few records, so that memory does not grow with the log. Who asks for what has
left the window reads it by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from infra.kafka.consumer import Partition, Record, read_range
from infra.kafka.wanted import read_wanted
from projections.shared_records import SharedRecord

_RECORDS: Final = 24_000
"""Of all partitions together, in the window."""
_FEWEST: Final = 1_000


class _Window:
    """The records of a partition that somebody has still to read, from `first` on."""

    def __init__(self, end: int) -> None:
        self.first, self.end = 0, end
        self.records: list[SharedRecord] = []

    @property
    def next(self) -> int:
        """The offset that is read next."""
        return self.first + len(self.records)

    def forget_before(self, offset: int) -> None:
        """Let go of what everybody has."""
        gone = max(0, min(offset, self.next) - self.first)
        del self.records[:gone]
        self.first += gone


class SharedLog:
    """Reads partitions from their first record up to the given ends; `reading` runs it."""

    def __init__(self, bootstrap: str, prefix: str, ends: Mapping[Partition, int]) -> None:
        self._bootstrap, self._prefix = bootstrap, prefix
        self.ends = {tp: end for tp, end in ends.items() if end}
        self._windows = {tp: _Window(end) for tp, end in self.ends.items()}
        self._limit = max(_FEWEST, _RECORDS // max(1, len(self.ends)))
        self._readers: set[LogReader] = set()
        self._moved = asyncio.Event()
        self._failure: Exception | None = None

    def join(self, topics: Iterable[str]) -> "LogReader":
        """Add a reader of some topics; all join before anybody reads."""
        wanted = set(topics)
        reader = LogReader(self, [tp for tp in self.ends if tp.topic in wanted])
        self._readers.add(reader)
        return reader

    def leave(self, reader: "LogReader") -> None:
        """Let the others go on without one."""
        self._readers.discard(reader)
        self.trim()

    def trim(self) -> None:
        """Let go of what all readers have, and wake whoever waits."""
        for tp, window in self._windows.items():
            window.forget_before(min((reader.places[tp] for reader in self._readers if tp in reader.places), default=window.end))
        self._wake()

    async def some(self, places: Mapping[Partition, int], max_records: int) -> dict[Partition, list[SharedRecord]]:
        """Return records from these places on, as soon as one of them has some."""
        share = max(1, max_records // len(places))
        await self._until(lambda: self._failure is not None or any(self._has(tp, place) for tp, place in places.items()))
        if self._failure is not None:
            raise self._failure
        return {tp: await self._read_at(tp, place, share) for tp, place in places.items() if self._has(tp, place)}

    def _has(self, tp: Partition, place: int) -> bool:
        """Tell whether a record is in the window, or was once."""
        return place < self._windows[tp].next

    async def _read_at(self, tp: Partition, place: int, share: int) -> list[SharedRecord]:
        window = self._windows[tp]
        if place >= window.first:
            return window.records[place - window.first : place - window.first + share]
        found: list[SharedRecord] = []
        until = min(window.first, place + share)
        await read_range(self._bootstrap, {tp: place}, {tp: until}, lambda _, records: found.extend(_shared(tp, records)), self._prefix)
        return found

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Read while the body runs."""
        task = asyncio.create_task(self._read())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _read(self) -> None:
        try:
            await read_wanted(self._bootstrap, self.ends, self._wanted, self._take, self._prefix)
        except Exception as error:  # noqa: BLE001 - whoever waits for records has to hear of it
            self._failure = error
            self._wake()

    async def _wanted(self) -> list[Partition]:
        """Return the partitions that have room, once there are some; none when everything was read."""
        await self._until(lambda: bool(self._roomy()) or all(window.next >= window.end for window in self._windows.values()))
        return self._roomy()

    def _roomy(self) -> list[Partition]:
        return [tp for tp, window in self._windows.items() if window.next < window.end and len(window.records) < self._limit]

    def _take(self, tp: Partition, records: list[Record]) -> None:
        window = self._windows[tp]
        window.records += _shared(tp, [record for record in records if record.offset < window.end])
        self.trim()

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            await self._moved.wait()

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


class LogReader:
    """One of those who read: it asks for ranges that follow each other."""

    def __init__(self, log: SharedLog, partitions: Iterable[Partition]) -> None:
        self._log, self.ends = log, log.ends
        self.places = dict.fromkeys(partitions, 0)

    def begins(self, positions: Mapping[Partition, int]) -> None:
        """Say from where on partitions are read."""
        self.places |= {tp: offset for tp, offset in positions.items() if tp in self.places}
        self._log.trim()

    async def some(
        self, places: Mapping[Partition, int], ends: Mapping[Partition, int], max_records: int
    ) -> dict[Partition, list[SharedRecord]]:
        """Return some records from these places on, once there are any; `ends` are those of the log."""
        del ends
        self.begins(places)
        return await self._log.some(places, max_records)


def _shared(tp: Partition, records: Iterable[Record]) -> list[SharedRecord]:
    return [SharedRecord(tp.topic, each.partition, each.offset, each.timestamp, each.key, each.value, each.headers) for each in records]


class Beside(NamedTuple):
    """What replays beside each other have in common: a reading of the log, and connections to Postgres."""

    reader: LogReader
    engine: AsyncEngine
