"""Dead letters for the command line: find them by name, describe them, retry them."""

import typer

from infra.addresses import Addresses
from infra.kafka.publisher import Publisher
from infra.postgres.engine import async_engine
from projections.dead_letters import Letter, LetterKey, NotRetriable, UnknownLetter, list_letters, retry_letter, show_letter

_MOST = 10_000


def letter_name(key: LetterKey) -> str:
    """Write the name of a letter as `list` shows it."""
    return f"{key.projection}/{key.topic}/{key.part}/{key.record_offset}"


def parse_name(name: str) -> LetterKey:
    """Read the name of a letter; a usage error says how one looks."""
    fields = name.split("/")
    if len(fields) != 4 or not fields[2].isdecimal() or not fields[3].isdecimal():
        raise typer.BadParameter(f"PROJECTION/TOPIC/PARTITION/OFFSET, not {name!r}")
    return LetterKey(fields[0], fields[1], int(fields[2]), int(fields[3]))


async def find_letters(addresses: Addresses, projection: str | None, disposition: str | None, limit: int) -> list[Letter]:
    """Return the first letters that fit."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-dead-letters", pool_size=1)
    try:
        return await list_letters(engine, projection, disposition, limit=limit)
    finally:
        await engine.dispose()


async def find_letter(addresses: Addresses, key: LetterKey) -> Letter:
    """Return one letter, or end the command."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-dead-letters", pool_size=1)
    try:
        return await show_letter(engine, key)
    except UnknownLetter as error:
        typer.echo(f"there is no dead letter {letter_name(key)}", err=True)
        raise typer.Exit(1) from error
    finally:
        await engine.dispose()


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
    lines += [f"header       {name}: {value.decode('utf-8', 'backslashreplace')}" for name, value in letter.headers]
    value = b"" if letter.value is None else letter.value
    return [*lines, f"value        {len(value)} bytes", value.decode("utf-8", "backslashreplace")]


async def retry_letters(addresses: Addresses, keys: list[LetterKey] | None, projection: str | None) -> list[str]:
    """Retry the named letters, or all open ones, and say what became of each."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-dead-letters", pool_size=2)
    lines = []
    try:
        wanted = keys if keys is not None else [letter.key for letter in await list_letters(engine, projection, "open", limit=_MOST)]
        async with Publisher(addresses.kafka_bootstrap, "tillstream-dead-letters", addresses.topic_prefix) as publisher:
            for key in wanted:
                try:
                    position = await retry_letter(engine, publisher, key)
                    lines.append(f"{letter_name(key)}: sent again as {position.topic}/{position.partition}/{position.offset}")
                except (UnknownLetter, NotRetriable) as error:
                    lines.append(f"{letter_name(key)}: not sent again ({error})")
    finally:
        await engine.dispose()
    return lines or ["no open dead letters"]
