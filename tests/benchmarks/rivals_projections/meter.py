"""How long a contender works, by the clock and by its own processor time; what came before its first record does not count."""

import json
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Meter:
    """Begins at the first record that a contender has in hand; `done` may be called again, the last call counts."""

    began: tuple[float, float] | None = None
    ended: tuple[float, float] = field(default=(0.0, 0.0))

    def begin(self) -> None:
        """Note that there is work, unless that was noted."""
        if self.began is None:
            self.began = (time.perf_counter(), time.process_time())

    def done(self) -> None:
        """Note that everything so far is durable and committed."""
        self.ended = (time.perf_counter(), time.process_time())

    def tell(self) -> None:
        """Print the result for the one who started this process."""
        began = self.began or self.ended
        print(json.dumps({"seconds": self.ended[0] - began[0], "core_seconds": self.ended[1] - began[1]}), flush=True)
