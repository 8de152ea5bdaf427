"""Golden files: a vendor's payload, and beside it what it becomes, in one canonical form.

Set TILLSTREAM_REWRITE_GOLDEN=1 to write what the code gives now; the difference is then read in the commit.
"""

import json
from pathlib import Path
from typing import Any, cast

from contracts.codec import encode
from contracts.topics import STORE_FACTS
from producers.sources.vendor import Translated
from producers.sources.vendors import VENDORS, VendorName
from tests.producers.vendors.accounts import CONNECTIONS, GOLDEN

REWRITE = "TILLSTREAM_REWRITE_GOLDEN"
PAYLOADS = sorted(path for path in GOLDEN.rglob("*.json*") if not path.name.endswith(".events.json"))


def name_of(payload: Path) -> str:
    """Name a case as vendor/case."""
    return f"{payload.parent.name}/{payload.stem}"


def vendor_of(payload: Path) -> VendorName:
    """Return whose payload it is."""
    return cast(VendorName, payload.parent.name)


def expected_of(payload: Path) -> Path:
    """Return the file of what a payload becomes."""
    return payload.with_name(f"{payload.stem}.events.json")


def translated(payload: Path) -> Translated:
    """Translate a payload by its vendor and account."""
    vendor = vendor_of(payload)
    return VENDORS[vendor].translated(payload.read_bytes(), CONNECTIONS[vendor])


def bytes_of(result: Translated) -> list[Any]:
    """Return the records that the events become."""
    return [encode(event, STORE_FACTS) for event in result.events]


def canonical(result: Translated) -> str:
    """Write events, as headers and value of their records, and refusals."""
    events = [
        {"headers": {name: value.decode() for name, value in record.headers}, "value": json.loads(record.value)}
        for record in bytes_of(result)
    ]
    refused = [{"code": row.code, "pointer": row.pointer, "expected": row.expected} for row in result.refused]
    return json.dumps({"events": events, "refused": refused}, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
