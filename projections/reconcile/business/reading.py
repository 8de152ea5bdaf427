"""Reads the serving generation of a read model, and looks again where two stores that are read one after the other differ."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.generations import serving_generation

_LOOKS: Final = 4
_LOOK_SECONDS: Final = 0.25

Key = TypeVar("Key")
Value = TypeVar("Value")


async def postgres_rows(engine: AsyncEngine, model: str, statement: str, bound: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return rows by column; `{generation}` in the statement is that which serves."""
    async with engine.connect() as conn:
        generation = await serving_generation(conn, model)
        return [dict(row) for row in (await conn.execute(text(statement.format(generation=generation)), bound)).mappings()]


async def generation_of(engine: AsyncEngine, model: str) -> int:
    """Return the generation of a model that serves."""
    async with engine.connect() as conn:
        return await serving_generation(conn, model)


async def lasting(look: Callable[[], Awaitable[Mapping[Key, Value]]]) -> dict[Key, Value]:
    """Return the differences that are there, and the same, each time that one looks: one store is written a moment before the other."""
    found = dict(await look())
    for _ in range(_LOOKS):
        if not found:
            return found
        await asyncio.sleep(_LOOK_SECONDS)
        again = await look()
        found = {key: value for key, value in found.items() if again.get(key) == value}
    return found
