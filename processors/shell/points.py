"""Passing a crash point: nothing, unless a test stands there."""

from processors.safeguards import CrashPoints


async def pass_point(points: CrashPoints, name: str) -> None:
    """Tell the crash points, and wait where they want it."""
    waiting = points.reach(name)
    if waiting is not None:
        await waiting
