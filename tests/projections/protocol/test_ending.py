"""Runners end when they are told to, also those that did not hear it."""

import asyncio

from projections.generation_runners import end_all


def test_a_task_that_did_not_hear_its_cancellation_is_cancelled_again() -> None:
    """It was lost on what it waited for; the others end at the first."""
    heard: list[str] = []

    async def deaf(begun: asyncio.Event) -> None:
        begun.set()
        for name in ("lost", "heard"):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                heard.append(name)

    async def work() -> None:
        begun = asyncio.Event()
        tasks = [asyncio.create_task(deaf(begun)), asyncio.create_task(asyncio.Event().wait())]
        await begun.wait()
        async with asyncio.timeout(10):
            await end_all(tasks, again_seconds=0.01)

    asyncio.run(work())
    assert heard == ["lost", "heard"]
