"""The committed contract documents: generated, complete, valid, and accepted by the codec byte for byte."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from contracts.codec import build_event, decode, encode
from contracts.envelope import Envelope
from contracts.events.registry import EVENT_TYPES
from contracts.schema_documents import CARRIES, asyncapi, documents
from contracts.topics import STORE_FACTS, TOPICS
from tests.contracts.strategies import on_the_log

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "contracts/examples").rglob("*.json"))


GENERATED = cache(documents)


def read(path: str) -> Any:
    """Read a committed JSON document."""
    return json.loads((ROOT / path).read_text("utf-8"))


def validator(path: str) -> Draft202012Validator:
    """Return a validator for a committed schema, formats included."""
    return Draft202012Validator(read(path), format_checker=FormatChecker())


@pytest.mark.parametrize("path", sorted(GENERATED()))
def test_the_committed_document_is_what_the_models_say(path: str) -> None:
    """A model was changed without `tillstream schemas write`, or a document was edited by hand."""
    assert GENERATED()[path] == (ROOT / path).read_text("utf-8")


def test_no_document_is_left_over() -> None:
    """A schema or example of a type that is gone would mislead."""
    kept = {str(path.relative_to(ROOT)) for folder in ("schemas", "examples") for path in (ROOT / "contracts" / folder).rglob("*.json")}
    kept |= {str(path.relative_to(ROOT)) for path in (ROOT / "docs/events").glob("*.md")}

    assert set(GENERATED()) == {path for path in kept if "/baseline/" not in path}


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_type_has_a_valid_schema_with_a_description_and_an_example(name: str) -> None:
    """A schema that is itself invalid would accept anything."""
    schema = read(f"contracts/schemas/{name}.json")

    Draft202012Validator.check_schema(schema)
    assert schema["title"] == EVENT_TYPES[name].model.__name__
    assert schema["description"]
    assert schema["examples"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid_and_survives_the_codec(path: Path) -> None:
    """Valid by envelope and data schema, decoded without loss, and the same bytes when written again."""
    event = json.loads(path.read_text("utf-8"))
    attributes = {key: value for key, value in event.items() if key not in ("data", "datacontenttype")}

    validator("contracts/schemas/envelope.json").validate(event)
    validator(event["dataschema"]).validate(event["data"])
    record = encode(build_event(Envelope.model_validate(attributes), event["data"]), STORE_FACTS)
    read_back = decode(on_the_log(record))
    again = encode(read_back, STORE_FACTS)

    assert (record.value, record.headers) == (again.value, again.headers)
    assert read_back.data == EVENT_TYPES[event["type"]].model.model_validate(event["data"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_with_an_unknown_field_is_refused_by_its_schema(path: Path) -> None:
    """The schemas are closed, as the models are."""
    event = json.loads(path.read_text("utf-8"))

    assert not validator(event["dataschema"]).is_valid({**event["data"], "colour": "red"})


@pytest.mark.parametrize(("field", "value"), [("currency", "XXX"), ("rounding_remainder", 0.5), ("lines", []), ("channel", "fax")])
def test_the_schema_refuses_what_the_codec_refuses(field: str, value: Any) -> None:
    """A producer that checks against the schema alone finds the same faults."""
    data = read("contracts/examples/sale.completed/v1/receipt_with_weighed_goods.json")["data"]

    assert not validator("contracts/schemas/sale.completed.v1.json").is_valid({**data, field: value})


def test_every_type_travels_on_a_declared_topic() -> None:
    """A type without a topic could be built but never sent."""
    assert set(EVENT_TYPES) == {name for names in CARRIES.values() for name in names}
    assert set(CARRIES) <= set(TOPICS)


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    """Local references resolve inside the document, others name a committed schema."""
    document = asyncapi()

    def references(value: Any) -> list[str]:
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        own = [value["$ref"]] if isinstance(value, dict) and "$ref" in value else []
        return own + [found for child in children for found in references(child)]

    def leads_somewhere(reference: str) -> bool:
        if not reference.startswith("#/"):
            return (ROOT / "contracts/schemas" / reference).exists()
        place: Any = document
        for part in reference[2:].split("/"):
            place = place.get(part, {})
        return bool(place)

    found = references(document)
    assert len(found) > len(TOPICS)
    assert [reference for reference in found if not leads_somewhere(reference)] == []


def test_the_asyncapi_document_names_every_topic_with_its_writers_and_readers() -> None:
    """Each declared writer sends and each declared reader receives."""
    document = asyncapi()

    assert set(TOPICS) == set(document["channels"])
    expected = sum(len(topic.writers) + len(topic.readers) for topic in TOPICS.values())
    assert expected == len(document["operations"])
