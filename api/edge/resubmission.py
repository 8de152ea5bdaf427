"""Send a quarantined event again, corrected or as it was, on the way that every post takes: the same judge, the same publisher."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.acceptance import Edge
from api.edge.documents import JSON, Document, documents
from api.edge.fates import item_result
from api.edge.judgement import Judge, StorePlace
from api.edge.reading import ReadPrecisely
from api.errors import ApiError
from api.schemas.events import ItemResult
from api.security.caller import Caller
from api.security.scope import StoreScope
from producers.quarantine_decisions import claimed
from producers.quarantine_reader import Entry, Visibility

LINE_ADVICE = (
    "a line belongs to a receipt that went on without it: correct the file, load it with `tillstream load`, "
    "then discard the entry with the reason 'corrected in file'"
)


@dataclass(frozen=True, slots=True)
class Desk:
    """What resubmitting works with; `stores_including` and `tenants` are those of the store directory."""

    engine: AsyncEngine
    edge: Edge
    stores_including: Callable[[set[str]], Awaitable[Mapping[str, StorePlace]]]
    tenants: Callable[[], Mapping[str, str]]
    time: Literal["live", "simulated"]

    async def resubmit(self, visible: Visibility, entry_id: UUID, caller: Caller, now: datetime, corrected: bytes | None) -> ItemResult:
        """Return what became of the event; the entry is marked once it is durable, and a new refusal changes its attempts only.

        UnknownEntry or NotOpen when there is nothing to resubmit, ApiError when the correction cannot be read. The entry is held
        meanwhile: two people who correct it at once do not make two events.
        """
        async with claimed(self.engine, visible, entry_id) as claim:
            document = _document(claim.entry, corrected)
            (fate,) = await self.edge.accept(ReadPrecisely([document]), await self._judge(document, caller, now))
            result = item_result(fate)
            if result.outcome == "rejected":
                await claim.mark_refused_again()
            elif result.outcome != "unacknowledged" and result.id is not None:
                await claim.mark_resubmitted(result.id, caller.subject, now)
            return result

    async def _judge(self, document: Document, caller: Caller, now: datetime) -> Judge:
        named = {str(document.get("storeid"))} if isinstance(document, dict) else set()
        stores = await self.stores_including(named)
        return Judge(caller, StoreScope(caller, self.tenants()), stores, now, self.time)


def _document(entry: Entry, corrected: bytes | None) -> Document:
    """Read the correction, or the kept bytes; what the device's token said of the device goes on being said."""
    if entry.kind == "line":
        raise ApiError("invalid_request", LINE_ADVICE)
    found = documents(JSON, corrected if corrected is not None else entry.raw or b"", 1)[0]
    if isinstance(found, dict) and entry.device_id is not None:
        found.setdefault("deviceid", entry.device_id)
    return found
