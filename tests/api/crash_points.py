"""A crash point that only notes that it was passed, and what the world looked like then."""

import threading
from collections.abc import Callable


class Recorder:
    """Notes each point with an observation; observes in a thread of its own, as the caller holds the event loop."""

    def __init__(self, observe: Callable[[], int]) -> None:
        self._observe = observe
        self.passed: list[tuple[str, int]] = []

    def reach(self, name: str) -> None:
        """Note a point."""

        def note() -> None:
            self.passed.append((name, self._observe()))

        thread = threading.Thread(target=note)
        thread.start()
        thread.join()
