"""Open a mapping file and say precisely what is wrong with it: file, place, and what was expected there."""

import re
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from contracts.codec import problems_of
from contracts.errors import Problem
from producers.mappings.schema import CsvMapping

_BOOLEAN = "tag:yaml.org,2002:bool"
SHIPPED = Path(__file__).parent
UNDECIDED = "TO DECIDE"
"""How a text begins that a draft leaves to its owner; no mapping is read while it has one."""


class MappingInvalid(ValueError):
    """A mapping file that cannot be used; `problems` say where (JSON pointers) and what was expected."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        super().__init__(f"{source}: " + "; ".join(str(problem) for problem in problems))
        self.source = source
        self.problems = problems


class _MappingLoader(yaml.SafeLoader):
    """YAML without two of its traps: a key written twice is a mistake, and `No` is a column or a country, not a boolean."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is written twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_MappingLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != _BOOLEAN] for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_MappingLoader.add_implicit_resolver(_BOOLEAN, re.compile(r"(?:true|false)$", re.IGNORECASE), list("tTfF"))


def parse_mapping(text: str, source: str = "mapping") -> CsvMapping:
    """Read a mapping from YAML; MappingInvalid lists every problem."""
    try:
        content = yaml.load(text, Loader=_MappingLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        raise MappingInvalid(source, [Problem("not_yaml", "", f"YAML at {place}: {error.problem}")]) from error
    except yaml.YAMLError as error:  # a character that no YAML file may hold
        raise MappingInvalid(source, [Problem("not_yaml", "", f"YAML: {' '.join(str(error).split())}")]) from error
    undecided = list(_undecided(content, ""))
    try:
        mapping = CsvMapping.model_validate(content)
    except ValidationError as error:
        places = tuple(problem.pointer for problem in undecided)
        raise MappingInvalid(source, [*undecided, *(row for row in problems_of(error) if not row.pointer.startswith(places))]) from error
    if undecided:
        raise MappingInvalid(source, undecided)
    return mapping


def _undecided(content: Any, pointer: str) -> Iterator[Problem]:
    """Find the decisions that are still open, with what is asked."""
    if isinstance(content, str) and content.startswith(UNDECIDED):
        yield Problem("undecided", pointer, "your decision: " + content.removeprefix(UNDECIDED).lstrip(": "))
    elif isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in items:
            yield from _undecided(value, f"{pointer}/{key}")


def read_mapping(file: Path) -> CsvMapping:
    """Read a mapping file; a bare name such as `online_retail` finds a shipped one."""
    path = file if file.exists() or file.suffix else SHIPPED / f"{file.name}.yaml"
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        shipped = ", ".join(sorted(found.stem for found in SHIPPED.glob("*.yaml")))
        raise MappingInvalid(str(file), [Problem("no_file", "", f"a readable file, or one of the shipped mappings: {shipped}")]) from error
    return parse_mapping(text, path.name)
