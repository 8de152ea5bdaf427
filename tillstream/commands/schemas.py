"""`tillstream schemas`: write or check the generated contract documents."""

from pathlib import Path

import typer

app = typer.Typer(no_args_is_help=True, help="JSON Schemas and the AsyncAPI document, generated from the models.")
ROOT = Path(__file__).resolve().parents[2]


@app.command()
def write() -> None:
    """Write schemas, AsyncAPI document, examples and the pages of docs/events anew from the models."""
    from contracts.schema_documents import documents

    for name, text in documents().items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {name}")


@app.command()
def check() -> None:
    """Fail when a committed document differs from its model; names each one."""
    from contracts.schema_documents import documents

    stale = [name for name, text in documents().items() if not (ROOT / name).exists() or (ROOT / name).read_text("utf-8") != text]
    for name in stale:
        typer.echo(f"differs from the models: {name} (run: tillstream schemas write)", err=True)
    if stale:
        raise typer.Exit(1)
    typer.echo("the committed schemas are what the models say")
