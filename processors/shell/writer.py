"""Writing to the log from a worker: never after the session may have ended, and always waiting for the broker."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias

from infra.clock import utc_now
from infra.kafka.chunks import partition_of
from infra.kafka.names import qualified
from processors.outgoing import Outgoing
from processors.shell.exits import Exit, leave
from processors.shell.heartbeat import Heartbeat

Changelog: TypeAlias = tuple[str, bytes, bytes, int]
_NO_HEADERS: Sequence[tuple[str, bytes]] = []


class Writer:
    """Sends through the app's own producer."""

    def __init__(self, app: Any, heartbeat: Heartbeat, session_seconds: float, prefix: str, check_heartbeat: bool, wait: bool) -> None:
        self._app = app
        self._heartbeat = heartbeat
        self._session_seconds = session_seconds
        self._prefix = prefix
        self._check = check_heartbeat
        self._wait_for_changelog = wait
        self.writes = 0
        """How many writes came to their end."""

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Write events and wait until the broker has acknowledged all of them."""
        await self._write(
            (qualified(self._prefix, r.topic), r.key, r.value, r.partition, list(r.headers)) for r in records
        )  # fmt: skip

    async def write_states(self, records: Sequence[Changelog]) -> None:
        """Write changelog records and wait until the broker has acknowledged all of them."""
        await self._write(((topic, key, value, partition, []) for topic, key, value, partition in records), self._wait_for_changelog)

    async def write_in_order(
        self, place: tuple[str, int], rows: Iterable[tuple[bytes, bytes]], acknowledged: Callable[[], Awaitable[None]]
    ) -> None:
        """Write keys and values to one partition, each batch of them once the one before it is acknowledged, and say so each time.

        A batch is on the log as a whole or not at all, so the log always has a beginning of the rows: what comes later among them is
        never there without what comes earlier. One wait for as much as a batch holds, not one for each thing that must come first.
        """
        client, now = self._app.producer._ensure_producer(), _now()
        batch: Any = None
        for key, value in rows:
            if batch is None or batch.append(timestamp=now, key=key, value=value, headers=_NO_HEADERS) is None:
                if batch is not None:
                    await self._finished(client, batch, place, acknowledged)
                batch = client.create_batch()
                batch.append(timestamp=now, key=key, value=value, headers=_NO_HEADERS)
        if batch is not None:
            await self._finished(client, batch, place, acknowledged)

    async def _finished(self, client: Any, batch: Any, place: tuple[str, int], acknowledged: Callable[[], Awaitable[None]]) -> None:
        self._check_session()
        future = await _sent(client, batch, place)
        if self._wait_for_changelog:
            await future
        self.writes += 1
        await acknowledged()

    async def _write(self, records: Iterable[tuple[Any, ...]], wait: bool = True) -> None:
        """Write records as whole batches of their partitions: a tenth of the work of queueing each by itself."""
        self._check_session()
        client, now = self._app.producer._ensure_producer(), _now()
        open_batches: dict[tuple[str, int], Any] = {}
        futures = []
        place: tuple[str, int] | None = None
        batch: Any = None
        for topic, key, value, wanted, headers in records:
            partition = await self._partition(client, topic, key) if wanted is None else wanted
            if place is None or partition != place[1] or topic != place[0]:  # most records go where the one before them went
                place = topic, partition
                batch = open_batches.get(place)
            if batch is None or batch.append(timestamp=now, key=key, value=value, headers=headers) is None:
                if batch is not None:
                    futures.append(await _sent(client, batch, place))
                batch = open_batches[place] = client.create_batch()
                batch.append(timestamp=now, key=key, value=value, headers=headers)
        futures += [await _sent(client, batch, place) for place, batch in open_batches.items()]
        if wait:
            for future in futures:
                await future
        self.writes += 1

    async def _partition(self, client: Any, topic: str, key: bytes | None) -> int:
        return partition_of(key or b"", len(await client.partitions_for(topic)))

    def _check_session(self) -> None:
        age = self._heartbeat.age_seconds
        if self._check and age > self._session_seconds:
            leave(Exit.HEARTBEAT_TOO_OLD, f"the last answered heartbeat is {age:.1f} s old, a session lasts {self._session_seconds:.1f} s")


def _now() -> int:
    """Return Unix milliseconds; asked for once a write, for the client asks for each record."""
    return int(utc_now().timestamp() * 1000)


async def _sent(client: Any, batch: Any, place: tuple[str, int]) -> Any:
    """Hand a batch to the client; what is returned is its acknowledgement."""
    batch.close()
    return await client.send_batch(batch, place[0], partition=place[1])
