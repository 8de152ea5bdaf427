"""Options that several commands share, and how they become settings."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from infra.settings import Settings, load_settings

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Data directory of the embedded stack (default: .tillstream, or TILLSTREAM_DATA_DIR).", show_default=False
    ),
]

_DATES = ["%Y-%m-%d"]
MOMENTS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"]
BEGINNING, END = datetime(1971, 1, 1), datetime(2148, 12, 31)  # noqa: DTZ001 - calendar dates
"""Dates before and after any that an event may have."""

Stores = Annotated[list[str] | None, typer.Option("--store", help="Of this store (may be repeated); all without it.")]
First = Annotated[datetime, typer.Option("--from", formats=_DATES, help="First business date.")]
Last = Annotated[datetime, typer.Option("--until", formats=_DATES, help="Last business date, inclusive.")]
KnownAt = Annotated[datetime | None, typer.Option(formats=MOMENTS, help="Only facts recorded by then, as 2026-11-20T08:00:00+09:00.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line; amounts in minor units.")]


def span_of(first: datetime | None, last: datetime | None) -> tuple[date | None, date | None]:
    """Return business dates, both inclusive; a usage error where the last comes before the first."""
    if first is not None and last is not None and last < first:
        raise typer.BadParameter(f"{last.date()} comes before {first.date()}", param_hint="--until")
    return None if first is None else first.date(), None if last is None else last.date()


def settings_for(data_dir: Path | None, **overrides: object) -> Settings:
    """Read the settings of a command."""
    return load_settings(data_dir=data_dir, **overrides)
