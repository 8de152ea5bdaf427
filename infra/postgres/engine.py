"""Engines for Postgres: SQLAlchemy over psycopg, async for services and sync for tools and migrations."""

from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def _url(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+psycopg://", 1).replace("postgres://", "postgresql+psycopg://", 1)


def async_engine(dsn: str, application: str, pool_size: int = 5) -> AsyncEngine:
    """Make a pooled async engine; dead connections are noticed before use."""
    return create_async_engine(
        _url(dsn),
        pool_size=pool_size,
        max_overflow=5,
        pool_pre_ping=True,
        connect_args={"application_name": application, "connect_timeout": 5},
    )


def sync_engine(dsn: str, application: str) -> Engine:
    """Make an engine for one-off tools and migrations."""
    return create_engine(_url(dsn), pool_pre_ping=True, connect_args={"application_name": application, "connect_timeout": 5})
