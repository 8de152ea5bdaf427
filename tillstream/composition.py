"""Where the parts are put together: what each process is given, and which processes a stack runs."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from infra.addresses import Addresses
from infra.processes import ProcessSpec
from infra.secrets import API_SIGNING_KEY, SecretStore
from infra.settings import Settings
from processors.readiness import Recovering, is_ready, recovering
from processors.stages import StageName

POSTGRES_MODELS = (
    "event_index",
    "stores",
    "reference_data",
    "stock_on_hand",
    "incoming_goods",
    "attendance_day",
    "till_days",
    "till_periods",
    "open_alerts",
    "reorder_recommendations",
    "dead_letters",
)
CLICKHOUSE_MODELS = ("sales", "stock_ledger", "clock_events", "alert_history", "event_log")
_START_SECONDS, _RECOVERY_SECONDS = 90.0, 600.0
"""A worker with many states needs a while to read them back; one that does not get on with it ends itself earlier."""


def signing_key(settings: Settings) -> str:
    """Return the key that tokens are signed with: given by the environment, else made by the stack at its first start."""
    if settings.api_signing_key is not None:
        return settings.api_signing_key.get_secret_value()
    return SecretStore(settings.data_dir).ensure(API_SIGNING_KEY)


def write_ready_file(path: Path | None, facts: Mapping[str, object] | None = None) -> None:
    """Tell the supervisor that this process is ready: its own id, and what else others want to know."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps({"pid": os.getpid(), **(facts or {})}), "utf-8")
    part.replace(path)


def read_ready_file(path: Path) -> dict[str, object]:
    """Return what a process said when it became ready; empty before."""
    try:
        facts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _said_ready(path: Path) -> Callable[[int], bool]:
    return lambda pid: read_ready_file(path).get("pid") == pid


def ready_file(settings: Settings, name: str) -> Path:
    """Return where the process of that name says that it is ready."""
    return settings.data_dir.resolve() / "ready" / f"{name}.json"


def worker_directory(settings: Settings, slot: int, stage: StageName = "stores") -> Path:
    """Return the data directory of a rule worker: each slot of each stage has its own."""
    return settings.data_dir.resolve() / ("worker" if stage == "stores" else "chain-worker") / str(slot)


def recoveries(settings: Settings, stage: StageName = "stores") -> list[Recovering]:
    """Return how far the workers of a stage are that read their states back, those of this machine's data directory."""
    slots = sorted(worker_directory(settings, 0, stage).parent.glob("*"))
    return [found for slot in slots if (found := recovering(slot)) is not None]


def _service(
    settings: Settings,
    addresses: Addresses,
    name: str,
    arguments: Sequence[str],
    ready: Callable[[int], bool],
    start_timeout_seconds: float = _START_SECONDS,
) -> ProcessSpec:
    """Describe one of our own processes: `python -m tillstream <arguments>`, started beside the one before, restarted when it ends."""
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", "tillstream", *arguments),
        env={
            "TILLSTREAM_KAFKA_BOOTSTRAP": addresses.kafka_bootstrap,
            "TILLSTREAM_POSTGRES_DSN": addresses.postgres_dsn,
            "TILLSTREAM_CLICKHOUSE_URL": addresses.clickhouse_url,
            "TILLSTREAM_TOPIC_PREFIX": addresses.topic_prefix,
            "TILLSTREAM_DATA_DIR": str(settings.data_dir.resolve()),
            "TILLSTREAM_TIME": settings.time,
            "TILLSTREAM_PARTITIONS": str(settings.partitions),
            "TILLSTREAM_LOG_FORMAT": "json",
        },
        ready=ready,
        stop_grace_seconds=15.0,
        start_timeout_seconds=start_timeout_seconds,
        with_previous=True,
    )


def services(settings: Settings, addresses: Addresses, api_port: int) -> list[ProcessSpec]:
    """Return the processes of a whole stack beside its servers."""

    def telling(name: str, *arguments: str) -> ProcessSpec:
        path = ready_file(settings, name)
        return _service(settings, addresses, name, [*arguments, "--ready-file", str(path)], _said_ready(path))

    def worker(name: str, stage: StageName) -> ProcessSpec:
        ready = partial(is_ready, worker_directory(settings, 0, stage))
        return _service(settings, addresses, name, ["worker", "--stage", stage], ready, _RECOVERY_SECONDS)

    specs = [
        telling("projections-postgres", "project", *POSTGRES_MODELS),
        telling("projections-clickhouse", "project", *CLICKHOUSE_MODELS),
        worker("worker", "stores"),
        worker("chain-worker", "chains"),
        telling("api", "api", "--host", settings.api_host, "--port", str(api_port)),
    ]
    if settings.reconcile_every != "off":
        specs.append(telling("reconcile", "reconcile", "--every", settings.reconcile_every))
    if settings.time == "live":
        specs.append(telling("ticker", "ticker"))
    return specs
