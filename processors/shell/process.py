"""Runs an app as this process: Faust's worker without its web server, its banner and its logging."""

import logging
import sys
from typing import Any, NoReturn

import faust
import uvloop

from infra.garbage import WITH_RECORDS, collect_rarely


def run_app(app: Any) -> NoReturn:
    """Run until SIGTERM or SIGINT; ends the process."""
    collect_rarely(WITH_RECORDS)
    worker = faust.Worker(app, quiet=True, override_logging=False, redirect_stdouts=False, stdout=sys.stderr)
    worker.spinner = None
    worker.execute_from_commandline()
    raise SystemExit(0)


def quiet_engine() -> None:
    """Let the engine report errors only; of a topic that is just being made aiokafka says that it is not there."""
    for name in ("aiokafka", "faust", "mode"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("aiokafka.cluster").setLevel(logging.CRITICAL)


def use_fast_loop() -> None:
    """Use uvloop from here on; before anything asks for an event loop."""
    uvloop.install()
