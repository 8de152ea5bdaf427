"""Writes every owned state again each hour: a stale record behind a newer one must not be what compaction keeps."""

import asyncio
from typing import Any

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
    table, written = agent.table, 0
    keys = list(table.data.data)
    for start in range(0, len(keys), _STATES_AT_ONCE):
        async with agent.writing:
            owned = {tp.partition for tp in agent.app.consumer.progress.expected}
            records = [row for key in keys[start : start + _STATES_AT_ONCE] if (row := _record(table, key, owned)) is not None]
            await agent.writer.write_states(records)
        written += len(records)
    return written


def _record(table: Any, key: str, owned: set[int]) -> tuple[str, bytes, bytes, int] | None:
    value, partition = table.get_state(key), table.data._key_partition.get(key)
    if value is None or partition not in owned:
        return None
    row: tuple[str, bytes, bytes, int] = table.record(key, value, partition)
    return row
