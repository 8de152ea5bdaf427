"""How fast this machine is at the moment: the same small work each time, so that results of two hours can be told apart."""

import json
import time
from typing import Final

from tests.benchmarks.results import Metric

_SECONDS: Final = 0.4
_RECEIPT: Final = {"receipt": "R1", "lines": [{"sku": f"SKU-{n:05d}", "quantity": "1", "gross": 1500 * n} for n in range(4)]}


def yardstick() -> float:
    """Return thousands of rounds a core second: a receipt of four lines is written as JSON, read, and added up by SKU."""
    sums, rounds, began = dict[str, int](), 0, time.process_time()
    while (taken := time.process_time() - began) < _SECONDS:
        for _ in range(200):
            for line in json.loads(json.dumps(_RECEIPT))["lines"]:
                sums[line["sku"]] = sums.get(line["sku"], 0) + line["gross"]
        rounds += 200
    return rounds / taken / 1_000


class Yardstick:
    """The machine's speed at the beginning and after each part of a measurement."""

    def __init__(self) -> None:
        self._found = [yardstick()]

    def look(self) -> None:
        """Take the machine's speed again."""
        self._found.append(yardstick())

    def metrics(self) -> list[Metric]:
        """Return the lowest and the highest."""
        unit = "thousand rounds a core second"
        return [
            Metric("the machine's own speed meanwhile, lowest", round(min(self._found), 1), unit),
            Metric("the machine's own speed meanwhile, highest", round(max(self._found), 1), unit),
        ]
