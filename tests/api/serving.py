"""An API process for tests: `python -m tests.api.serving <config as JSON>` prints where it serves."""

import json
import sys

from api.config import ApiConfig
from api.serve import serve
from infra.addresses import Addresses
from infra.logs import configure_logging
from tests.api.running import KEY


def main() -> None:
    """Serve until told to stop."""
    configure_logging("api", "warning")
    config = ApiConfig(Addresses(**json.loads(sys.argv[1])), KEY)
    serve(config, "127.0.0.1", 0, lambda address: print(address, flush=True))


if __name__ == "__main__":
    main()
