"""Runs the ClickHouse migrations over HTTP, against a server or the embedded engine.

Whoever calls Alembic puts the address (`http://user:password@host:port/database`) into `config.attributes["url"]`.
"""

from alembic import context
from clickhouse_connect.cc_sqlalchemy import alembic as clickhouse_alembic
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

VERSION_TABLE = "migrations"

assert clickhouse_alembic.ClickHouseImpl.__dialect__ == "clickhousedb"  # importing it is what registers the dialect's DDL


def _engine_url(url: str) -> str:
    given = make_url(url)
    secure = {"secure": "true"} if given.drivername == "https" else {}
    wanted = given.set(drivername="clickhousedb", query={**given.query, **secure})
    return wanted.render_as_string(hide_password=False)


def run() -> None:
    """Apply what Alembic was asked for; each statement is repeatable, since there are no transactions."""
    engine = create_engine(_engine_url(context.config.attributes["url"]), poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, version_table=VERSION_TABLE)
        context.run_migrations()
    engine.dispose()


run()
