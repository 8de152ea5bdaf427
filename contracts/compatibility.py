"""Would a new JSON Schema still accept everything that the old one accepted? Pure; errs on the strict side.

It understands what the models generate (objects, arrays, enumerations, bounds, `anyOf`, `$ref` into `$defs`);
any other difference between keywords counts as breaking.
"""

from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

_SAYS_NOTHING = frozenset(
    {"$schema", "$id", "$defs", "title", "description", "examples", "discriminator", "x-personal", "x-person-reference"}
)
_LOWER_BOUNDS = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems"})
_UPPER_BOUNDS = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems"})
_STRUCTURE = frozenset({"default", "properties", "required", "additionalProperties", "items", "anyOf", "oneOf", "enum", "const", "type"})


@dataclass(frozen=True, slots=True)
class Breaking:
    """One change after which something that was valid no longer is; `pointer` is a JSON pointer into the data."""

    pointer: str
    change: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.change}"


def breaking_changes(old: Schema, new: Schema) -> list[Breaking]:
    """Compare two schemas of one event type within a major version; empty when the new one accepts all that the old one did."""
    return _Comparison(old, new).compare(old, new, "", frozenset())


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The two documents, for their definitions."""

    old_root: Schema
    new_root: Schema

    def compare(self, old: Schema, new: Schema, at: str, seen: frozenset[tuple[str, str]]) -> list[Breaking]:
        pair = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if pair[0] and pair in seen:
            return []
        seen |= {pair}
        old, new = _resolved(old, self.old_root), _resolved(new, self.new_root)
        old_variants, new_variants = _variants(old), _variants(new)
        if len(old_variants) > 1 or len(new_variants) > 1:
            return self._variants_lost(old_variants, new_variants, at, seen)
        found = _values_lost(old, new, at) + _keywords_tightened(old, new, at)
        return found + self._properties_lost(old, new, at, seen) + self._items_lost(old, new, at, seen)

    def _variants_lost(self, old: list[Schema], new: list[Schema], at: str, seen: frozenset[tuple[str, str]]) -> list[Breaking]:
        found: list[Breaking] = []
        for variant in old:
            attempts = [self.compare(variant, candidate, at, seen) for candidate in new]
            if all(attempts):
                nearest = min(attempts, key=len)
                found.append(Breaking(at, f"{_name(variant)} is no longer accepted") if len(new) > 1 else nearest[0])
        return found

    def _properties_lost(self, old: Schema, new: Schema, at: str, seen: frozenset[tuple[str, str]]) -> list[Breaking]:
        before, after = old.get("properties", {}), new.get("properties", {})
        found = [Breaking(at, f"'{name}' is now required") for name in new.get("required", ()) if name not in old.get("required", ())]
        if old.get("additionalProperties", True) is not False and new.get("additionalProperties", True) is False:
            found.append(Breaking(at, "unknown properties are no longer accepted"))
        for name, schema in before.items():
            if name in after:
                found += self.compare(schema, after[name], f"{at}/{name}", seen)
            elif new.get("additionalProperties", True) is False:
                found.append(Breaking(f"{at}/{name}", "removed"))
        return found

    def _items_lost(self, old: Schema, new: Schema, at: str, seen: frozenset[tuple[str, str]]) -> list[Breaking]:
        if "items" not in new:
            return []
        return self.compare(old.get("items", {}), new["items"], f"{at}/*", seen)


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target: Schema = root["$defs"][reference.removeprefix("#/$defs/")]
    return {**_resolved(target, root), **{key: value for key, value in schema.items() if key != "$ref"}}


def _variants(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf") or schema.get("oneOf") or [schema])


def _name(schema: Schema) -> str:
    return str(schema.get("$ref", schema.get("type", "a variant"))).removeprefix("#/$defs/")


def _values(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _values_lost(old: Schema, new: Schema, at: str) -> list[Breaking]:
    found = []
    if "type" in new and old.get("type") != new["type"] and (old.get("type"), new["type"]) != ("integer", "number"):
        found.append(Breaking(at, f"type changed from {old.get('type', 'any')} to {new['type']}"))
    allowed = _values(new)
    if allowed is not None:
        before = _values(old)
        if before is None:
            found.append(Breaking(at, "now limited to listed values"))
        else:
            found += [Breaking(at, f"value {value!r} is no longer accepted") for value in before if value not in allowed]
    return found


def _keywords_tightened(old: Schema, new: Schema, at: str) -> list[Breaking]:
    found = []
    if "default" in old and new.get("default") != old["default"] and "const" not in new:
        found.append(Breaking(at, f"default changed from {old['default']!r} to {new.get('default')!r}, which events leave out"))
    for keyword, limit in new.items():
        if keyword in _SAYS_NOTHING or keyword in _STRUCTURE or keyword == "$ref" or old.get(keyword) == limit:
            continue
        before = old.get(keyword)
        looser = before is not None and ((keyword in _LOWER_BOUNDS and limit <= before) or (keyword in _UPPER_BOUNDS and limit >= before))
        if not looser:
            found.append(Breaking(at, f"{keyword} changed from {before} to {limit}"))
    return found
