"""A whole stack under one supervisor: servers, migrations, topics, services; from the main thread."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from infra.addresses import Addresses
from infra.embedded.ports import choose_ports
from infra.embedded.progress import Progress, Step, silent
from infra.embedded.stack import start_servers
from infra.kafka.admin import ensure_topics
from infra.processes import Supervisor
from infra.settings import Settings
from projections.migrations.run import migrate_clickhouse, migrate_postgres
from tillstream.composition import services


@dataclass(frozen=True)
class RunningStack:
    """What runs, where, and who watches it."""

    settings: Settings
    addresses: Addresses
    api_url: str
    supervisor: Supervisor


def prepare_stores(settings: Settings, addresses: Addresses, progress: Progress = silent) -> None:
    """Bring both stores to the present schema and create the topics; harmless when done already."""
    progress(Step("postgres", "bringing the schema up to date"))
    migrate_postgres(addresses.postgres_dsn)
    progress(Step("clickhouse", "bringing the schema up to date"))
    migrate_clickhouse(addresses.clickhouse_url)
    progress(Step("kafka", "creating topics"))
    asyncio.run(
        ensure_topics(addresses.kafka_bootstrap, settings.partitions, replication=settings.replication, prefix=addresses.topic_prefix)
    )


@contextmanager
def whole_stack(settings: Settings, progress: Progress = silent) -> Iterator[RunningStack]:
    """Run everything while the body runs; the body calls `supervisor.poll()` or `run_forever()`."""
    with Supervisor(settings.data_dir) as supervisor:
        servers = start_servers(supervisor, settings, progress)
        prepare_stores(settings, servers.addresses, progress)
        port = settings.api_port or choose_ports(settings.data_dir.resolve(), ["api"])["api"]
        url = f"http://{settings.api_host}:{port}"
        supervisor.describe(api_url=url)
        supervisor.start_all(services(settings, servers.addresses, port), progress)
        yield RunningStack(settings, servers.addresses, url, supervisor)
