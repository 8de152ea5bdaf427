"""Waiting in tests: ask again until a deadline, never sleep and hope."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

_POLL_SECONDS = 0.02


def until(predicate: Callable[[], Answer], timeout: float = 10.0, what: str = "") -> Answer:
    """Return the first true answer; fail after `timeout` seconds with the last false one."""
    deadline = time.monotonic() + timeout
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or predicate}; last: {answer!r}")
        time.sleep(_POLL_SECONDS)
