"""Options that several commands share, and how they become settings."""

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


def settings_for(data_dir: Path | None, **overrides: object) -> Settings:
    """Read the settings of a command."""
    return load_settings(data_dir=data_dir, **overrides)
