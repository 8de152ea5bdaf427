"""Commands of the command line, run to their end: in this process where what they do is looked at, as processes where that they are."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from infra.logs import configure_logging
from tests.waiting import patience
from tillstream.cli import main

TILLSTREAM = (sys.executable, "-m", "tillstream")


def environment(**extra: str) -> dict[str, str]:
    """Return this environment without settings of a surrounding stack."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TILLSTREAM_")}
    return {**kept, "COLUMNS": "200", **extra}


def run(*arguments: str, check: bool = True, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command here, from its words to its exit status: a process of its own would cost a second to import the same."""
    out, err = io.StringIO(), io.StringIO()
    words = ["tillstream", *arguments]
    with (
        patch.dict(os.environ, env or environment(), clear=True),
        patch.object(sys, "argv", words),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
    configure_logging("tests", "warning")
    return _checked(subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue()), check)


def run_process(*arguments: str, timeout: float = 120.0, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one command as its user does."""
    command = [*TILLSTREAM, *arguments]
    seconds = patience(timeout)
    return _checked(subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=seconds, check=False), check)


def _checked(done: subprocess.CompletedProcess[str], check: bool) -> subprocess.CompletedProcess[str]:
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(done.args)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done
