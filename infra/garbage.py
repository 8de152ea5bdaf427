"""How often this process looks for cycles of garbage: processes that make many small objects and no cycles do so rarely."""

import gc

_YOUNG = 50_000
WITH_RECORDS = 1_000_000
"""Where some hundred thousand objects are records that wait: with fewer each of them would be walked once or twice before it is used."""


def collect_rarely(young: int = _YOUNG) -> None:
    """Leave what is there for good out of collections, and have one only when so many more objects were made than ended.

    Call it once a process has imported what it needs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(young, 20, 50)
