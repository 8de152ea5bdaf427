"""The committed contract documents, generated from the models: JSON Schemas, an AsyncAPI document, examples, a page an event.

Pure: it returns texts by path. `tillstream schemas write` writes them, `tillstream schemas check` compares.
"""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from contracts.codec import schema_path
from contracts.envelope import Envelope
from contracts.event_pages import pages
from contracts.events.registry import ALERT_CHANGED, EVENT_TYPES, REORDER_RECOMMENDED, RULE_PROGRESSED, SALES_OBSERVED, TICK, EventType
from contracts.example_events.build import Json
from contracts.example_events.table import EXAMPLES, examples_of
from contracts.fields import Model
from contracts.topics import (
    ALERTS,
    CHAIN_OBSERVATIONS,
    REFERENCE_DATA,
    REORDER_RECOMMENDATIONS,
    SERVER_PARTITIONS,
    STORE_FACTS,
    TOPICS,
    Topic,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE_PATH = "contracts/schemas/envelope.json"
ASYNCAPI_PATH = "contracts/schemas/asyncapi.json"

CARRIES: dict[str, tuple[str, ...]] = {
    STORE_FACTS: (*(name for name, row in EVENT_TYPES.items() if row.kind in ("fact", "reference", "correction")), TICK),
    REFERENCE_DATA: tuple(name for name, row in EVENT_TYPES.items() if row.kind == "reference"),
    ALERTS: (ALERT_CHANGED, RULE_PROGRESSED),
    REORDER_RECOMMENDATIONS: (REORDER_RECOMMENDED,),
    CHAIN_OBSERVATIONS: (SALES_OBSERVED, RULE_PROGRESSED),
}
"""Topic to the event types that it may hold; a topic that is missing has no type of its own yet."""


class WireSchema(GenerateJsonSchema):
    """JSON Schema of what is on the wire: decimals are strings, and titles are not made up from field names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave generated titles out: they repeat the name of the field."""
        del schema
        return False

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Describe a decimal as a string of plain digits, or a whole number; never a fraction in floating point."""
        places = schema.get("decimal_places") or 0
        whole = (schema.get("max_digits") or 18) - places
        signed = schema.get("ge") is None and schema.get("gt") is None
        positive = r"(?=.*[1-9])" if schema.get("gt") is not None else ""
        text: JsonSchemaValue = {"type": "string", "pattern": rf"^{positive}{'-?' if signed else ''}\d{{1,{whole}}}(\.\d{{1,{places}}})?$"}
        number: JsonSchemaValue = {"type": "integer"}
        if not signed:
            number["minimum"] = 1 if positive else 0
        return {"anyOf": [text, number]}


def documents() -> dict[str, str]:
    """Return every generated file: its path within the project and its text."""
    texts = {schema_path(name): _text(data_schema(row)) for name, row in EVENT_TYPES.items()}
    texts[ENVELOPE_PATH] = _text(envelope_schema())
    texts[ASYNCAPI_PATH] = _text(asyncapi())
    texts.update(pages({name: data_schema(row) for name, row in EVENT_TYPES.items()}))
    texts.update({f"contracts/examples/{path}": _text(event) for path, event in EXAMPLES.items()})
    return texts


def data_schema(row: EventType) -> Json:
    """Return the JSON Schema of the data of one event type."""
    examples = [event["data"] for event in examples_of(row.name)]
    return {"$schema": DIALECT, "$id": _urn(row.name), **_schema_of(row.model), "examples": examples}


def envelope_schema() -> Json:
    """Return the JSON Schema of an event in CloudEvents' JSON form; `data` has the schema of its type."""
    schema = _schema_of(Envelope)
    schema["properties"] |= {"datacontenttype": {"const": "application/json"}, "data": {"type": "object"}}
    schema["required"] = ["specversion", *schema["required"], "data"]
    schema["title"] = "Event"
    schema["description"] = "A CloudEvents 1.0 event. On the log its attributes are headers (`ce_…`) and `data` is the value."
    return {"$schema": DIALECT, "$id": _urn("envelope"), **schema}


def asyncapi() -> Json:
    """Return the AsyncAPI 3 document: every topic as a channel with the messages that it may hold."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tillstream",
            "version": "1.0.0",
            "description": "Facts of stores, reference data, alerts and reorder recommendations on Kafka.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": dict(operation for topic in TOPICS.values() for operation in _operations(topic)),
        "components": {"messages": {name: _message(row) for name, row in EVENT_TYPES.items()}},
    }


def _channel(topic: Topic) -> Json:
    retention: Json = {} if topic.retention_days is None else {"retention.ms": topic.retention_days * 86_400_000}
    return {
        "address": topic.name,
        "description": f"{topic.purpose} Key: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in CARRIES.get(topic.name, ())},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions(SERVER_PARTITIONS),
                "topicConfiguration": {"cleanup.policy": ["delete"], **retention},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations(topic: Topic) -> list[tuple[str, Json]]:
    rows = [("send", writer) for writer in topic.writers] + [("receive", reader) for reader in topic.readers]
    channel = {"$ref": f"#/channels/{topic.name}"}
    return [(f"{who}-{action}-{topic.name}", {"action": action, "title": who, "channel": channel}) for action, who in rows]


def _message(row: EventType) -> Json:
    return {
        "name": row.name,
        "title": row.model.__name__,
        "summary": _first_sentence(row.model),
        "contentType": "application/json",
        "headers": {"type": "object", "properties": {"ce_type": {"const": row.name}}, "required": ["ce_type"]},
        "payload": {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": {"$ref": f"{row.name}.json"}},
    }


def _first_sentence(model: type[Model]) -> str:
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())


def _schema_of(model: type[Model]) -> Json:
    return model.model_json_schema(mode="validation", by_alias=True, schema_generator=WireSchema)


def _urn(name: str) -> str:
    return f"urn:tillstream:contract:{name}"


def _text(document: Json) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
