"""When an answer was given by its identity, and what it is told while the log cannot be asked."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from api.answering import reader_of, time_of
from api.errors import ApiError
from api.schemas.events import PositionBody
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def minted(milliseconds: int, version: int = 7) -> UUID:
    """Make an identity that was made so long after 1970, or only looks so."""
    return UUID(int=(milliseconds << 80) | (version << 76) | (0b10 << 62))


def now_and(**more: int) -> int:
    """Return a time from now in milliseconds after 1970."""
    return int((NOW + timedelta(**more)).timestamp() * 1000)


def test_an_identity_says_when_it_was_made_where_that_is_near():
    """A day back at most and five minutes ahead; other versions of identities hold no time, and a far one may hold none that exists."""
    for told in ({}, {"days": -1}, {"minutes": 5}):
        assert time_of(minted(now_and(**told)), NOW) == NOW + timedelta(**told)
    for far in (now_and(days=-1) - 1, now_and(minutes=5) + 1, 0, 2**48 - 1):
        assert time_of(minted(far), NOW) == NOW
    assert time_of(minted(now_and(hours=-1), version=4), NOW) == NOW


async def test_a_log_that_does_not_answer_is_said_to_be_unavailable():
    """What was said first under a key is unknown then; it is no failure of the server."""
    read = reader_of(Addresses("127.0.0.1:1", "", "", ""))
    with pytest.raises(ApiError) as refused:
        await read(PositionBody(topic=STORE_FACTS, partition=0, offset=0))
    assert refused.value.code == "log_unavailable"
