"""`tillstream edge`: keep a shop's events while the centre is away, and show what waits."""

import json
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.table import Table

from tillstream.console import console
from tillstream.options import settings_for

app = typer.Typer(no_args_is_help=True, help="A shop's buffer: takes events while the centre is away and sends them in order.")
Directory = Annotated[Path, typer.Option("--dir", help="Directory of the buffer: its own, on a local disk.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


def _checked_centre(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise typer.BadParameter(f"not an address such as https://centre.example.com: {url}")
    return url


@app.command()
def run(
    centre: Annotated[str, typer.Option(help="Address of the centre's API, https://…", callback=_checked_centre)],
    token_file: Annotated[Path, typer.Option(help="File with the token for the centre; read again at each attempt.")],
    directory: Directory,
    host: Annotated[str, typer.Option(help="Address to listen on for tills.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    max_bytes: Annotated[int, typer.Option(min=64 * 2**20, help="Most bytes that are kept; above, tills are told to wait.")] = 2**30,
) -> None:
    """Take events of tills, keep them on the disk, send them to the centre in order. Ends gently on SIGTERM and Ctrl-C."""
    from api.store_and_forward.config import EdgeConfig
    from api.store_and_forward.parts import TILL_KEY
    from api.store_and_forward.serve import serve
    from infra.logs import configure_logging
    from infra.secrets import SecretStore
    from tillstream.composition import write_ready_file

    settings = settings_for(None)
    configure_logging("edge", settings.log_level, settings.log_format)

    def announce(address: str) -> None:
        write_ready_file(directory / "edge.json", {"address": address})
        typer.echo(f"takes events at {address}/v1/events; the key for tills is in {SecretStore(directory).path(TILL_KEY)}")

    serve(EdgeConfig(centre, token_file, directory, max_bytes), host, port, announce)


@app.command()
def status(directory: Directory, as_json: AsJson = False) -> None:
    """Show how much waits, since when, and whether the centre answers; works beside a running buffer and without one."""
    from contextlib import closing

    from api.store_and_forward.database import open_existing
    from api.store_and_forward.overview import read_overview
    from infra.clock import utc_now

    with closing(open_existing(directory)) as connection:
        found = read_overview(connection, utc_now()).as_json()
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, value in found.items():
        typer.echo(f"{name.replace('_', ' ')}: {'none' if value is None else value}")


@app.command()
def refused(directory: Directory, as_json: AsJson = False) -> None:
    """List the events that the centre refused, and why."""
    from contextlib import closing

    from api.store_and_forward.database import open_existing
    from api.store_and_forward.overview import read_refusals

    with closing(open_existing(directory)) as connection:
        rows = read_refusals(connection)
    if as_json:
        typer.echo(json.dumps([row.as_json() for row in rows]))
    elif not rows:
        console.print("nothing was refused")
    else:
        table = Table("sequence", "id", "event type", "refused at", "reasons", box=None)
        for row in rows:
            table.add_row(str(row.sequence), row.id, row.type, row.refused_at, row.reasons)
        console.print(table)


@app.command()
def retry(
    directory: Directory, event_id: Annotated[list[str], typer.Option("--id", help="Id of a refused event; repeat for more.")]
) -> None:
    """Let refused events wait again; a running buffer sends them within a second."""
    from api.store_and_forward.retry import put_back

    missing = put_back(directory, event_id)
    for name in missing:
        typer.echo(f"not among the refused: {name}", err=True)
    if missing:
        raise typer.Exit(1)
    typer.echo(f"waiting again: {len(event_id)}")
