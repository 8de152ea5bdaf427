"""The pages below docs/events, one an event type, from the same models as the schemas: meaning, fields, an example. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from contracts.events.registry import EVENT_TYPES, EventType, Kind
from contracts.example_events.table import examples_of

FOLDER = "docs/events"
_KINDS: dict[Kind, str] = {
    "fact": "Facts: what happened in a store",
    "correction": "Corrections",
    "reference": "Reference data: versions with a date from which they hold",
    "control": "Control records",
    "derived": "What rules say",
}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "minItems": "at least", "maxItems": "at most"}


def pages(schemas: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return path to text for every event type (name to JSON Schema given), and the list of them."""
    found = {f"{FOLDER}/{name}.md": _page(EVENT_TYPES[name], schema) for name, schema in schemas.items()}
    return {f"{FOLDER}/README.md": _list(schemas), **found}


def _list(schemas: dict[str, dict[str, Any]]) -> str:
    lines = [
        "# Events",
        "",
        "Every event has the attributes of the [envelope](../../contracts/schemas/envelope.json); `data` is described here.",
    ]
    for kind, title in _KINDS.items():
        lines += ["", f"## {title}", ""]
        lines += [f"- [`{name}`]({name}.md): {_sentence(schema)}" for name, schema in schemas.items() if EVENT_TYPES[name].kind == kind]
    return "\n".join(lines) + "\n"


def _page(declared: EventType, schema: dict[str, Any]) -> str:
    lines = [f"# `{declared.name}`", "", _sentence(schema), ""]
    lines += [f"JSON Schema: [`contracts/schemas/{declared.name}.json`](../../contracts/schemas/{declared.name}.json)"]
    lines += ["", *_table("Fields of `data`", schema, schema)]
    for name, model in schema.get("$defs", {}).items():
        if "properties" in model:
            lines += ["", *_table(f"`{name}`", model, schema)]
    example = json.dumps(examples_of(declared.name)[0], ensure_ascii=False, indent=2)
    return "\n".join([*lines, "", "## An example", "", "```json", example, "```"]) + "\n"


def _table(title: str, model: dict[str, Any], root: dict[str, Any]) -> Iterator[str]:
    yield from (f"## {title}", "")
    if model is not root:
        yield from (_sentence(model), "")
    yield from ("| field | type | needed | meaning | example |", "|---|---|---|---|---|")
    required = set(model.get("required", ()))
    for name, field in model.get("properties", {}).items():
        needed = "yes" if name in required else "no"
        cells = (f"`{name}`", _type(field), needed, field.get("description", ""), _example(field))
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _type(field: dict[str, Any]) -> str:
    variants = [variant for variant in field.get("anyOf", field.get("oneOf", [field])) if variant.get("type") != "null"]
    if [variant.get("type") for variant in variants] == ["string", "integer"]:
        return "decimal, as text"
    texts = list(dict.fromkeys(_simple_type(variant) for variant in variants))
    return " or ".join(texts) + (", personal: encrypted" if any(variant.get("x-personal") for variant in variants) else "")


def _simple_type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return f"`{field['$ref'].removeprefix('#/$defs/')}`"
    if "const" in field or "enum" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_simple_type(field['items'])}"
    kind = {"integer": "whole number", "string": "text", "boolean": "true or false", "object": "object"}.get(str(field.get("type")), "any")
    if "format" in field:
        return {"date-time": "time with offset", "date": "date", "uuid": "UUID", "time": "time of day"}.get(field["format"], kind)
    bounds = [f"{sign} {field[key]}" for key, sign in _BOUNDS.items() if key in field and abs(field[key]) < 2**31 - 1]
    return f"{kind} {' '.join(bounds)}" if bounds and kind == "whole number" else kind


def _example(field: dict[str, Any]) -> str:
    examples: list[Any] = field.get("examples") or next((v["examples"] for v in field.get("anyOf", ()) if "examples" in v), [])
    return f"`{json.dumps(examples[0], ensure_ascii=False)}`" if examples else ""


def _sentence(schema: dict[str, Any]) -> str:
    return " ".join(str(schema.get("description", "")).split())
