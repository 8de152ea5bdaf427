"""Keeps every running generation of some read models up to date: a new one is taken up, a dropped one let go, while it runs.

The generation that serves, the one that waits to serve and the one that served before all read the log on, so that a switch
and a rollback are one row.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeAlias

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.postgres.engine import async_engine
from projections.catalogue import PROJECTIONS
from projections.consumers import Pulse
from projections.errors import Halted, MappingChanged
from projections.generations import Generation, list_generations
from projections.holds import Holds
from projections.options import RunnerOptions
from projections.runner import Runner

_log = structlog.get_logger(__name__)
_LOOK_SECONDS: Final = 1.0
_CANCEL_AGAIN_SECONDS: Final = 8.0
"""Longer than a runner takes to leave its group when the broker does not answer."""

_At: TypeAlias = tuple[str, int]
"""A read model and the number of one of its generations."""


class _Runners:
    """The runners of a process, one for each generation."""

    def __init__(self, names: Sequence[str], options: RunnerOptions, engine: AsyncEngine, stop: asyncio.Event) -> None:
        self._names, self._options, self._engine, self._stop = names, options, engine, stop
        self._holds = Holds(engine)
        self._tasks: dict[_At, asyncio.Task[None]] = {}
        self._left_alone: set[_At] = set()
        self._first: list[Runner] = []

    async def work(self) -> None:
        """Follow the register until stopped; the first generation that cannot go on ends all, with its error."""
        ready: asyncio.Task[None] | None = None
        try:
            while not self._stop.is_set():
                await self._look()
                ready = ready or asyncio.create_task(self._announce())
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._stop.wait()
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=self._options.stop_grace_seconds)
        finally:
            if ready is not None:
                ready.cancel()
            await self._end(list(self._tasks))

    async def _announce(self) -> None:
        for runner in self._first:
            await runner.owned.wait()
        if self._options.on_ready is not None:
            self._options.on_ready()

    async def _look(self) -> None:
        try:
            wanted = await self._wanted()
        except (DBAPIError, OSError) as error:
            if not self._tasks:
                raise
            _log.warning("generations_not_read", error=repr(error)[:500])
            wanted = set(self._tasks)
        await self._end([at for at in self._tasks if at not in wanted])
        for at, task in self._tasks.items():
            if task.done() and not self._stop.is_set() and at in await self._wanted():
                failure = task.exception() or RuntimeError(f"the runner of {at} ended by itself")
                _log.error("runner_failed", read_model=at[0], generation=at[1], error=repr(failure), halted=isinstance(failure, Halted))
                raise failure
        is_first = not self._tasks
        for name, number in sorted(wanted - set(self._tasks)):
            runner = Runner(PROJECTIONS[name], replace(self._options, generation=number), self._engine, self._holds, self._stop)
            self._tasks[name, number] = asyncio.create_task(runner.run(), name=f"{name}_g{number}")
            if is_first:
                self._first.append(runner)

    async def _wanted(self) -> set[_At]:
        async with self._engine.connect() as conn:
            known = await list_generations(conn, self._names, ("building", "running"))
        wanted: set[_At] = set()
        for found in known:
            at = (found.projection, found.number)
            if found.state != "running":
                continue
            if found.mapping_version == PROJECTIONS[found.projection].mapping_version:
                wanted.add(at)
            elif at not in self._left_alone:
                self._left_alone.add(at)
                await self._leave_alone(found)
        return wanted | {(name, 1) for name in self._names if not any(found.projection == name for found in known)}

    async def _leave_alone(self, found: Generation) -> None:
        """Say why a generation stands still; the other read models of the process go on."""
        version = PROJECTIONS[found.projection].mapping_version
        reason = MappingChanged(found.projection, found.number, found.mapping_version, version)
        _log.warning("generation_left_alone", read_model=found.projection, generation=found.number, reason=str(reason))
        pulse = Pulse(self._engine, found.projection, found.number)
        pulse.halts(reason)
        await pulse.say_now()

    async def _end(self, ended: Sequence[_At]) -> None:
        await end_all([self._tasks.pop(at) for at in ended])


async def end_all(tasks: Sequence[asyncio.Task[None]], again_seconds: float = _CANCEL_AGAIN_SECONDS) -> None:
    """Cancel tasks and wait for their ends; one that has not ended is cancelled again.

    A cancellation can be lost: the client of the log, when it is closed, awaits tasks of its own, which take the cancellation of who
    awaits them for theirs and end well. The runner would join its group again and work on for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_seconds)
    await asyncio.gather(*tasks, return_exceptions=True)


async def run_generations(names: Sequence[str], options: RunnerOptions, stop: asyncio.Event) -> None:
    """Keep all running generations of read models up to date until `stop` is set; `options.generation` does not matter."""
    pool_size = max(5, 2 * len(names) + 2)
    engine = async_engine(options.addresses.postgres_dsn, "tillstream-projections", pool_size, options.postgres_answer_seconds)
    try:
        await _Runners(names, options, engine, stop).work()
    finally:
        await engine.dispose()
