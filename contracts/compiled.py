"""A compiled reading of content: decoded, judged and written again in C, for events that are exactly in canonical form.

It is narrower than the precise reading, never wider: whatever it accepts, the precise reading accepts with the same bytes;
whatever it does not accept is read the precise way, which gives the canonical bytes or the error. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from operator import attrgetter
from typing import Any, get_origin

import msgspec
from pydantic import BaseModel

from contracts.codec import MAX_VALUE_BYTES
from contracts.compiled_fields import Check, NotCompilable, compiled_field, is_plain
from contracts.compiled_marks import is_marked
from contracts.compiled_rows import RowCheck, row_check
from contracts.events.registry import EVENT_TYPES, FACT_TYPES

_write = msgspec.json.Encoder().encode
_REFUSALS = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
_FEW = 8
"""So many are judged one by one where they are not accepted together."""


@dataclass(frozen=True, slots=True)
class CompiledForm:
    """A struct that content is decoded into; `validators` judge the whole, `text_checks` a field, `row_checks` the rows of a field."""

    struct: type[msgspec.Struct]
    decode: Callable[[bytes], Any]
    text_checks: tuple[tuple[str, Check], ...]
    row_checks: tuple[tuple[str, RowCheck], ...]
    validators: tuple[Callable[[Any], object], ...]

    def written(self, content: Any) -> bytes | None:
        """Judge what was decoded and return its canonical bytes, or None: read it the precise way."""
        try:
            written = _write(content) if self.accepts(content) else None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        return written if written is not None and len(written) <= MAX_VALUE_BYTES else None

    def all_accepted(self, values: Sequence[bytes]) -> list[Any] | None:
        """Decode contents and judge them together; None unless all of them are accepted."""
        try:
            contents = list(map(self.decode, values))
            for name, check in self.text_checks:
                if any(text is not None and check(text) != text for text in set(map(attrgetter(name), contents))):
                    return None
            for name, are_canonical in self.row_checks:
                if not are_canonical(list(chain.from_iterable(filter(None, map(attrgetter(name), contents))))):
                    return None
            for validate in self.validators:
                for content in contents:
                    validate(content)
        except _REFUSALS:
            return None
        return contents

    def accepts(self, content: Any) -> bool:
        """Judge what was decoded; False: read it the precise way."""
        try:
            for name, check in self.text_checks:
                if (text := getattr(content, name)) is not None and check(text) != text:
                    return False
            for name, are_canonical in self.row_checks:
                if (rows := getattr(content, name)) and not are_canonical(rows):
                    return False
            for validate in self.validators:
                validate(content)
        except _REFUSALS:
            return False
        return True


@dataclass(frozen=True, slots=True)
class CompiledType:
    """How the content of one event type is read: any JSON as a whole, and plain JSON (see `is_plain`) in less time."""

    whole: CompiledForm
    plain: CompiledForm

    def read(self, value: bytes) -> tuple[Any, bytes] | None:
        """Return content and its canonical bytes, or None: read it the precise way.

        The content has the attributes of its model; decimals, times and ids are canonical text there.
        """
        form, content = self._decoded(value)
        written = None if content is None else form.written(content)
        return None if written is None else (content, written)

    def judged(self, value: bytes) -> Any:
        """Return the content alone, or None: read it the precise way. Who reads the log writes nothing again."""
        form, content = self._decoded(value)
        return content if content is not None and form.accepts(content) else None

    def all_judged(self, values: Sequence[bytes]) -> list[Any]:
        """Return what `judged` returns of each, in less time: together, and apart where one of them is not accepted."""
        contents = self.plain.all_accepted(values) if is_plain(b"".join(values)) else None
        if contents is not None:
            return contents
        if len(values) <= _FEW:
            return list(map(self.judged, values))
        middle = len(values) // 2
        return [*self.all_judged(values[:middle]), *self.all_judged(values[middle:])]

    def _decoded(self, value: bytes) -> tuple[CompiledForm, Any]:
        form = self.plain if is_plain(value) else self.whole
        try:
            return form, form.decode(value)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return form, None


def compiled(model: type[BaseModel]) -> CompiledType:
    """Compile a model; NotCompilable where its compiled reading might differ from the precise one."""
    checks: list[tuple[str, Check]] = []
    row_checks: dict[str, RowCheck] = {}
    whole, plain = _struct(model, checks), _plain_struct(model, row_checks)
    validators = tuple(decorator.func for decorator in model.__pydantic_decorators__.model_validators.values())
    return CompiledType(
        CompiledForm(whole, msgspec.json.Decoder(whole).decode, tuple(checks), (), validators),
        CompiledForm(plain, msgspec.json.Decoder(plain).decode, tuple(checks), tuple(row_checks.items()), validators),
    )


def _struct(model: type[BaseModel], checks: list[tuple[str, Check]] | None = None) -> type[msgspec.Struct]:
    """Make the struct of a model; only the outermost may have validators and checks of text, which are gathered in `checks`."""
    _refuse_unknown(model, is_whole=checks is not None)
    rows: list[tuple[str, Any, Any]] = []
    for name, info in model.model_fields.items():
        found = compiled_field(info, _struct)
        if info.alias is not None or (found.checks and checks is None):
            raise NotCompilable(f"alias or validators of {model.__name__}.{name}")
        if checks is not None:
            checks.extend((name, check) for check in found.checks)
        rows.append((name, found.type, found.default))
    return defined(model.__name__, rows)


def _plain_struct(model: type[BaseModel], row_checks: dict[str, RowCheck]) -> type[msgspec.Struct]:
    """Make the struct of a model that can be compiled, for plain JSON; the decimals of its rows are left to `row_checks`."""
    rows: list[tuple[str, Any, Any]] = []
    for name, info in model.model_fields.items():
        patterns: dict[str, str] = {}
        struct_of = partial(_row_struct, patterns) if get_origin(info.annotation) is tuple else _struct
        found = compiled_field(info, struct_of, for_plain=True)
        if patterns:
            row_checks[name] = row_check(patterns)
        rows.append((name, found.type, found.default))
    return defined(model.__name__, rows)


def _row_struct(patterns: dict[str, str], model: type[BaseModel]) -> type[msgspec.Struct]:
    found = {name: compiled_field(info, _struct, for_plain=True, for_rows=True) for name, info in model.model_fields.items()}
    patterns |= {name: row.late_pattern for name, row in found.items() if row.late_pattern is not None}
    return defined(model.__name__, [(name, row.type, row.default) for name, row in found.items()])


def defined(name: str, rows: list[tuple[str, Any, Any]], **options: Any) -> type[msgspec.Struct]:
    """Make a struct of (name, type, default) that is closed to unknown fields and leaves defaults out; `options` are msgspec's."""
    fields = [(field, form | msgspec.UnsetType if default is msgspec.UNSET else form, default) for field, form, default in rows]
    return msgspec.defstruct(name, fields, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False, **options)


def _refuse_unknown(model: type[BaseModel], is_whole: bool) -> None:
    if model.model_config.get("extra") != "forbid" or model.model_config.get("populate_by_name"):
        raise NotCompilable(f"the configuration of {model.__name__}")
    found = model.__pydantic_decorators__
    others = (found.validators, found.field_validators, found.root_validators, found.field_serializers, found.model_serializers)
    if any(others) or found.computed_fields or (found.model_validators and not is_whole):
        raise NotCompilable(f"validators of {model.__name__}")
    for decorator in found.model_validators.values():
        if decorator.info.mode != "after" or not is_marked(decorator.func):
            raise NotCompilable(f"a validator of {model.__name__} that does not judge both forms")


@lru_cache(maxsize=256)
def compiled_type(event_type: str) -> CompiledType | None:
    """Return how the content of a type is read; None where it is read the precise way only."""
    declared = EVENT_TYPES.get(event_type)
    if declared is None or event_type not in FACT_TYPES:
        return None
    try:
        return compiled(declared.model)
    except NotCompilable:
        return None
