"""Load the files that appear in a directory, one after the other, each when it is complete; nothing of it is lost by a kill.

What was loaded and not yet put away is loaded again at the next start, and a file loaded twice changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from infra.clock import monotonic_seconds
from producers.inbox import Inbox, Outcome, is_open_for_writing, stamp_of
from producers.settling import Settling


class FileFaulty(Exception):
    """The file itself is the reason that it cannot be loaded: trying again would end the same way."""


class NotNow(Exception):
    """Something around the file is the reason (the log, the database): the file waits and is tried again."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did; `agrees` is False where the file contradicts what was loaded before."""

    content: Mapping[str, Any]
    agrees: bool = True


class Load(Protocol):
    """Loads one file; FileFaulty or NotNow where it does not."""

    def __call__(self, file: Path, /) -> Awaitable[LoadReport]:
        """Load the file and say what happened."""
        ...


@dataclass(frozen=True, slots=True)
class News:
    """What became of a file: put away as done or failed, or left where it is for another try."""

    name: str
    outcome: Outcome | None
    place: Path
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How to watch. `reach` passes the named points of the work: `loaded` (not yet put away) and `put_away`."""

    settle_seconds: float = 5.0
    look_seconds: float = 1.0
    clock: Callable[[], float] = field(default=monotonic_seconds)
    reach: Callable[[str], None] = lambda _: None


class Watcher:
    """One watcher of one directory; it must hold the inbox while it works."""

    def __init__(self, inbox: Inbox, load: Load, options: WatchOptions, tell: Callable[[News], None]) -> None:
        self._inbox, self._load, self._options, self._tell = inbox, load, options, tell
        self._settling = Settling(options.settle_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set; a load that runs then is broken off, which is as safe as a kill."""
        while not stop.is_set():
            await self._round(stop)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._options.look_seconds)

    async def run_once(self, stop: asyncio.Event) -> list[str]:
        """Load what lies here and is complete; return the names of what stays, still written or waiting for a service."""
        clock = self._options.clock
        self._settling.settled(self._inbox.stamps(), began := clock())
        while (left := began + self._options.settle_seconds - clock()) > 0 and not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), left)
        await self._round(stop)
        return sorted(self._inbox.stamps())

    async def _round(self, stop: asyncio.Event) -> None:
        """Load every complete file; look anew after each, since loading takes time and files arrive meanwhile."""
        tried: set[str] = set()
        while not stop.is_set():
            ready = self._settling.settled(self._inbox.stamps(), self._options.clock())
            name = next((name for name in ready if name not in tried), None)
            if name is None:
                return
            tried.add(name)
            if not is_open_for_writing(self._inbox.path(name)):
                await self._take(name, stop)

    async def _take(self, name: str, stop: asyncio.Event) -> None:
        before = stamp_of(self._inbox.path(name))
        loading, stopping = asyncio.ensure_future(self._outcome(name)), asyncio.ensure_future(stop.wait())
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not loading.done():
            loading.cancel()
            with suppress(asyncio.CancelledError):
                await loading
            return
        outcome, report = loading.result()
        self._options.reach("loaded")
        if before != stamp_of(self._inbox.path(name)):
            outcome, report = None, {"error": "the file changed while it was loaded: it is loaded again when it is complete"}
        if outcome is None:
            self._settling.forget(name)
            self._tell(News(name, None, self._inbox.path(name), report))
            return
        place = self._inbox.put_away(name, outcome, report)
        self._options.reach("put_away")
        self._tell(News(name, outcome, place, report))

    async def _outcome(self, name: str) -> tuple[Outcome | None, Mapping[str, Any]]:
        try:
            report = await self._load(self._inbox.path(name))
        except FileFaulty as error:
            return "failed", {"error": str(error)}
        except NotNow as error:
            return None, {"error": str(error)}
        return "done" if report.agrees else "failed", report.content
