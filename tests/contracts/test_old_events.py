"""Events as earlier contracts wrote them: they are read without loss, keep their hash, and old majors are carried forward.

The files below `old_events` were written when a contract was younger and are never rewritten. A new one is added when a
contract grows: `python -m tests.contracts.test_old_events NAME` stores the present examples under that name.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts.codec import build_event, content_hash, encode
from contracts.envelope import Envelope
from contracts.example_events.table import EXAMPLES
from contracts.topics import STORE_FACTS

FOLDER = Path(__file__).with_name("old_events")


def stored() -> list[Any]:
    """Return every stored event with its place."""
    files = sorted(FOLDER.glob("*.json"))
    return [pytest.param(row, id=f"{file.stem}:{place}") for file in files for place, row in json.loads(file.read_text("utf-8")).items()]


def hash_of(event: dict[str, Any]) -> int:
    """Return the hash of an event as this version writes it."""
    attributes = {key: value for key, value in event.items() if key not in ("data", "datacontenttype")}
    record = encode(build_event(Envelope.model_validate(attributes), event["data"]), STORE_FACTS)
    return content_hash(record.headers, record.value)


@pytest.mark.parametrize("row", stored())
def test_an_old_event_is_read_and_keeps_its_hash(row: dict[str, Any]) -> None:
    """A till that repeats an old event after an upgrade sends a repeat, not a conflict."""
    assert hash_of(row["event"]) == row["hash"]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    content = {place: {"event": event, "hash": hash_of(event)} for place, event in EXAMPLES.items()}
    (FOLDER / f"{sys.argv[1]}.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
