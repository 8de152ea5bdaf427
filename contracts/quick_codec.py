"""The codec's `decode` in two thirds of the time, for records as the codec writes them; any other is left to the codec. Pure.

This is no third reading: the content is judged by the compiled one (`compiled.py`) and put into its model as it is; attributes that
come again and again are judged once. So the same record gives the same event, or the same error, either way.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, partial
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec.structs import asdict
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from contracts import compiled_patterns
from contracts.codec import decode
from contracts.compiled import CompiledType, compiled_type
from contracts.compiled_fields import NotCompilable
from contracts.envelope import Envelope, Event
from contracts.events.registry import EVENT_CORRECTED, EVENT_TYPES
from contracts.fields import Model, Moment
from contracts.records import Headers, LogRecord
from contracts.upcasting import UPCASTERS

Build = Callable[[Any], Any]
_put_values, _put_names, _put_extra, _put_private = (
    BaseModel.__dict__[name].__set__ for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
_REPEATED: Final = frozenset(
    {
        "specversion",
        "source",
        "type",
        "dataschema",
        "tenant_id",
        "store_id",
        "business_date",
        "device_id",
        "store_version",
        "history",
        "clock_ahead",
    }
)
"""Attributes with few values, which are judged once together: those of a store and a day come again and again."""
_ID_LENGTH = 36
"""Of an id with its hyphens; as JSON, so many bytes with an escape among them are too few characters for one."""
_as_id = msgspec.json.Decoder(UUID).decode
_is_moment = re.compile(compiled_patterns.MOMENT).search


def quickly_decoded(record: LogRecord) -> Event[Model]:
    """Read and validate a record; UnreadableRecord says which header or field, and what was expected."""
    envelope = quick_envelope(record.headers)
    if envelope is None or record.value is None or envelope.type in UPCASTERS:
        return decode(record)
    content = _content(envelope.type, record.value)
    return decode(record) if content is None else Event(envelope, content)


def compiled_events(event_type: str, records: Sequence[LogRecord]) -> Iterator[Event[Any] | None]:
    """Read records of a type whose content stays as it was compiled: decimals, times and ids are canonical text.

    None leaves one to the codec: one that only looks as if it were of the type, too. Corrections are left to it, for they carry
    content of another type.
    """
    kind = None if event_type in UPCASTERS or event_type == EVENT_CORRECTED else compiled_type(event_type)
    contents = [None] * len(records) if kind is None else kind.all_judged([record.value or b"" for record in records])
    for record, content in zip(records, contents, strict=True):
        envelope = None if content is None else quick_envelope(record.headers)
        yield None if envelope is None or envelope.type != event_type else Event(envelope, content)


def built(event: Event[Any]) -> Event[Any]:
    """Return an event that `compiled_events` gave with its content in its model, as `quickly_decoded` gives it; any other as it is."""
    way = None if isinstance(event.data, BaseModel) else _way(event.envelope.type)
    return event if way is None else Event(event.envelope, way[1](event.data))


def quick_envelope(headers: Headers) -> Envelope | None:
    """Read the attributes; None leaves them to the codec."""
    try:
        repeated, own = _layout(tuple([name for name, _ in headers]))
        known = _repeated_values(tuple([headers[place] for place in repeated]))
        if known is None:
            return None
        values = known.copy()
        for place, name, read in own:
            raw: bytes | None = headers[place][1]
            if raw is not None:
                values[name] = read(raw)
    except (ValidationError, UnicodeDecodeError):
        return None
    for name in _OWN_REQUIRED:
        if values[name] is ...:
            return None
    envelope: Envelope = _filled(Envelope.__new__(Envelope), values, _ATTRIBUTES)
    return envelope


@lru_cache(maxsize=256)
def _layout(names: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[tuple[int, str, Build], ...]]:
    """Return where among headers the repeated attributes are, and where the others with how each is read; one writer has one layout."""
    own = tuple((place, *OWN_READERS[name]) for place, name in enumerate(names) if name in OWN_READERS)
    return tuple(place for place, name in enumerate(names) if name in REPEATED_HEADERS), own


@lru_cache(maxsize=8192)
def _repeated_values(headers: tuple[tuple[str, bytes | None], ...]) -> dict[str, Any] | None:
    """Return the values of all attributes, with those judged that are repeated; never to be changed. None where one is missing."""
    values = dict(_ABSENT) | {_READERS[name][0]: _READERS[name][1](raw) for name, raw in headers if raw is not None}
    return None if any(values[name] is ... for name in _REQUIRED if name in _REPEATED) else values


def _content(event_type: str, value: bytes) -> Model | None:
    """Read the content; None leaves it to the codec."""
    way = _way(event_type)
    if way is None:
        return None
    kind, build = way
    content = kind.judged(value)
    return None if content is None else build(content)


@lru_cache(maxsize=256)
def _way(event_type: str) -> tuple[CompiledType, Build] | None:
    """Return how the content of a type is read, and put into its model; None where both are left to the codec."""
    kind = compiled_type(event_type)
    try:
        return None if kind is None else (kind, builder(EVENT_TYPES[event_type].model))
    except NotCompilable:
        return None


def _filled(made: Any, values: dict[str, Any], names: set[str]) -> Any:
    """Give a new model the values of all its fields, which were judged already."""
    _put_values(made, values)
    _put_names(made, names)
    _put_extra(made, None)
    _put_private(made, None)
    return made


@lru_cache(maxsize=256)
def builder(model: type[BaseModel]) -> Build:
    """Return what puts a compiled content into its model; NotCompilable where a field has a form that is not known here."""
    names, make = set(model.model_fields), partial(model.__new__, model)
    known = ((name, _conversion(info)) for name, info in model.model_fields.items())
    conversions = tuple((name, convert) for name, convert in known if convert is not None)

    def build(content: Any) -> Any:
        values = asdict(content)
        for name, convert in conversions:
            if (value := values[name]) is not None:
                values[name] = convert(value)
        return _filled(make(), values, names)

    return build


def _conversion(info: FieldInfo) -> Build | None:
    """Return what turns the compiled value of a field into the model's; None where it is that already."""
    form = _bare(info.annotation)
    if form is Decimal:
        return _decimal_or(info)
    if form in _TEXTS:
        return _TEXTS[form]
    if get_origin(form) is tuple:
        build = builder(get_args(form)[0])
        return lambda rows: tuple(map(build, rows))
    if isinstance(form, type) and issubclass(form, BaseModel):
        return builder(form)
    if form not in {str, int, bool} and get_origin(form) is not Literal:
        raise NotCompilable(f"{form} as a field of a model")
    return None


