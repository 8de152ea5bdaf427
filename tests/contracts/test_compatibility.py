"""What counts as a breaking change, planted one at a time; and that nothing committed breaks the baseline."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from contracts.compatibility import breaking_changes
from contracts.events.registry import EVENT_TYPES
from contracts.schema_documents import data_schema

ROOT = Path(__file__).parents[2]
BASELINE = ROOT / "contracts/schemas/baseline"
RECEIPT: dict[str, Any] = data_schema(EVENT_TYPES["sale.completed.v1"])
POLICY: dict[str, Any] = data_schema(EVENT_TYPES["policy.set.v1"])


def changed(schema: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with the value at a slash-separated path replaced, or removed when the value is None."""
    out = copy.deepcopy(schema)
    *parents, last = path.split("/")
    place = out
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    key: Any = int(last) if isinstance(place, list) else last
    if value is None:
        del place[key]
    else:
        place[key] = value
    return out


BREAKING = {
    "a property was removed": ("properties/customer_ref", None, "/customer_ref: removed"),
    "a property became required": ("required", ["receipt_id", "currency", "lines", "till_id"], "/: 'till_id' is now required"),
    "an enum value was removed": (
        "properties/channel/enum",
        ["store", "online", "phone"],
        "/channel: value 'delivery' is no longer accepted",
    ),
    "a lower bound was raised": ("$defs/SaleLine/properties/gross/minimum", 1, "/lines/*/gross: minimum changed from 0 to 1"),
    "an upper bound was lowered": ("properties/receipt_id/maxLength", 60, "/receipt_id: maxLength changed from 120 to 60"),
    "a pattern changed": ("properties/receipt_id/pattern", "^[0-9]+$", r"/receipt_id: pattern changed from ^[^\x00-\x1f|]+$ to ^[0-9]+$"),
    "a type changed": ("$defs/SaleLine/properties/tax/type", "string", "/lines/*/tax: type changed from integer to string"),
    "a variant was removed": ("properties/till_id/anyOf/1", None, "/till_id: type changed from null to string"),
    "a default changed": (
        "properties/channel/default",
        "online",
        "/channel: default changed from 'store' to 'online', which events leave out",
    ),
    "a bound appeared": ("properties/lines/uniqueItems", True, "/lines: uniqueItems changed from None to True"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_each_planted_breaking_change_is_found_and_named(name: str) -> None:
    """A change that refuses what was valid is reported with its place."""
    path, value, expected = BREAKING[name]

    found = breaking_changes(RECEIPT, changed(RECEIPT, path, value))

    assert expected in [str(change) for change in found]


HARMLESS = {
    "an optional property was added": ("properties/loyalty_tier", {"type": "string"}),
    "a value was added": ("properties/channel/enum", ["store", "online", "phone", "delivery", "kiosk"]),
    "an upper bound was raised": ("properties/receipt_id/maxLength", 200),
    "a required property became optional": ("required", ["receipt_id", "lines"]),
    "a description changed": ("description", "A sale."),
    "a bound disappeared": ("properties/lines/maxItems", None),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_changes_that_accept_more_are_not_breaking(name: str) -> None:
    """What only widens the contract passes."""
    path, value = HARMLESS[name]

    assert breaking_changes(RECEIPT, changed(RECEIPT, path, value)) == []


def test_a_policy_that_is_dropped_from_the_union_is_breaking() -> None:
    """Removing one member of a discriminated union refuses its old events."""
    new = changed(POLICY, "properties/parameters/oneOf/0", None)

    assert breaking_changes(POLICY, new) != []


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_a_schema_is_compatible_with_itself(name: str) -> None:
    """The comparison is reflexive for every real schema."""
    schema = data_schema(EVENT_TYPES[name])

    assert breaking_changes(schema, schema) == []


@pytest.mark.parametrize("path", sorted(BASELINE.glob("*.json")), ids=lambda path: path.stem)
def test_no_schema_breaks_what_was_released(path: Path) -> None:
    """Every event type of the baseline still exists and accepts what it accepted."""
    old = json.loads(path.read_text("utf-8"))

    assert path.stem in EVENT_TYPES, "a released event type is never removed within its major version"
    assert [str(change) for change in breaking_changes(old, data_schema(EVENT_TYPES[path.stem]))] == []


def test_the_baseline_is_not_empty() -> None:
    """An empty baseline would let everything pass."""
    assert len(list(BASELINE.glob("*.json"))) >= 17
