"""Writes every owned state again each hour: a stale record behind a newer one must not be what compaction keeps."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

import structlog

from processors.shell.run import RuleAgent

EVERY_SECONDS = 3600.0
_STATES_AT_ONCE = 500
_log = structlog.get_logger(__name__)


async def refresh_forever(agent: RuleAgent, every_seconds: float = EVERY_SECONDS) -> None:
    """Refresh until the app stops."""
    while not agent.app.should_stop:
        await asyncio.sleep(every_seconds)
        if not (agent.app.rebalancing or agent.app.in_recovery):
            written = await refresh(agent)
            _log.info("states_refreshed", states=written)


async def refresh(agent: RuleAgent) -> int:
    """Write owned states again, some at a time, never beside a batch; return how many."""
    keys_of, written = defaultdict[int, list[str]](list), 0
    for key, partition in agent.table.data._key_partition.items():
        keys_of[partition].append(key)
    for partition, keys in keys_of.items():
        for start in range(0, len(keys), _STATES_AT_ONCE):
            async with agent.writing[partition]:
                records = _records(agent, keys[start : start + _STATES_AT_ONCE], partition)
                await agent.writer.write_states(records)
            written += len(records)
    return written


def _records(agent: RuleAgent, keys: Iterable[str], partition: int) -> list[tuple[str, bytes, bytes, int]]:
    """Return the states as they are now; none where the partition went away meanwhile."""
    if all(tp.partition != partition for tp in agent.app.consumer.progress.expected):
        return []
    table = agent.table
    return [table.record(key, value, partition) for key in keys if (value := table.get_state(key)) is not None]
