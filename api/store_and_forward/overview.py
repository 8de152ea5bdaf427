"""What an operator sees of a buffer: how much waits, since when, what was refused, and whether the centre answers. Only reads."""

import json
import sqlite3
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

State = Literal["idle", "sending", "centre_away", "needs_token"]


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of a buffer; `last_error` says why the last attempt failed and is empty when it did not."""

    state: State
    waiting: int
    oldest_waiting_seconds: float
    refused: int
    last_contact_at: str | None
    last_error: str | None
    last_error_at: str | None

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that the centre refused, and why."""

    sequence: int
    id: str
    type: str
    refused_at: str
    problems: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return asdict(self)

    @property
    def reasons(self) -> str:
        """The problems in one line."""
        return "; ".join(
            f"{row.get('code', '?')} at {row.get('pointer') or '/'}: expected {row.get('expected', '?')}" for row in self.problems
        )


def read_overview(connection: sqlite3.Connection, now: datetime) -> Overview:
    """Read everything at one moment."""
    connection.execute("BEGIN")
    try:
        waiting = connection.execute("SELECT count(*) FROM waiting").fetchone()[0]
        oldest = connection.execute("SELECT buffered_at FROM waiting ORDER BY sequence LIMIT 1").fetchone()
        refused = connection.execute("SELECT count(*) FROM refused").fetchone()[0]
        contact = connection.execute("SELECT last_contact_at, last_error, last_error_at, needs_token FROM contact").fetchone()
    finally:
        connection.execute("ROLLBACK")
    age = max(0.0, (now - datetime.fromisoformat(oldest[0])).total_seconds()) if oldest else 0.0
    return Overview(_state(waiting, contact[1], bool(contact[3])), waiting, round(age, 3), refused, contact[0], contact[1], contact[2])


def _state(waiting: int, last_error: str | None, needs_token: bool) -> State:
    if needs_token:
        return "needs_token"
    if not waiting:
        return "idle"
    return "centre_away" if last_error else "sending"


def read_refusals(connection: sqlite3.Connection) -> list[Refusal]:
    """Return what was refused, oldest first."""
    rows = connection.execute("SELECT sequence, id, body, refused_at, problems FROM refused JOIN known USING (sequence) ORDER BY sequence")
    return [Refusal(row[0], row[1], str(json.loads(row[2]).get("type", "")), row[3], json.loads(row[4])) for row in rows]
