"""Runs one rule worker until it is asked to stop, or until it finds a reason to end itself (`shell.exits`)."""

import structlog

from infra.logs import configure_logging
from processors.app import GROUPS, WorkerOptions, build_app, changelog_of
from processors.shell.changelog import make_changelog
from processors.shell.exits import Exit, leave
from processors.shell.names import missing_names
from processors.shell.process import quiet_engine, run_app, use_fast_loop

__all__ = ["WorkerOptions", "run_worker"]

_log = structlog.get_logger(__name__)


def run_worker(options: WorkerOptions) -> None:
    """Check the engine, create the changelog, run; ends the process with status 0 after SIGTERM or SIGINT."""
    configure_logging(f"{GROUPS[options.stage]}-{options.slot}", options.log_level)
    if wrong := missing_names():
        leave(Exit.FOREIGN_VERSIONS, "; ".join(wrong))
    quiet_engine()
    options.data_dir.mkdir(parents=True, exist_ok=True)
    make_changelog(options.bootstrap, changelog_of(options), options.partitions, options.replication)
    use_fast_loop()
    _log.info("worker_started", slot=options.slot, partitions=options.partitions)
    run_app(build_app(options))
