"""Bring the schema of either store to a revision, up or down, without a configuration file."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config

TREES: Final = Path(__file__).parent


def _configuration(tree: str, address: str) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(TREES / tree))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["url"] = address
    return configuration


def migrate_postgres(dsn: str, revision: str = "head") -> None:
    """Upgrade Postgres; harmless when it is there already."""
    command.upgrade(_configuration("postgres", dsn), revision)


def downgrade_postgres(dsn: str, revision: str = "base") -> None:
    """Take Postgres back to a revision; what later revisions made is dropped with its rows."""
    command.downgrade(_configuration("postgres", dsn), revision)


def migrate_clickhouse(url: str, revision: str = "head") -> None:
    """Upgrade ClickHouse; harmless when it is there already."""
    command.upgrade(_configuration("clickhouse", url), revision)


def downgrade_clickhouse(url: str, revision: str = "base") -> None:
    """Take ClickHouse back to a revision; what later revisions made is dropped with its rows."""
    command.downgrade(_configuration("clickhouse", url), revision)
