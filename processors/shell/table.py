"""The changelog-backed table of states, and a recovery that keeps per key what has the highest applied offset.

A worker that was frozen past its session may write old values behind newer ones. Whoever recovers
keeps the newer, and writes it again where the changelog does not end with it.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

import faust
import msgspec
import structlog

from processors.shell.exits import Exit, leave
from processors.state import UnreadableState, applied_of

_log = structlog.get_logger(__name__)
_decode_key = msgspec.json.Decoder(str).decode
_SEPARATORS = 2


def written_key(key: str) -> bytes:
    """Write a key as Faust does, without its layers: in other bytes it would be another key to the broker, and to who recovers."""
    return encode_basestring_ascii(key).encode()


def read_key(key: bytes | None) -> str:
    """Read a key that was written so; UnreadableState for anything else."""
    try:
        read = _decode_key(key or b"")
    except msgspec.MsgspecError as error:
        raise UnreadableState(f"{key!r} is no key of a state") from error
    if read.count("|") != _SEPARATORS:
        raise UnreadableState(f"no state has the key {read!r}")
    return read


class StateTable(faust.Table):
    """States by key, as bytes, in memory; written only through `record` and `put`."""

    keep_highest = True
    on_recovered: Any = None
    on_heal: Any = None
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None
    """What goes on beside the agent, from before the first recovery on: Faust starts an app's tasks behind it only."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._stale: dict[str, int] = {}

    async def on_start(self) -> None:
        """Start what goes on beside the agent."""
        await super().on_start()
        if self.beside is not None:
            self.add_future(self.beside())

    def get_state(self, key: str) -> bytes | None:
        """Return a held value."""
        value: bytes | None = self.data.data.get(key)
        return value

    def put(self, values: Mapping[str, bytes], partition: int) -> None:
        """Take over values that the broker has acknowledged."""
        held = self.data.data
        known = len(held)
        held.update(values)
        if len(held) != known:  # of keys that are known it is known where they belong
            self.data._key_partition.update(dict.fromkeys(values, partition))

    def record(self, key: str, value: bytes, partition: int) -> tuple[str, bytes, bytes, int]:
        """Return topic, key, value and partition of a changelog record."""
        return self.changelog_topic_name, written_key(key), value, partition

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Apply fetches of changelog records; ends the process on one that cannot be read, which Faust would retry for ever."""
        for event in batch:
            self._apply(event.message.partition, event.value)

    def _apply(self, partition: int, records: Iterable[Any]) -> None:
        held, places, stale = self.data.data, self.data._key_partition, self._stale
        for record in records:
            try:
                key, applied = read_key(record.key), applied_of(record.value)
                before = held.get(key) if self.keep_highest else None
                is_newer = before is None or applied >= applied_of(before)
            except UnreadableState as error:
                leave(Exit.UNREADABLE_STATE, f"changelog {partition}@{record.offset}: {error}")
            if is_newer:
                held[key], places[key] = record.value, partition
                stale.pop(key, None)
            else:
                stale[key] = partition

    async def on_recovery_completed(self, active_tps: set[Any], standby_tps: set[Any]) -> None:
        """Drop what is not ours, write again what the changelog has in the wrong order, tell the owner."""
        await super().on_recovery_completed(active_tps, standby_tps)
        owned = {tp.partition for tp in active_tps}
        stale, self._stale = self._stale, {}
        healing = [self.record(key, value, part) for key, part in stale.items() if part in owned and (value := self.get_state(key))]
        if healing and self.on_heal is not None:
            _log.warning("states_healed", states=len(healing))
            await self.on_heal(healing)
        if self.on_recovered is not None:
            self.on_recovered(self.data.data, self.data._key_partition)
        _log.info("states_recovered", states=len(self.data.data), partitions=len(owned))
