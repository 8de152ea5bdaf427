"""Write values and commented entries of a mapping file as YAML that reads back as the same values."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[^\W\d_][\w./%-]*(?: [\w./%-]+)*")
_RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off"})


def scalar(value: Any) -> str:
    """Write a text, a number, a truth value, a list or a mapping on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.casefold() not in _RESERVED else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {scalar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(scalar, value)) + "]"
    return str(value)


def entry(depth: int, key: str, value: Any, comment: str = "") -> str:
    """Write `key: value` with a comment beside it."""
    return beside("  " * depth + f"{key}: {scalar(value)}", comment)


def beside(text: str, comment: str) -> str:
    """Put a comment beside a line; a line break in it would end it."""
    return f"{text}  # {' '.join(comment.split())}" if comment else text
