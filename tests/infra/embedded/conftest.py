"""A stack of its own for the tests that kill servers, apart from the one that all other tests share."""

from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from infra.embedded.stack import RunningServers, running_servers
from infra.settings import load_settings


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServers]:
    """Run the three servers on a fresh directory once."""
    settings = load_settings(data_dir=tmp_path_factory.mktemp("servers"))
    with running_servers(settings.model_copy(update=_EMBEDDED)) as running:
        yield running


_EMBEDDED = {"kafka_bootstrap": None, "postgres_dsn": None, "clickhouse_url": None}


@pytest.fixture
def data_dir(servers: RunningServers) -> Path:
    """Return the directory the servers run on."""
    return servers.supervisor.data_dir


@pytest.fixture
def clickhouse(servers: RunningServers) -> Iterator[Client]:
    """Open the unmodified client on a database of the test's own."""
    client = clickhouse_connect.get_client(dsn=servers.addresses.clickhouse_url)
    client.command("CREATE DATABASE scratch ENGINE = Atomic")
    client.database = "scratch"
    client.command("CREATE TABLE lines (id UInt64, name String) ENGINE = MergeTree ORDER BY id")
    yield client
    client.command("DROP DATABASE IF EXISTS scratch SYNC")
    client.close()
