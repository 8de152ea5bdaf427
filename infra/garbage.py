"""How often this process looks for cycles of garbage: processes that make many small objects and no cycles do so rarely."""

import gc

_THRESHOLDS = (50_000, 20, 50)


def collect_rarely() -> None:
    """Leave what is there for good out of collections, and have fewer of them; call it once a process has imported what it needs."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
