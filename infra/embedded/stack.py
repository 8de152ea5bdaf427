"""The three servers of a stack: those that are given by address, and embedded ones for the rest."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from infra.addresses import Addresses, log_id_of
from infra.embedded.clickhouse.owner import EmbeddedClickHouse
from infra.embedded.kafka import EmbeddedKafka, KafkaPorts
from infra.embedded.ports import choose_ports
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.progress import Progress, silent
from infra.processes import ProcessSpec, Supervisor
from infra.secrets import API_SIGNING_KEY, CLICKHOUSE_PASSWORD, POSTGRES_PASSWORD, SecretStore
from infra.settings import Settings, load_settings

_PORT_NAMES = ["kafka", "kafka_controller", "postgres", "clickhouse"]


class EmbeddedStack:
    """Knows which parts are embedded, prepares them and describes their processes.

    The data directory must be claimed by a supervisor first: ports and files are chosen here.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.data_dir = settings.data_dir.resolve()
        self._kafka: EmbeddedKafka | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._clickhouse: EmbeddedClickHouse | None = None
        self._ports: dict[str, int] = {}
        self._secrets = SecretStore(self.data_dir)

    def prepare(self, progress: Progress = silent) -> None:
        """Do everything that must be done before the processes start; the first time it fetches."""
        settings, secrets = self.settings, self._secrets
        self.data_dir.mkdir(parents=True, exist_ok=True)
        secrets.ensure(API_SIGNING_KEY)
        ports = self._ports = choose_ports(self.data_dir, _PORT_NAMES)
        if settings.kafka_bootstrap is None:
            self._kafka = EmbeddedKafka(
                self.data_dir / "kafka",
                KafkaPorts(ports["kafka"], ports["kafka_controller"]),
                settings.cache_dir,
                settings.java_home,
            )
            self._kafka.prepare(progress)
        if settings.postgres_dsn is None:
            password = secrets.ensure(POSTGRES_PASSWORD)
            self._postgres = EmbeddedPostgres(self.data_dir / "postgres", ports["postgres"], password)
            self._postgres.prepare(progress)
        if settings.clickhouse_url is None:
            secrets.ensure(CLICKHOUSE_PASSWORD)
            self._clickhouse = EmbeddedClickHouse(
                self.data_dir / "clickhouse",
                ports["clickhouse"],
                secrets.path(CLICKHOUSE_PASSWORD),
            )
            self._clickhouse.prepare(progress)

    def specs(self) -> list[ProcessSpec]:
        """Return the processes of the embedded parts; they start side by side."""
        parts = [self._kafka, self._postgres, self._clickhouse]
        specs = [part.spec() for part in parts if part is not None]
        return [replace(spec, with_previous=index > 0) for index, spec in enumerate(specs)]

    def addresses(self) -> Addresses:
        """Return where everything is; an external broker is asked for its cluster id."""
        settings = self.settings
        bootstrap = self._kafka.bootstrap if self._kafka else settings.kafka_bootstrap
        dsn = self._postgres.dsn if self._postgres else settings.postgres_dsn
        url = self._clickhouse.url if self._clickhouse else settings.clickhouse_url
        if bootstrap is None or dsn is None or url is None:
            raise RuntimeError("prepare() comes first")
        log_id = self._kafka.cluster_id if self._kafka else log_id_of(bootstrap)
        return Addresses(bootstrap, dsn, url, log_id, settings.topic_prefix)

    def facts(self) -> dict[str, JsonValue]:
        """Return what `stack.json` may tell: addresses without passwords, log id, time mode."""
        ports = self._ports
        return {
            "time": self.settings.time,
            "log_id": self.addresses().log_id,
            "kafka_bootstrap": self._kafka.bootstrap if self._kafka else None,
            "postgres_port": ports["postgres"] if self._postgres else None,
            "clickhouse_port": ports["clickhouse"] if self._clickhouse else None,
        }


@dataclass(frozen=True)
class RunningServers:
    """Servers that run, and the supervisor that watches them whenever it is asked to."""

    addresses: Addresses
    supervisor: Supervisor

    def poll(self) -> None:
        """Let the supervisor look at every process once: what ended is restarted in time."""
        self.supervisor.poll()


def start_servers(
    supervisor: Supervisor,
    settings: Settings,
    progress: Progress = silent,
    stop: threading.Event | None = None,
) -> RunningServers:
    """Prepare and start the embedded parts on a claimed data directory; return when all are ready."""
    stack = EmbeddedStack(settings)
    stack.prepare(progress)
    supervisor.start_all(stack.specs(), progress, stop)
    supervisor.describe(**stack.facts())
    return RunningServers(stack.addresses(), supervisor)


@contextmanager
def running_servers(settings: Settings, progress: Progress = silent) -> Iterator[RunningServers]:
    """Run the servers while the body runs; call it from the main thread."""
    with Supervisor(settings.data_dir) as supervisor:
        yield start_servers(supervisor, settings, progress)


@contextmanager
def running_stack(data_dir: Path, progress: Progress = silent, **overrides: object) -> Iterator[Addresses]:
    """Run the servers of a data directory while the body runs; nothing is restarted meanwhile.

    Call it from the main thread. `overrides` are settings by name.
    """
    settings = load_settings(data_dir=data_dir, **overrides)
    with running_servers(settings, progress) as servers:
        yield servers.addresses
