"""The owner process: opens the engine of a path and serves it until it is told to stop."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from infra.embedded.clickhouse.engine import Engine
from infra.embedded.clickhouse.server import Owner, OwnerServer
from infra.embedded.ports import LOOPBACK

_STOP_SECONDS = 8.0


def main() -> None:
    """Run until SIGTERM or SIGINT, then finish the requests that are being answered."""
    parser = argparse.ArgumentParser(prog="python -m infra.embedded.clickhouse")
    parser.add_argument("--path", type=Path, required=True, help="directory of the engine")
    parser.add_argument("--port", type=int, required=True, help="port on the loopback interface")
    parser.add_argument("--password-file", type=Path, required=True)
    options = parser.parse_args()
    stop = threading.Event()
    spool_dir = options.path.with_name("spool")
    spool_dir.mkdir(parents=True, exist_ok=True)
    engine = Engine(options.path)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    password = options.password_file.read_text("ascii").strip()
    server = OwnerServer((LOOPBACK, options.port), Owner(engine, password, spool_dir))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}).start()
    stop.wait()
    server.shutdown()
    if server.wait_idle(_STOP_SECONDS):
        engine.close()
    sys.stdout.flush()
    # Threads of idle connections and of the engine would hold a normal exit up.
    os._exit(0)


if __name__ == "__main__":
    main()
