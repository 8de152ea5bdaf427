"""Writing to the log from a worker: never after the session may have ended, and always waiting for the broker."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from infra.kafka.names import qualified
from processors.outgoing import Outgoing
from processors.shell.exits import Exit, leave
from processors.shell.heartbeat import Heartbeat

Changelog: TypeAlias = tuple[str, bytes, bytes, int]


class Writer:
    """Sends through the app's own producer."""

    def __init__(self, app: Any, heartbeat: Heartbeat, session_seconds: float, prefix: str, check_heartbeat: bool, wait: bool) -> None:
        self._app = app
        self._heartbeat = heartbeat
        self._session_seconds = session_seconds
        self._prefix = prefix
        self._check = check_heartbeat
        self._wait_for_changelog = wait

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Write events and wait until the broker has acknowledged all of them."""
        await self._write(
            (qualified(self._prefix, r.topic), r.key, r.value, r.partition, None, list(r.headers)) for r in records
        )  # fmt: skip

    async def write_states(self, records: Sequence[Changelog]) -> None:
        """Write changelog records and wait until the broker has acknowledged all of them."""
        await self._write(((t, k, v, p, None, None) for t, k, v, p in records), self._wait_for_changelog)

    async def _write(self, records: Iterable[tuple[Any, ...]], wait: bool = True) -> None:
        self._check_session()
        producer = self._app.producer
        futures = [await producer.send(*record) for record in records]
        if wait:
            for future in futures:
                await future

    def _check_session(self) -> None:
        age = self._heartbeat.age_seconds
        if self._check and age > self._session_seconds:
            leave(Exit.HEARTBEAT_TOO_OLD, f"the last answered heartbeat is {age:.1f} s old, a session lasts {self._session_seconds:.1f} s")
