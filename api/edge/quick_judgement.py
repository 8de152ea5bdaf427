"""Judge documents that were read the compiled way: the same verdict and the same bytes as the precise judge, in a tenth of the time.

What is not plainly good is left to the precise judge, who says what is wrong. Pure.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache

from api.edge.judgement import ANSWERING_ROLES, CLOCK_TOLERANCE, MAY_BE_ANSWERS, Judge, Judged, StorePlace
from contracts.business_time import in_zone
from contracts.codec import CONTENT_TYPE_HEADER, said_hash, schema_path
from contracts.compiled import CompiledType, compiled_type
from contracts.compiled_envelope import PostedEvent
from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS
from contracts.upcasting import UPCASTERS

Header = tuple[str, bytes]
_ONE_DAY = timedelta(days=1)
_SPECVERSION = ("ce_specversion", b"1.0")
_CLOCK_AHEAD = ("ce_clockahead", b"true")
_HISTORY = ("ce_history", b"true")


class _Store:
    """What all events of one store have in common within a request."""

    __slots__ = ("currency", "cut_off_hour", "key", "place_headers", "timezone")

    def __init__(self, store_id: str, place: StorePlace) -> None:
        self.key = store_id.encode()
        self.currency, self.timezone, self.cut_off_hour = place.currency, place.timezone, place.cut_off_hour
        self.place_headers = (("ce_storeid", self.key), ("ce_storeversion", str(place.version).encode()))


class _Kind:
    """What all events of one type have in common."""

    __slots__ = ("content", "last_headers", "name", "schema_header")

    def __init__(self, event_type: str, content: CompiledType) -> None:
        self.content = content
        self.name = event_type.encode()
        self.last_headers = (("ce_type", self.name), CONTENT_TYPE_HEADER)
        self.schema_header = ("ce_dataschema", schema_path(event_type).encode())


@lru_cache(maxsize=256)
def _kind(event_type: str) -> _Kind | None:
    content = compiled_type(event_type) if event_type not in UPCASTERS else None
    return None if content is None else _Kind(event_type, content)


class QuickJudge:
    """Judges for one request what was read the compiled way, by the rules of its precise judge."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._is_live = judge.time == "live"
        self._may_answer = judge.caller.role in ANSWERING_ROLES
        self._earliest, self._latest = judge.bounds()
        self._ahead_from = judge.now + CLOCK_TOLERANCE
        self._ingested = ("ce_ingestedtime", judge.now.isoformat().encode())
        self._tenant = ("ce_tenantid", judge.caller.tenant_id.encode())
        self._stores: dict[str, _Store | None] = {}
        self._days: dict[date, Header] = {}

    def judge(self, found: PostedEvent) -> Judged | None:
        """Return the record to be written, or None: the precise judge may accept it, or say what is wrong."""
        kind, store = _kind(found.type), self._store(found.storeid)
        if kind is None or store is None or not self._is_callers(found):
            return None
        read = kind.content.read(found.data)
        if read is None:
            return None
        content, value = read
        currency = getattr(content, "currency", None)
        if currency is not None and currency != store.currency:
            return None
        return self._placed(found, kind, store, value)

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

    def _placed(self, found: PostedEvent, kind: _Kind, store: _Store, value: bytes) -> Judged | None:
        moment = datetime.fromisoformat(found.time)
        local = in_zone(moment, store.timezone)
        day = local.date() if local.hour >= store.cut_off_hour else local.date() - _ONE_DAY
        if self._is_live and not found.history and not self._earliest <= day <= self._latest:
            return None
        day_header, time_header = self._day(day), ("ce_time", local.isoformat().encode())
        headers = [day_header]
        self._add_attributes(headers, found, kind, self._is_live and moment > self._ahead_from)
        headers += (("ce_id", found.id.encode()), self._ingested, ("ce_source", found.source.encode()), _SPECVERSION)
        headers += store.place_headers
        if found.subject is not None:
            headers.append(("ce_subject", found.subject.encode()))
        headers += (self._tenant, time_header)
        if found.traceparent is not None:
            headers.append(("ce_traceparent", found.traceparent.encode()))
        headers += kind.last_headers
        said = said_hash((kind.name, store.key, time_header[1], day_header[1]), value)
        return Judged((found.storeid, found.id), OutboundRecord(STORE_FACTS, store.key, value, headers), said)

    def _day(self, day: date) -> Header:
        header = self._days.get(day)
        if header is None:
            header = self._days[day] = ("ce_businessdate", day.isoformat().encode())
        return header

    def _add_attributes(self, headers: list[Header], found: PostedEvent, kind: _Kind, is_ahead: bool) -> None:
        """Add what stands between business date and id, in the order of the alphabet as everywhere."""
        if found.causationid is not None:
            headers.append(("ce_causationid", found.causationid.encode()))
        if is_ahead:
            headers.append(_CLOCK_AHEAD)
        if found.correlationid is not None:
            headers.append(("ce_correlationid", found.correlationid.encode()))
        headers.append(kind.schema_header)
        device_id = found.deviceid or self._judge.caller.device_id
        if device_id is not None:
            headers.append(("ce_deviceid", device_id.encode()))
        if found.deviceseq is not None:
            headers.append(("ce_deviceseq", str(found.deviceseq).encode()))
        if found.history:
            headers.append(_HISTORY)
