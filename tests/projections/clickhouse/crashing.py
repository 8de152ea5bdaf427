"""A projection process for fault tests: it goes on from the stored positions and kills itself at a named point."""

import os
import signal
import sys
from dataclasses import dataclass

from infra.addresses import Addresses
from tests.projections.clickhouse.driving import drive


@dataclass
class KillAt:
    """Ends this process with -9 when a point is reached for the nth time."""

    point: str
    times: int

    def reach(self, name: str) -> None:
        """Count down at the point."""
        self.times -= name == self.point
        if self.times == 0:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    bootstrap, dsn, url, log_id, prefix, projection, size, point, times = sys.argv[1:]
    drive(Addresses(bootstrap, dsn, url, log_id, prefix), projection, int(size), crash_points=KillAt(point, int(times)))
