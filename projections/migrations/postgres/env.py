"""Alembic environment of the Postgres tree: one transaction, serialised by a lock, version table beside the positions."""

from alembic import context
from sqlalchemy import text

from infra.postgres.engine import sync_engine

MIGRATION_LOCK = 7_061_937


def _run(dsn: str) -> None:
    engine = sync_engine(dsn, "tillstream-migrate")
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.execute(text("CREATE SCHEMA IF NOT EXISTS delivery"))
            context.configure(connection=connection, version_table_schema="delivery", transactional_ddl=True)
            context.run_migrations()
    finally:
        engine.dispose()


_run(context.config.attributes["url"])
