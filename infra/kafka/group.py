"""Membership in a consumer group that hands out partitions and nothing else: positions belong to the member.

What is assigned stays paused until the member says where to read, and a revocation waits for the work at hand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata

from infra.kafka.consumer import Partition, Record, consumer
from infra.kafka.names import plain, qualified

_log = structlog.get_logger(__name__)

LogError = KafkaError
"""Any error of the log's client; what is not an `OutOfRange` is worth another try."""


class OutOfRange(Exception):
    """The log does not hold the offset that is asked for."""


_IDLE_FETCHES = 4
_WAIT_MILLISECONDS = 50
_IDLE_WAIT_MILLISECONDS = 500
"""How long the broker holds its answer when there is nothing to read. Briefly while records come: until it answers, the client asks
for no partition whose records were just taken. Longer while none come: each question costs both sides, and a record ends the wait."""


class GroupMember(ConsumerRebalanceListener):  # type: ignore[misc] # the client library has no types
    """One consumer of a group. `changed` turns true when partitions were assigned or taken away."""

    def __init__(
        self,
        bootstrap: str,
        client_id: str,
        group: str,
        topics: Iterable[str],
        prefix: str = "",
        on_revoked: Callable[[], Awaitable[None]] | None = None,
        **settings: object,
    ) -> None:
        self._prefix = prefix
        self._topics = [qualified(prefix, topic) for topic in topics]
        self._client: AIOKafkaConsumer = consumer(bootstrap, client_id, group, fetch_max_wait_ms=_WAIT_MILLISECONDS, **settings)
        self._on_revoked = on_revoked
        self._empty_fetches = 0
        self.changed = False
        self.assigned: frozenset[Partition] = frozenset()

    async def start(self) -> None:
        """Join the group; assignments follow."""
        self._client.subscribe(self._topics, listener=self)
        await self._client.start()

    async def stop(self) -> None:
        """Leave the group."""
        await self._client.stop()

    async def on_partitions_revoked(self, revoked: Iterable[Partition]) -> None:
        """Stop reading, and let the work at hand end before others are given the partitions."""
        self.assigned, self.changed = frozenset(), True
        if self._on_revoked is not None and list(revoked):
            await self._on_revoked()

    async def on_partitions_assigned(self, assigned: Iterable[Partition]) -> None:
        """Hold what is new: without a position of ours the client would look for one of its own."""
        mine = list(assigned)
        self._client.pause(*mine)
        for tp in mine:
            self._client.seek(tp, 0)
        self.assigned, self.changed = frozenset(Partition(plain(self._prefix, tp.topic), tp.partition) for tp in mine), True

    def read_from(self, positions: Mapping[Partition, int]) -> None:
        """Begin to read partitions at these offsets; one that is no longer assigned is left out."""
        for tp, offset in positions.items():
            if tp in self.assigned:
                there = self._there(tp)
                self._client.seek(there, offset)
                self._client.resume(there)

    async def fetch(self, timeout_ms: int, max_records: int) -> dict[Partition, list[Record]]:
        """Return what was read, by plain topic names; OutOfRange when the log does not hold a position."""
        try:
            found = await self._client.getmany(timeout_ms=timeout_ms, max_records=max_records)
        except NoOffsetForPartitionError:
            return {}  # a fetch that was under way when partitions came and had no position yet
        except OffsetOutOfRangeError as error:
            raise OutOfRange(str(error)) from error
        self._ask_as_often_as_is_worth(bool(found))
        return {Partition(plain(self._prefix, tp.topic), tp.partition): records for tp, records in found.items() if records}

    def _ask_as_often_as_is_worth(self, found: bool) -> None:
        """Take effect before the client's next question: it asks after its caller has the records."""
        self._empty_fetches = 0 if found else self._empty_fetches + 1
        wait = _IDLE_WAIT_MILLISECONDS if self._empty_fetches >= _IDLE_FETCHES else _WAIT_MILLISECONDS
        self._client._fetcher._fetch_max_wait_ms = wait  # noqa: SLF001 - fixed at the start for all others

    async def note_for_lag_tools(self, positions: Mapping[Partition, int]) -> None:
        """Commit offsets that nobody reads for effect; a failure is only worth a line."""
        wanted = {self._there(tp): OffsetAndMetadata(offset, "") for tp, offset in positions.items() if tp in self.assigned}
        if wanted:
            try:
                await self._client.commit(wanted)
            except (KafkaError, ValueError) as error:
                _log.info("lag_not_noted", error=repr(error))

    def _there(self, tp: Partition) -> Partition:
        return Partition(qualified(self._prefix, tp.topic), tp.partition)


async def stop_quietly(member: GroupMember, timeout_seconds: float = 5.0) -> None:
    """Leave the group, but do not wait for a broker that does not answer."""
    with suppress(KafkaError, TimeoutError, OSError):
        async with asyncio.timeout(timeout_seconds):
            await member.stop()