def _bare(annotation: Any) -> Any:
    """Take None and metadata off an annotation."""
    if get_origin(annotation) in {Union, UnionType}:
        annotation = next(part for part in get_args(annotation) if part is not NoneType)
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _decimal_or(info: FieldInfo) -> Build:
    """Return what makes a decimal of its text, and of no text the field's default."""
    if info.is_required() or info.default is None:
        return _decimal
    default = _adapter(info).validate_python(info.default) if info.validate_default else info.default

    def convert(text: Any) -> Any:
        return default if text is msgspec.UNSET else _decimal(text)

    return convert


_decimal = lru_cache(maxsize=65_536)(Decimal)
_AWARE: Any = get_args(Moment)[0]
_TEXTS: Mapping[Any, Build] = {_AWARE: datetime.fromisoformat, date: lru_cache(maxsize=4096)(date.fromisoformat), UUID: UUID}
"""Text in its canonical form to what the model holds; AwareDatetime is a type of its own."""


def _adapter(info: FieldInfo) -> TypeAdapter[Any]:
    form: Any = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
    return TypeAdapter(form)


def _reader(info: FieldInfo) -> Build:
    """Return what reads one attribute: in its canonical form at once, in any other as pydantic does, which may raise."""
    judge = _adapter(info).validate_python

    def precisely(raw: bytes) -> Any:
        return judge(raw.decode("utf-8", "replace"))

    def moment(raw: bytes) -> Any:
        text = raw.decode("utf-8", "replace")
        return datetime.fromisoformat(text) if _is_moment(text) else judge(text)

    def identity(raw: bytes) -> Any:
        try:
            return _as_id(b'"%b"' % raw) if len(raw) == _ID_LENGTH else precisely(raw)
        except msgspec.MsgspecError:
            return precisely(raw)

    form = _bare(info.annotation)
    return identity if form is UUID else moment if form is _AWARE else precisely


_ATTRIBUTES = set(Envelope.model_fields)
_REQUIRED = tuple(name for name, info in Envelope.model_fields.items() if info.is_required())
_OWN_REQUIRED = tuple(name for name in _REQUIRED if name not in _REPEATED)
_ABSENT: Mapping[str, Any] = {name: ... if info.is_required() else info.default for name, info in Envelope.model_fields.items()}
_READERS = {f"ce_{info.alias or name}": (name, _reader(info)) for name, info in Envelope.model_fields.items()}
REPEATED_HEADERS = {header for header, (name, _) in _READERS.items() if name in _REPEATED}
OWN_READERS = {header: known for header, known in _READERS.items() if header not in REPEATED_HEADERS}
