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
        plain = _PLAIN.fullmatch(value) and value.casefold() not in _RESERVED
        return value if plain else "".join(map(_printable, json.dumps(value, ensure_ascii=False)))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {scalar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(scalar, value)) + "]"
    return str(value)


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"


def entry(depth: int, key: str, value: Any, comment: str = "") -> str:
    """Write `key: value` with a comment beside it."""
    return beside("  " * depth + f"{key}: {scalar(value)}", comment)


def beside(text: str, comment: str) -> str:
    """Put a comment beside a line; a line break in it would end it, and what cannot be printed has no place in YAML."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in " ".join(comment.split()))
    return f"{text}  # {shown}" if shown else text
