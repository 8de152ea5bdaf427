"""Judge documents that were read the compiled way: the same verdict and the same bytes as the precise judge, in a tenth of the time.

What is not plainly good is left to the precise judge, who says what is wrong. Pure.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from api.edge.judgement import ANSWERING_ROLES, CLOCK_TOLERANCE, MAY_BE_ANSWERS, Judge, Judged, StorePlace
from api.edge.local_times import local_minute, minute_and_seconds
from contracts.codec import CONTENT_TYPE_HEADER, said_hash, schema_path
from contracts.compiled_envelope import PostedEvent
from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS

Header = tuple[str, bytes]
_ONE_MINUTE = timedelta(minutes=1)
_SPECVERSION = ("ce_specversion", b"1.0")
_CLOCK_AHEAD = ("ce_clockahead", b"true")
_HISTORY = ("ce_history", b"true")


class _Minute(NamedTuple):
    """What all events of one minute at one store have in common within a request."""

    day: Header
    is_within_bounds: bool
    may_be_ahead: bool
    text: str
    offset: str


class _Store:
    """What all events of one store have in common within a request."""

    __slots__ = ("currency", "cut_off_hour", "key", "minutes", "place_headers", "timezone")

    def __init__(self, store_id: str, place: StorePlace) -> None:
        self.key = store_id.encode()
        self.currency, self.timezone, self.cut_off_hour = place.currency, place.timezone, place.cut_off_hour
        self.place_headers = (("ce_storeid", self.key), ("ce_storeversion", str(place.version).encode()))
        self.minutes: dict[str, _Minute] = {}


class _Kind:
    """What all events of one type have in common."""

    __slots__ = ("last_headers", "name", "schema_header")

    def __init__(self, event_type: str) -> None:
        self.name = event_type.encode()
        self.last_headers = (("ce_type", self.name), CONTENT_TYPE_HEADER)
        self.schema_header = ("ce_dataschema", schema_path(event_type).encode())


_kind = lru_cache(maxsize=256)(_Kind)


class QuickJudge:
    """Judges for one request what was read the compiled way, by the rules of its precise judge."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._is_live = judge.time == "live"
        self._device_id = judge.caller.device_id
        self._may_answer = judge.caller.role in ANSWERING_ROLES
        self._earliest, self._latest = judge.bounds()
        self._ahead_from = judge.now + CLOCK_TOLERANCE
        self._ingested = ("ce_ingestedtime", judge.now.isoformat().encode())
        self._tenant = ("ce_tenantid", judge.caller.tenant_id.encode())
        self._stores: dict[str, _Store | None] = {}

    def judge(self, found: PostedEvent) -> Judged | None:
        """Return the record to be written, or None: the precise judge may accept it, or say what is wrong."""
        store = self._store(found.storeid)
        if store is None or not self._is_callers(found):
            return None
        currency = getattr(found.data, "currency", None)
        if currency is not None and currency != store.currency:
            return None
        value = found.form.written(found.data)
        return None if value is None else self._placed(found, store, value)

    def _store(self, store_id: str) -> _Store | None:
        if store_id not in self._stores:
            place = self._judge.stores.get(store_id)
            is_covered = place is not None and self._judge.scope.covers(store_id)
            self._stores[store_id] = _Store(store_id, place) if place is not None and is_covered else None
        return self._stores[store_id]

    def _is_callers(self, found: PostedEvent) -> bool:
        """Tell whether the attributes are such as the caller may write."""
        caller = self._judge.caller
        if not self._may_answer and found.type in MAY_BE_ANSWERS:
            return False
        is_own_device = caller.device_id is None or found.deviceid is None or found.deviceid == caller.device_id
        may_be_history = not found.history or caller.role == "hq"
        return is_own_device and may_be_history and (found.tenantid is None or found.tenantid == caller.tenant_id)

    def _placed(self, found: PostedEvent, store: _Store, value: bytes) -> Judged | None:
        written_minute, seconds = minute_and_seconds(found.time)
        minute = store.minutes.get(written_minute) or self._minute(written_minute, store)
        if minute is None or not (minute.is_within_bounds or found.history):
            return None
        kind, time = _kind(found.type), f"{minute.text}{seconds}{minute.offset}".encode()
        is_ahead = minute.may_be_ahead and datetime.fromisoformat(found.time) > self._ahead_from
        headers = [minute.day]
        if is_ahead or found.causationid is not None or found.correlationid is not None:
            _add_causes(headers, found, is_ahead)
        headers.append(kind.schema_header)
        if (device_id := found.deviceid or self._device_id) is not None:
            headers.append(("ce_deviceid", device_id.encode()))
        if found.deviceseq is not None:
            headers.append(("ce_deviceseq", b"%d" % found.deviceseq))
        if found.history:
            headers.append(_HISTORY)
        headers += (("ce_id", found.id.encode()), self._ingested, ("ce_source", found.source.encode()), _SPECVERSION)
        headers += store.place_headers
        if found.subject is not None:
            headers.append(("ce_subject", found.subject.encode()))
        headers += (self._tenant, ("ce_time", time))
        if found.traceparent is not None:
            headers.append(("ce_traceparent", found.traceparent.encode()))
        headers += kind.last_headers
        said = said_hash((kind.name, store.key, time, minute.day[1]), value)
        return Judged((found.storeid, found.id), OutboundRecord(STORE_FACTS, store.key, value, headers), said)

    def _minute(self, written: str, store: _Store) -> _Minute | None:
        found = local_minute(written, store.timezone, store.cut_off_hour)
        if found is not None:
            day = found.business_date
            is_within_bounds = not self._is_live or self._earliest <= day <= self._latest
            may_be_ahead = self._is_live and found.begins_at + _ONE_MINUTE > self._ahead_from
            day_header = ("ce_businessdate", day.isoformat().encode())
            store.minutes[written] = _Minute(day_header, is_within_bounds, may_be_ahead, found.text, found.offset)
        return store.minutes.get(written)


def _add_causes(headers: list[Header], found: PostedEvent, is_ahead: bool) -> None:
    """Add what stands between business date and schema, in the order of the alphabet as everywhere."""
    if found.causationid is not None:
        headers.append(("ce_causationid", found.causationid.encode()))
    if is_ahead:
        headers.append(_CLOCK_AHEAD)
    if found.correlationid is not None:
        headers.append(("ce_correlationid", found.correlationid.encode()))
