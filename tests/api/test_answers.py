"""Every answer from a read model has one shape, and every one can be waited for: a walk over the routes that are served."""

from typing import Any

import pytest

from api.app import ApiConfig, create_app
from tests.api.test_permissions import KEY, NOWHERE

SAYS = {"as_of", "behind", "generation", "completeness"}
WAITS = {"min_position", "wait_ms"}
NO_READ_MODEL = {
    **dict.fromkeys(("health_live", "health_ready", "read_metrics"), "says how this process is"),
    **dict.fromkeys(("read_status", "read_accounting"), "tells of all read models, each with its own positions"),
    **dict.fromkeys(("list_quarantine", "read_quarantine_entry"), "is of the write model: true when it is written"),
    **dict.fromkeys(("list_dead_letters", "read_dead_letter"), "is written with the positions themselves"),
    **dict.fromkeys(("list_reconciliations", "read_reconciliation", "list_reconciliation_differences"), "is kept of a run, not of the log"),
    **dict.fromkeys(("list_archive_months", "read_archive_month"), "says what lies where, of records and not of what they come to"),
    "stream_alerts": "is the log itself, with positions as ids",
}
"""GET routes that answer from something else, and why."""


def _operations() -> dict[str, dict[str, Any]]:
    document = create_app(ApiConfig(NOWHERE, KEY)).openapi()
    found = {item["get"]["operationId"]: item["get"] for item in document["paths"].values() if "get" in item}
    schemas = document["components"]["schemas"]
    for operation in found.values():
        content = operation["responses"]["200"].get("content", {})
        name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        operation["answer"] = schemas.get(name, {})
    return found


OPERATIONS = _operations()
FROM_READ_MODELS = sorted(name for name in OPERATIONS if name not in NO_READ_MODEL)


def test_only_what_is_there_is_left_out() -> None:
    """A route that is gone leaves no exception behind."""
    assert NO_READ_MODEL.keys() <= OPERATIONS.keys()
    assert len(FROM_READ_MODELS) > 20


@pytest.mark.parametrize("name", FROM_READ_MODELS)
def test_an_answer_says_as_of_when_from_which_generation_and_how_complete(name: str) -> None:
    """All four fields are always there, and a caller may wait for a position first."""
    operation = OPERATIONS[name]
    assert set(operation["answer"].get("required", ())) >= SAYS, name
    assert {parameter["name"] for parameter in operation["parameters"]} >= WAITS, name
    assert {"409", "503"} <= operation["responses"].keys(), name
