"""Keep what posts were refused for its content. After the answer is decided, in the background, bounded, best effort.

The sender has its answer whatever happens here; what could not be kept is counted.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from api.edge.documents import Document
from api.edge.fates import Told, Wrong
from api.edge.raw_documents import raw_documents
from api.errors import printable
from api.schemas.events import ProblemBody
from api.security.caller import EVERY_STORE, Caller
from api.security.scope import StoreScope
from contracts.errors import Problem
from producers.quarantine import QuarantinedEvent

_log = structlog.get_logger(__name__)
_WAITING_BYTES = 4 * 1024 * 1024
_KEEP_SECONDS = 5.0
_CLOSE_SECONDS = 2.0
_PROBLEMS = 20
_FOREIGN = frozenset({"store_out_of_scope", "tenant_mismatch"})


class Keeper(Protocol):
    """Where refused events are kept."""

    async def add_events(self, events: Sequence[QuarantinedEvent]) -> None:
        """Keep the events durably before returning."""
        ...


@dataclass(frozen=True, slots=True)
class AnsweredPost:
    """A post whose answer is decided; `tenants` maps every known store to its chain."""

    kind: str
    body: bytes
    documents: Sequence[Document]
    results: Sequence[Told]
    caller: Caller
    tenants: Mapping[str, str]

    def refused(self) -> list[tuple[int, Told]]:
        """Return what was rejected and is the caller's own to keep."""
        return [(row.index, row) for row in self.results if row.outcome == "rejected" and not self._is_foreign(row)]

    def events(self) -> list[QuarantinedEvent]:
        """Describe the refused events with their exact bytes; ValueError when these cannot be told apart."""
        raw = raw_documents(self.kind, self.body)
        if len(raw) != len(self.documents):
            raise ValueError(f"{len(raw)} documents where {len(self.documents)} were read")
        return [self._event(row, raw[index]) for index, row in self.refused()]

    def _is_foreign(self, row: Told) -> bool:
        """Tell whether an event concerns another's store or chain: nobody fills a quarantine with what is not theirs."""
        if _FOREIGN & {problem.code for problem in row.problems}:
            return True
        tenant_id, store_id = self._said(row.index, "tenantid"), self._said(row.index, "storeid")
        if tenant_id is not None and tenant_id != self.caller.tenant_id:
            return True
        if store_id is None:
            return False
        reaches = StoreScope(self.caller, self.tenants).names(store_id)
        return not reaches or self.tenants.get(store_id, self.caller.tenant_id) != self.caller.tenant_id

    def _event(self, row: Told, raw: bytes) -> QuarantinedEvent:
        caller, only = self.caller, self.caller.stores[0] if len(self.caller.stores) == 1 else EVERY_STORE
        return QuarantinedEvent(
            tenant_id=caller.tenant_id,
            store_id=_clean(self._said(row.index, "storeid") or "", 120) or (None if only == EVERY_STORE else only),
            device_id=caller.device_id,
            source=_clean(self._said(row.index, "source") or "", 200) or f"post/{caller.device_id or caller.subject}",
            content_type=self.kind,
            problems=tuple(_problem(problem) for problem in row.problems[:_PROBLEMS]),
            raw=raw,
        )

    def _said(self, index: int, name: str) -> str | None:
        document: Any = self.documents[index]
        value = document.get(name) if isinstance(document, dict) else None
        return value if isinstance(value, str) else None


class Refusals:
    """Gathers refused events of all posts of a process and keeps them, those of several posts in one transaction."""

    def __init__(self, keeper: Keeper, counter: Any, waiting_bytes: int = _WAITING_BYTES) -> None:
        self._keeper = keeper
        self._counter = counter
        self._room = waiting_bytes
        self._waiting: list[AnsweredPost] = []
        self._task: asyncio.Task[None] | None = None

    def note(self, post: AnsweredPost) -> None:
        """Take the refused events of a post; returns at once, and when too much waits they are counted as lost."""
        rejected = sum(row.outcome == "rejected" for row in post.results)
        if not rejected:
            return
        own = len(post.refused())
        self._count(foreign=rejected - own)
        if not own:
            return
        if len(post.body) > self._room:
            self._count(lost=own)
            return
        self._room -= len(post.body)
        self._waiting.append(post)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_all(), name="refusals")

    async def close(self) -> None:
        """Keep what still waits, for at most two seconds."""
        if self._task is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._task

    async def _keep_all(self) -> None:
        while self._waiting:
            posts, self._waiting = self._waiting, []
            outcome = await self._keep(posts)
            self._count(**{outcome: sum(len(post.refused()) for post in posts)})
            self._room += sum(len(post.body) for post in posts)

    async def _keep(self, posts: Sequence[AnsweredPost]) -> str:
        try:
            async with asyncio.timeout(_KEEP_SECONDS):
                events = await asyncio.to_thread(lambda: [event for post in posts for event in post.events()])
                await self._keeper.add_events(events)
        except Exception as error:  # noqa: BLE001 - the sender has its answer: whatever failed, only this copy is lost
            _log.warning("refusals_not_kept", error=repr(error))
            return "lost"
        return "kept"

    def _count(self, **outcomes: int) -> None:
        for outcome, events in outcomes.items():
            self._counter.labels(outcome).inc(events)


def _clean(text: str, most: int) -> str:
    """Return text that Postgres keeps: it takes every character but NUL."""
    return printable(text).replace("\x00", "\ufffd")[:most]


def _problem(found: ProblemBody | Wrong) -> Problem:
    return Problem(_clean(found.code, 120), _clean(found.pointer, 500), _clean(found.expected, 500))
