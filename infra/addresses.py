"""Where the log and the stores are: from the environment, or from the stack that runs on a directory."""

from dataclasses import dataclass
from pathlib import Path

from infra.embedded.broker_probe import ask_broker
from infra.embedded.names import EMBEDDED_DATABASE, EMBEDDED_USER
from infra.embedded.ports import LOOPBACK
from infra.embedded.stack_error import StackError
from infra.embedded.stack_file import StackRecord, read_record
from infra.secrets import CLICKHOUSE_PASSWORD, POSTGRES_PASSWORD, SecretStore
from infra.settings import Settings


class StackNotRunning(StackError):
    """An address is neither given nor known from a running stack."""

    def __init__(self, data_dir: Path, variable: str) -> None:
        super().__init__(f"no stack is running on {data_dir}: start it with `tillstream up`, or set {variable}")
        self.data_dir = data_dir
        self.variable = variable


class PartIsExternal(StackError):
    """The running stack uses a server of somebody else's, whose address only the environment has."""

    def __init__(self, data_dir: Path, variable: str) -> None:
        super().__init__(f"the stack on {data_dir} uses an external server here: set {variable} as it was set for `tillstream up`")
        self.data_dir = data_dir
        self.variable = variable


class LogUnreachable(StackError):
    """No broker answered, so the log's id is not known."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(f"no Kafka broker answers at {bootstrap}")
        self.bootstrap = bootstrap


@dataclass(frozen=True)
class Addresses:
    """The log, the two stores, and the id that tells this log from every other."""

    kafka_bootstrap: str
    postgres_dsn: str
    clickhouse_url: str
    log_id: str
    topic_prefix: str = ""

    def __repr__(self) -> str:
        """Show no passwords: this ends in logs and in the reports of failed tests."""
        return f"Addresses(kafka_bootstrap={self.kafka_bootstrap!r}, log_id={self.log_id!r}, …)"


def embedded_postgres_dsn(port: int, password: str) -> str:
    """Return the address of an embedded Postgres; passwords of ours need no quoting."""
    return f"postgresql://{EMBEDDED_USER}:{password}@{LOOPBACK}:{port}/{EMBEDDED_DATABASE}"


def embedded_clickhouse_url(port: int, password: str) -> str:
    """Return the address of an embedded ClickHouse; passwords of ours need no quoting."""
    return f"http://{EMBEDDED_USER}:{password}@{LOOPBACK}:{port}/{EMBEDDED_DATABASE}"


def resolve_addresses(settings: Settings) -> Addresses:
    """Return where everything is.

    What the settings name wins; the rest is that of the stack running on the data directory. Raises
    `StackNotRunning`, `PartIsExternal`, or `LogUnreachable` when a given broker does not answer.
    """
    running = _RunningStack(settings.data_dir)
    bootstrap = settings.kafka_bootstrap
    return Addresses(
        kafka_bootstrap=bootstrap or running.kafka_bootstrap(),
        postgres_dsn=settings.postgres_dsn or running.postgres_dsn(),
        clickhouse_url=settings.clickhouse_url or running.clickhouse_url(),
        log_id=log_id_of(bootstrap) if bootstrap else running.log_id(),
        topic_prefix=settings.topic_prefix,
    )


def log_id_of(bootstrap: str) -> str:
    """Ask a broker for its cluster id, which is the id of the log."""
    answer = ask_broker(bootstrap)
    if answer is None:
        raise LogUnreachable(bootstrap)
    return answer.cluster_id


class _RunningStack:
    """What `stack.json` and the secrets of a directory say, read when first needed."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._record: StackRecord | None = None

    def _fact(self, name: str, variable: str) -> str:
        if self._record is None:
            self._record = read_record(self._data_dir)
        if self._record is None or not self._record.is_live() or name not in self._record.facts:
            raise StackNotRunning(self._data_dir, variable)
        value = self._record.facts[name]
        if value is None:
            raise PartIsExternal(self._data_dir, variable)
        return str(value)

    def kafka_bootstrap(self) -> str:
        return self._fact("kafka_bootstrap", "TILLSTREAM_KAFKA_BOOTSTRAP")

    def log_id(self) -> str:
        return self._fact("log_id", "TILLSTREAM_KAFKA_BOOTSTRAP")

    def postgres_dsn(self) -> str:
        port = self._fact("postgres_port", "TILLSTREAM_POSTGRES_DSN")
        password = SecretStore(self._data_dir).read(POSTGRES_PASSWORD)
        return embedded_postgres_dsn(int(port), password)

    def clickhouse_url(self) -> str:
        port = self._fact("clickhouse_port", "TILLSTREAM_CLICKHOUSE_URL")
        password = SecretStore(self._data_dir).read(CLICKHOUSE_PASSWORD)
        return embedded_clickhouse_url(int(port), password)
