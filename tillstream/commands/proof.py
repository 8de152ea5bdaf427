"""`tillstream accounting`: say what every record became."""

import typer

from tillstream.console import console
from tillstream.options import DataDir, settings_for


def accounting(data_dir: DataDir = None) -> None:
    """Check that every record of the log is accounted for: applied, repeat, filtered, control or dead letter."""
    from tillstream.proving import account
    from tillstream.reaching import addresses_of, run_async

    is_sound = run_async(account(addresses_of(settings_for(data_dir)), console))
    if not is_sound:
        raise typer.Exit(1)
