"""Let refused items wait again: an operator's step, done beside the running buffer or without one."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from api.store_and_forward.buffer import Buffer, Room
from api.store_and_forward.database import open_existing

_NO_ROOM = Room(max_bytes=0, min_free_bytes=0, free_bytes=lambda: 0)
"""Nothing new is put here."""


def put_back(directory: Path, ids: Sequence[str]) -> list[str]:
    """Put refused items back to their old places, all in one transaction; return the ids that are not among the refused."""
    with closing(open_existing(directory, read_only=False)) as connection:
        buffer = Buffer(connection, _NO_ROOM, remembered_ids=0)
        with buffer.transaction():
            return [name for name in ids if not buffer.put_back(name)]
