"""Do independent parts of an evaluation in as many processes as there are cores, and say how far it is."""

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

Result = TypeVar("Result")


def in_processes(function: Callable[..., Result], tasks: Mapping[str, tuple[object, ...]]) -> dict[str, Result]:
    """Return what a function of a module makes of each named task, in the order of the tasks; the first error ends all."""
    began, found = time.monotonic(), dict[str, Result]()
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        running = {pool.submit(function, *arguments): name for name, arguments in tasks.items()}
        for done in as_completed(running):
            found[running[done]] = done.result()
            print(f"  {len(found)} of {len(tasks)}: {running[done]}, {time.monotonic() - began:.0f} s", flush=True)
    return {name: found[name] for name in tasks}
