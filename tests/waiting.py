"""Waiting in tests: ask again until a deadline, never sleep and hope.

A deadline ends a wait for what will never come. On a machine that is busy with other work it must not end the wait for what comes
late: `--patience=5` makes every wait five times as long.
"""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

_POLL_SECONDS = 0.02
_LONGEST_POLL_SECONDS = 0.5
_FACTORS = [1.0]


def be_patient(factor: float) -> None:
    """Make all waits of this process so many times as long."""
    _FACTORS[:] = [factor]


def patience(seconds: float) -> float:
    """Return for how long a wait is told to last that lasts so many seconds on a machine with nothing else to do."""
    return seconds * _FACTORS[0]


def until(predicate: Callable[[], Answer], timeout: float = 30.0, what: str = "") -> Answer:
    """Return the first true answer; fail after `timeout` seconds with the last false one. What is dear to ask is asked less often."""
    timeout = patience(timeout)
    deadline = time.monotonic() + timeout
    while True:
        began = time.monotonic()
        answer = predicate()
        if answer:
            return answer
        now = time.monotonic()
        if now > deadline:
            raise AssertionError(f"not within {timeout} s: {what or predicate}; last: {answer!r}")
        time.sleep(min(max(_POLL_SECONDS, 2 * (now - began)), _LONGEST_POLL_SECONDS))
