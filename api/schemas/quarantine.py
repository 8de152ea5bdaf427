"""How quarantined entries are answered, and what is said to discard one."""

import base64
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.events import ProblemBody
from producers.quarantine_reader import Entry


class KeptBody(BaseModel):
    """The bytes as they came: as text where they are UTF-8, else in base64."""

    encoding: Literal["utf-8", "base64"]
    content: str

    @classmethod
    def of(cls, raw: bytes) -> "KeptBody":
        """Write bytes so that JSON holds them."""
        try:
            return cls(encoding="utf-8", content=raw.decode("utf-8"))
        except UnicodeDecodeError:
            return cls(encoding="base64", content=base64.b64encode(raw).decode())


class QuarantineEntry(BaseModel):
    """Something that was refused, why, and what became of it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: Literal["event", "line"] = Field(description="A document of a post, or a line of a file.")
    status: Literal["open", "resubmitted", "discarded"]
    source: str = Field(examples=["till/SEOUL-1/2"])
    store_id: str | None
    device_id: str | None = Field(description="The device whose token sent it.")
    line_number: int | None = Field(description="Of a line: where it stands in the file, the header being line 1.")
    code: str = Field(examples=["unknown_store"], description="The first problem's stable code.")
    problems: list[ProblemBody]
    content_type: str = Field(description="Of the post or the file that it came with.")
    body: KeptBody | None = Field(description="Null in a list where it is larger than 4 KiB: read the entry.")
    body_bytes: int
    noted_at: datetime
    last_seen_at: datetime
    seen_count: int = Field(description="How often the same bytes came from the same source.")
    attempts: int = Field(description="How often it was resubmitted.")
    expires_at: datetime = Field(description="When it is deleted, if it is still open then.")
    resolved_at: datetime | None
    resolved_by: str | None
    resolution_reason: str | None
    resubmitted_event_id: UUID | None

    @classmethod
    def of(cls, entry: Entry) -> "QuarantineEntry":
        """Write an entry."""
        problems = [ProblemBody(code=row.code, pointer=row.pointer, expected=row.expected) for row in entry.problems]
        body = None if entry.raw is None else KeptBody.of(entry.raw)
        plain = {name: getattr(entry, name) for name in cls.model_fields if name not in {"problems", "body", "body_bytes"}}
        return cls(**plain, problems=problems, body=body, body_bytes=entry.raw_bytes)


class QuarantinePage(BaseModel):
    """One page of entries, the newest first."""

    rows: list[QuarantineEntry]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class Discard(BaseModel):
    """Why an entry will not become an event."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]+$"),
        Field(examples=["a test receipt"]),
    ]
