"""Engines for Postgres: SQLAlchemy over psycopg, async for services and sync for tools and migrations."""

from math import ceil
from typing import Any, Final

from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from infra.postgres.answering import answering_within

_NETWORK: Final = {"connect_timeout": 5, "tcp_user_timeout": 20_000, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Seconds, but for `tcp_user_timeout`, which is milliseconds: a machine that is gone is an error soon, whoever waits for it."""


def _url(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+psycopg://", 1).replace("postgres://", "postgresql+psycopg://", 1)


def async_engine(dsn: str, application: str, pool_size: int = 5, answer_seconds: float | None = None) -> AsyncEngine:
    """Make a pooled async engine; dead connections are noticed before use.

    `answer_seconds`: how long the server may take for an answer, then it is an OperationalError; None for as long as it takes. No
    connection is waited for longer than for an answer, in whole seconds of which the driver takes two at least.
    """
    settings: dict[str, Any] = {"application_name": application, **_NETWORK}
    if answer_seconds is not None:
        settings["async_creator_fn"] = answering_within(answer_seconds)
        settings["connect_timeout"] = min(_NETWORK["connect_timeout"], ceil(answer_seconds))
    return create_async_engine(_url(dsn), pool_size=pool_size, max_overflow=5, pool_pre_ping=True, connect_args=settings)


def sync_engine(dsn: str, application: str) -> Engine:
    """Make an engine for one-off tools and migrations."""
    return create_engine(_url(dsn), pool_pre_ping=True, connect_args={"application_name": application, **_NETWORK})
