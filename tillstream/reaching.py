"""How a command reaches the running stack: its addresses, in one sentence when there is none; and its coroutines."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

from infra.addresses import Addresses, resolve_addresses
from infra.embedded.stack_error import StackError
from infra.settings import Settings

Answer = TypeVar("Answer")


def addresses_of(settings: Settings, otherwise: int = 1) -> Addresses:
    """Return where everything is, or end the command with the reason and a status."""
    try:
        return resolve_addresses(settings)
    except StackError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(otherwise) from error


def run_async(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine to its end."""
    return asyncio.run(work)
