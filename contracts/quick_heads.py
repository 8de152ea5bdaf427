"""What the headers of a fact say, for whoever reads many of them into columns: no envelope is made of them. Pure.

This is no further reading: attributes are judged as `quick_codec` judges them, those with few values once for all records that say the
same, times by their parts. Whatever is not plainly good is left to the codec. Narrower by construction, never wider.
"""

import re
from binascii import unhexlify
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from contracts import compiled_patterns
from contracts.codec import HASHED, said_hash
from contracts.quick_codec import OWN_READERS, REPEATED_HEADERS, quick_envelope
from contracts.records import Headers, LogRecord

_SHAPES_KEPT: Final = 256
_KEPT: Final = 65_536
_is_id = re.compile(compiled_patterns.ID.encode()).search
_is_moment = re.compile(compiled_patterns.MOMENT).search
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Head(msgspec.Struct, frozen=True, gc=False):
    """A fact's type, store, business date, id (sixteen bytes), time (Unix microseconds, and the offset it was written with), and hash."""

    event_type: str
    store_id: str
    day: date
    identity: bytes
    occurred_us: int
    offset_minutes: int
    event_hash: int


def quick_head(record: LogRecord) -> Head | None:
    """Read what the headers of a fact with a business date say, with its content's hash; None leaves the record to the codec."""
    try:
        names, values = zip(*record.headers, strict=True)
        shape = _SHAPES.get(names) or _shape_of(names)
        few = shape.few_of(values)
        told = shape.told.get(few) or _judged(shape, few, record.headers)
        occurred_us, offset_minutes = _instant(values[shape.time])
        identity = values[shape.identity]
        if not _is_id(identity):
            return None
        for place, judge in shape.others:
            judge(values[place])
        event_hash = said_hash(shape.said_of(values), record.value or b"")
        return Head(*told, unhexlify(identity.replace(b"-", b"")), occurred_us, offset_minutes, event_hash)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


class _Told(NamedTuple):
    """What the attributes with few values say."""

    event_type: str
    store_id: str
    day: date


class _Shape(NamedTuple):
    """Where the attributes stand in headers of certain names in a certain order."""

    few_of: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    said_of: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    identity: int
    time: int
    others: tuple[tuple[int, Callable[[Any], object]], ...]
    told: dict[tuple[Any, ...], _Told]


_SHAPES: Final[dict[tuple[str, ...], _Shape]] = {}


def _shape_of(names: tuple[str, ...]) -> _Shape:
    """Find out where everything stands; KeyError where an attribute is missing. Of two headers of a name the last counts."""
    places = {name: place for place, name in enumerate(names)}
    few = [place for name, place in places.items() if name in REPEATED_HEADERS]
    others = [(place, _JUDGES.get(name, OWN_READERS[name][1])) for name, place in places.items() if name in OWN_READERS]
    identity, time = places["ce_id"], places["ce_time"]
    own = tuple(each for each in others if each[0] not in {identity, time})
    shape = _Shape(itemgetter(*few), itemgetter(*(places[name] for name in HASHED)), identity, time, own, {})
    if len(_SHAPES) >= _SHAPES_KEPT:
        _SHAPES.clear()
    _SHAPES[names] = shape
    return shape


def _judged(shape: _Shape, few: tuple[Any, ...], headers: Headers) -> _Told:
    """Judge the attributes with few values, as part of an envelope; KeyError where they are not plainly good."""
    envelope = quick_envelope(headers)
    if envelope is None or envelope.business_date is None or None in few:
        raise KeyError(few)
    if len(shape.told) >= _KEPT:
        shape.told.clear()
    told = shape.told[few] = _Told(envelope.type, envelope.store_id, envelope.business_date)
    return told


class _Parts(dict[bytes, int]):
    """Numbers of the parts of canonical times, each judged once within a time whose other parts are good."""

    def __init__(self, around: str, number_of: Callable[[datetime], int]) -> None:
        super().__init__()
        self._around, self._number_of = around, number_of

    def __missing__(self, part: bytes) -> int:
        text = self._around.format(part.decode("ascii"))
        if not _is_moment(text):
            raise KeyError(part)
        if len(self) >= _KEPT * 2:
            self.clear()
        number = self[part] = self._number_of(datetime.fromisoformat(text))
        return number


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _minutes(moment: datetime) -> int:
    return (moment.utcoffset() or timedelta()) // timedelta(minutes=1)


_DAYS: Final = _Parts("{}T00:00:00+00:00", _microseconds)
_CLOCKS: Final = _Parts("1972-01-01{}+00:00", lambda moment: _microseconds(moment) - _DAYS[b"1972-01-01"])
_OFFSETS: Final = _Parts("1972-01-01T00:00:00{}", _minutes)


def _instant(raw: bytes) -> tuple[int, int]:
    """Read a time in its canonical form: Unix microseconds and offset; KeyError for any other form."""
    fraction, offset = 0, raw[19:]
    if len(raw) == 32:
        fraction, offset = _fraction(raw[19:26]), raw[26:]
    minutes = _OFFSETS[offset]
    return _DAYS[raw[:10]] + _CLOCKS[raw[10:19]] + fraction - minutes * 60_000_000, minutes


def _fraction(raw: bytes) -> int:
    digits = raw[1:]
    if raw[:1] != b"." or not digits.isdigit() or digits == b"000000":
        raise KeyError(raw)
    return int(digits)


def _counter(raw: bytes) -> None:
    if not raw.isdigit() or len(raw) > 18:
        raise KeyError(raw)


_JUDGES: Final[dict[str, Callable[[Any], object]]] = {"ce_ingestedtime": _instant, "ce_deviceseq": _counter}
"""Attributes of nearly every fact whose values are nearly all different."""
