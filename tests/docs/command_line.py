"""Parse a `tillstream …` command line with the real command line, without running it."""

from typing import Any

import typer.main
from typer.exceptions import TyperException

from tillstream.cli import app


class NotAccepted(Exception):
    """The command line refuses these words."""


def parse(words: list[str]) -> list[str]:
    """Return the names of the commands that the words lead to; NotAccepted with the reason otherwise."""
    command: Any = typer.main.get_command(app)
    names, rest = ["tillstream"], list(words)
    try:
        while True:
            context = command.make_context(names[-1], rest)
            inner = [*context._protected_args, *context.args] if hasattr(command, "commands") else []
            if not hasattr(command, "commands") or (command.invoke_without_command and not inner):
                return names
            name, command, rest = command.resolve_command(context, inner)
            names.append(str(name))
    except TyperException as error:
        raise NotAccepted(f"{' '.join(names)}: {error}") from error
