"""`tillstream doctor`: what a machine and a data directory offer, what is missing, and how to get it."""

import importlib.util
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from clickhouse_connect import get_client
from clickhouse_connect.driver.exceptions import ClickHouseError

from infra.addresses import Addresses, resolve_addresses
from infra.embedded.broker_probe import ask_broker
from infra.embedded.kafka import find_java
from infra.embedded.kafka_jars import missing_jars, read_lock
from infra.embedded.postgres import find_binaries
from infra.embedded.stack_error import StackError
from infra.embedded.stack_file import read_record
from infra.settings import Settings

_NEEDED_MEMORY_GIB = 3
_NEEDED_DISK_GIB = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `is_needed` when a stack cannot run without it."""

    what: str
    is_ok: bool
    detail: str
    is_needed: bool = True


def examine(settings: Settings) -> list[Finding]:
    """Look at the machine, at what the embedded parts need, and at the running stack."""
    findings = [_python(), _memory(), _disk(settings), *_embedded(settings)]
    try:
        addresses = resolve_addresses(settings)
    except StackError as error:
        return [*findings, Finding("running stack", is_ok=False, detail=str(error), is_needed=False)]
    return [*findings, *_servers(addresses), *_processes(settings)]


def _python() -> Finding:
    return Finding("python", is_ok=True, detail=f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _memory() -> Finding:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Finding("memory", gib >= _NEEDED_MEMORY_GIB, f"{gib:.0f} GiB; a stack wants {_NEEDED_MEMORY_GIB}", is_needed=False)


def _disk(settings: Settings) -> Finding:
    place = settings.data_dir.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 2**30
    return Finding("disk", free >= _NEEDED_DISK_GIB, f"{free:.0f} GiB free; the first data want {_NEEDED_DISK_GIB}")


def _embedded(settings: Settings) -> list[Finding]:
    def has_jars() -> str:
        jars = read_lock()
        missing = len(missing_jars(settings.cache_dir / "kafka-jars", jars))
        return f"{len(jars) - missing} of {len(jars)} jars in {settings.cache_dir}" + (
            "; the first start fetches the rest" if missing else ""
        )

    found = []
    if settings.kafka_bootstrap is None:
        found += [_attempt("java 17+", lambda: str(find_java(settings.java_home)), (StackError,)), _attempt("kafka", has_jars, (OSError,))]
    if settings.postgres_dsn is None:
        found.append(_attempt("postgres binaries", lambda: str(find_binaries()), (StackError,)))
    if settings.clickhouse_url is None:
        has_chdb = importlib.util.find_spec("chdb") is not None
        found.append(
            Finding(
                "clickhouse engine", has_chdb, "chdb is installed" if has_chdb else "install the extra: pip install 'tillstream[embedded]'"
            )
        )
    return found


def _attempt(what: str, look: Callable[[], str], failures: tuple[type[Exception], ...]) -> Finding:
    try:
        return Finding(what, is_ok=True, detail=look())
    except failures as error:
        return Finding(what, is_ok=False, detail=str(error))


def _servers(addresses: Addresses) -> list[Finding]:
    def kafka() -> str:
        answer = ask_broker(addresses.kafka_bootstrap)
        if answer is None:
            raise OSError(f"no broker answers at {addresses.kafka_bootstrap}")
        return f"{addresses.kafka_bootstrap}, log {answer.cluster_id}"

    def postgres() -> str:
        with psycopg.connect(addresses.postgres_dsn, connect_timeout=3) as connection:
            return f"version {connection.info.server_version // 10_000} at {connection.info.host}:{connection.info.port}"

    def clickhouse() -> str:
        client = get_client(dsn=addresses.clickhouse_url, connect_timeout=3)
        try:
            return f"version {client.server_version}"
        finally:
            client.close()

    return [
        _attempt("kafka server", kafka, (OSError,)),
        _attempt("postgres server", postgres, (psycopg.Error,)),
        _attempt("clickhouse server", clickhouse, (ClickHouseError, OSError)),
    ]


def _processes(settings: Settings) -> list[Finding]:
    record = read_record(settings.data_dir)
    if record is None:
        return []
    return [Finding(f"process {process.name}", is_ok=True, detail=f"pid {process.pid}, log {process.log}") for process in record.processes]
