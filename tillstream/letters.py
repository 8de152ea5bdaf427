"""Dead letters for the command line: find them by name, describe them, retry, discard and correct them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from api.letters import LetterDesk
from api.security.caller import EVERY_STORE, Caller
from infra.addresses import Addresses
from infra.clock import utc_now
from infra.kafka.publisher import NotDurable, Publisher
from infra.postgres.engine import async_engine
from projections.batching import Source
from projections.dead_letters import Letter, LetterKey
from projections.letter_decisions import Correction, Decision, NotDecidable, discard_letter, retry_letter
from projections.letter_reader import LetterSearch, UnknownLetter, generations_with, list_letters, show_letter
from tillstream.edge_desk import operators_edge

PAGE = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one letter."""

    name: str
    done: bool
    words: str


def letter_name(key: LetterKey) -> str:
    """Write the name of a letter as `list` shows it; the first generation is not said."""
    generation = "" if key.generation == 1 else f"@{key.generation}"
    return f"{key.projection}{generation}/{key.source}"


def parse_name(name: str) -> LetterKey:
    """Read the name of a letter; a usage error says how one looks."""
    fields = name.split("/")
    projection, _, generation = fields[0].partition("@")
    numbers = [*fields[2:], generation or "1"]
    if len(fields) != 4 or not all(number.isdecimal() and len(number) < 19 for number in numbers):
        raise typer.BadParameter(f"PROJECTION/TOPIC/PARTITION/OFFSET, not {name!r}")
    return LetterKey(projection, fields[1], int(fields[2]), int(fields[3]), int(generation or 1))


@asynccontextmanager
async def _database(addresses: Addresses) -> AsyncIterator[AsyncEngine]:
    engine = async_engine(addresses.postgres_dsn, "tillstream-dead-letters", pool_size=2)
    try:
        yield engine
    finally:
        await engine.dispose()


async def find_letters(addresses: Addresses, search: LetterSearch, limit: int) -> list[Letter]:
    """Return the first letters that fit."""
    async with _database(addresses) as engine:
        return await list_letters(engine, search, limit=limit)


async def find_letter(addresses: Addresses, key: LetterKey) -> Letter:
    """Return one letter, or end the command."""
    async with _database(addresses) as engine:
        try:
            return await show_letter(engine, key)
        except UnknownLetter as error:
            others = [letter_name(replace(key, generation=number)) for number in await generations_with(engine, key)]
            instead = f"; there is {', '.join(others)}" if others else ""
            typer.echo(f"there is no dead letter {letter_name(key)}{instead}", err=True)
            raise typer.Exit(1) from error


def describe(letter: Letter) -> list[str]:
    """Return the lines that show a letter whole."""
    lines = [
        f"letter       {letter_name(letter.key)}",
        f"event        {letter.event_id} {letter.event_type} of store {letter.store_id}",
        f"reason       {letter.reason}: {letter.detail}",
        f"recorded at  {letter.recorded_at.isoformat()}",
        f"disposition  {letter.disposition}, {letter.attempts} attempt(s), since {letter.updated_at.isoformat()}",
        f"key          {letter.record_key!r}",
    ]
    if letter.decided_by is not None:
        event = f", by event {letter.correction_id}" if letter.correction_id else ""
        lines.insert(5, f"decided      by {letter.decided_by}: {letter.decision_reason}{event}")
    lines += [f"header       {name}: {value.decode('utf-8', 'backslashreplace')}" for name, value in letter.headers]
    value = b"" if letter.value is None else letter.value
    return [*lines, f"value        {len(value)} bytes", value.decode("utf-8", "backslashreplace")]


Chosen = Sequence[LetterKey] | LetterSearch
"""Letters by their names, or all that fit."""


async def retry_letters(addresses: Addresses, chosen: Chosen, dry_run: bool, tell: Callable[[Outcome], None]) -> int:
    """Send the records of the letters again, each record once, telling of each; returns how many could not be."""
    async with _database(addresses) as engine:
        records: dict[Source, LetterKey] = {}
        for key in await _chosen(engine, chosen):
            records.setdefault(key.source, key)
        if dry_run:
            return _would("be sent again", list(records.values()), tell)
        async with Publisher(addresses.kafka_bootstrap, "tillstream-dead-letters", addresses.topic_prefix) as publisher:

            async def retry(key: LetterKey) -> str:
                position = await retry_letter(engine, publisher, key)
                return f"sent again as {position.topic}/{position.partition}/{position.offset}"

            return await _each(list(records.values()), retry, "not sent again", tell)


async def discard_letters(
    addresses: Addresses, chosen: Chosen, reason: str, by: str, dry_run: bool, tell: Callable[[Outcome], None]
) -> int:
    """Discard the letters, telling of each; returns how many could not be."""
    async with _database(addresses) as engine:
        keys = await _chosen(engine, chosen)
        if dry_run:
            return _would("be discarded", keys, tell)

        async def discard(key: LetterKey) -> str:
            await discard_letter(engine, key, Decision(reason, by, utc_now()))
            return "discarded"

        return await _each(keys, discard, "not discarded", tell)


async def correct_letter(addresses: Addresses, time: Any, key: LetterKey, correction: Correction, by: str) -> str:
    """Post the event that corrects a letter's, on the way of every post, and say where it is; UnknownLetter, NotDecidable or ApiError."""
    async with operators_edge(addresses) as (engine, edge, stores):
        desk = LetterDesk(engine, edge, stores.including, stores.tenants, time)
        letter = await show_letter(engine, key)
        result = await desk.correct(key, correction, Caller(by, "hq", letter.tenant_id or "", (EVERY_STORE,)), utc_now())
    place = f" at {result.position.topic}/{result.position.partition}/{result.position.offset}" if result.position else ""
    return f"{result.outcome}: event {result.id}{place}"


async def _chosen(engine: AsyncEngine, chosen: Chosen) -> list[LetterKey]:
    if not isinstance(chosen, LetterSearch):
        return list(chosen)
    found: list[LetterKey] = []
    while page := await list_letters(engine, replace(chosen, disposition="open"), after=found[-1] if found else None, limit=PAGE):
        found += [letter.key for letter in page]
    return found


def _would(what: str, keys: Sequence[LetterKey], tell: Callable[[Outcome], None]) -> int:
    for key in keys:
        tell(Outcome(letter_name(key), done=True, words=f"would {what}"))
    return 0


async def _each(keys: Sequence[LetterKey], act: Callable[[LetterKey], Any], otherwise: str, tell: Callable[[Outcome], None]) -> int:
    failed = 0
    for key in keys:
        try:
            outcome = Outcome(letter_name(key), done=True, words=await act(key))
        except (UnknownLetter, NotDecidable, NotDurable) as error:
            why = "there is no such letter" if isinstance(error, UnknownLetter) else str(error)
            outcome = Outcome(letter_name(key), done=False, words=f"{otherwise}: {why}")
            failed += 1
        tell(outcome)
    return failed
