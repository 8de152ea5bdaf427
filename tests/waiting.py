"""Waiting in tests: ask again until a deadline, never sleep and hope."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

_POLL_SECONDS = 0.02
_LONGEST_POLL_SECONDS = 0.5


def until(predicate: Callable[[], Answer], timeout: float = 10.0, what: str = "") -> Answer:
    """Return the first true answer; fail after `timeout` seconds with the last false one. What is dear to ask is asked less often."""
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
