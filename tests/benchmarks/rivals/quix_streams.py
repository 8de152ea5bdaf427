"""Quix Streams 3 as its manual shows it: a stateful `apply`, states in its store with its changelog; the same fold and states.

Runs in a virtual environment of its own (`quix.txt`), for its dependencies contradict ours.
"""

import json
import sys
from typing import Any

from quixstreams import Application, State

from contracts.records import RawRecord
from contracts.topics import STORE_FACTS
from infra.garbage import WITH_RECORDS, collect_rarely
from processors.fold import Fold
from tests.benchmarks.rivals.rules import chosen


def main(given: dict[str, Any]) -> None:
    """Run until killed."""
    fold = Fold(chosen(given["rules"]))
    app = Application(
        broker_address=given["bootstrap"],
        consumer_group=given["group"],
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=given["directory"],
        loglevel="WARNING",
        auto_create_topics=True,
    )
    topic = app.topic(f"{given['prefix']}{STORE_FACTS}", key_deserializer="bytes", value_deserializer="bytes")
    derived = app.topic(given["derived"], key_serializer="bytes", value_serializer="bytes")
    rows = app.dataframe(topic)
    at, chain_wide = {"offset": 0}, dict[str, bytes]()  # its state belongs to one message key; what concerns every store is kept here

    def judged(value: bytes, key: bytes, timestamp: int, headers: Any, state: State) -> list[dict[str, bytes | None]]:
        at["offset"] += 1
        record = RawRecord(STORE_FACTS, 0, at["offset"], timestamp, key, value, headers or [])
        folded = fold([record], lambda name: chain_wide.get(name) if name.startswith("@") else state.get_bytes(name))
        for stage in folded.stages:
            for name, held in stage.items():
                if name.startswith("@"):
                    chain_wide[name] = held
                else:
                    state.set_bytes(name, held)
        folded.settle(True)
        return [{"value": out.value} for out in folded.derived]

    rows = rows.apply(judged, expand=True, stateful=True, metadata=True)
    rows.apply(lambda row: row["value"]).to_topic(derived)
    app.run()


if __name__ == "__main__":
    collect_rarely(WITH_RECORDS)
    main(json.loads(sys.argv[1]))
