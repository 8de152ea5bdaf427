"""A record of the log as bytes, independent of any client library."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

Headers = Sequence[tuple[str, bytes]]


class LogRecord(Protocol):
    """What the codec needs of a record; `timestamp` is the broker's clock in Unix milliseconds."""

    @property
    def topic(self) -> str:
        """Topic on the log."""
        ...

    @property
    def partition(self) -> int:
        """Partition number."""
        ...

    @property
    def offset(self) -> int:
        """Offset in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """The broker's clock, Unix milliseconds."""
        ...

    @property
    def key(self) -> bytes | None:
        """Record key."""
        ...

    @property
    def value(self) -> bytes | None:
        """Record value."""
        ...

    @property
    def headers(self) -> Headers:
        """Record headers."""
        ...


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """A `LogRecord` of our own, for archives, retries and tests."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class OutboundRecord(msgspec.Struct, frozen=True, gc=False):
    """A record about to be written; `partition` None leaves it to the key."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers
    partition: int | None = None
