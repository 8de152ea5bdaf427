"""Runs the three servers by hand until SIGTERM or Ctrl-C: `python -m infra.embedded --data-dir DIR`."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from infra.embedded.stack import start_servers
from infra.embedded.stack_error import StackError
from infra.processes import StartInterrupted, Supervisor
from infra.settings import load_settings


def main() -> int:
    """Start, say where everything is, supervise, stop."""
    parser = argparse.ArgumentParser(prog="python -m infra.embedded")
    parser.add_argument("--data-dir", type=Path, help="where data, secrets and logs are kept")
    settings = load_settings(data_dir=parser.parse_args().data_dir)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with Supervisor(settings.data_dir) as supervisor:
            servers = start_servers(supervisor, settings, lambda step: _say(str(step)), stop)
            addresses = servers.addresses
            _say(f"TILLSTREAM_KAFKA_BOOTSTRAP={addresses.kafka_bootstrap}")
            _say(f"TILLSTREAM_POSTGRES_DSN={addresses.postgres_dsn}")
            _say(f"TILLSTREAM_CLICKHOUSE_URL={addresses.clickhouse_url}")
            supervisor.run_forever(stop)
    except StartInterrupted:
        return 0
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
