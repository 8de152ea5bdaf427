"""Builds the Faust app of a rule worker: one agent over its stage's topic, one table of states, the settings that recovered best."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import faust

from contracts.topics import EMBEDDED_PARTITIONS
from infra.kafka.names import qualified
from processors.fold import RULES_OF, Fold
from processors.readiness import mark_ready, mark_recovering
from processors.rules.rule import Rule
from processors.safeguards import CrashPoints, NoCrashPoints, Safeguards
from processors.shell import refresh
from processors.shell.consumer import Sources, install
from processors.shell.heartbeat import Heartbeat
from processors.shell.recovering import report_recovery
from processors.shell.run import RuleAgent
from processors.shell.table import StateTable
from processors.shell.watchdog import STILL_SECONDS, Watchdog
from processors.shell.writer import Writer
from processors.stages import TOPIC_OF_STAGE, Stage, StageName, stage_with

GROUPS: Mapping[StageName, str] = {"stores": "rules", "chains": "chain-rules"}
TABLE = "rule-state"
SESSION_SECONDS = 6.0
_BATCHES_WAITING = 8
_FETCHES_AT_ONCE = 2
"""Applied together in a recovery; with one, Faust goes on reading the changelog behind its end."""
_BATCH_BYTES = 900_000
"""Of records that are written at once: less than a record of the log may be, more than what most batches change."""


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker is started with. `slot` is fixed for life of the place that it fills among its fellows."""

    bootstrap: str
    data_dir: Path
    topic_prefix: str = ""
    stage: StageName = "stores"
    slot: str = "0"
    partitions: int = EMBEDDED_PARTITIONS
    replication: int = 1
    log_level: str = "info"
    session_seconds: float = SESSION_SECONDS
    still_seconds: float = STILL_SECONDS
    safeguards: Safeguards = field(default_factory=Safeguards)
    crash_points: CrashPoints | None = None
    rules: Sequence[Rule] | None = None
    """Tests and measurements choose; None: every rule of the stage."""


def group_of(options: WorkerOptions) -> str:
    """Return the consumer group, which is also the app's id."""
    return qualified(options.topic_prefix, f"tillstream-{GROUPS[options.stage]}")


def stage_of(options: WorkerOptions) -> Stage:
    """Return the stage, and whom it tells of its progress."""
    return stage_with(options.stage, options.partitions)


def changelog_of(options: WorkerOptions) -> str:
    """Return the name of the changelog topic on the cluster."""
    return f"{group_of(options)}-{TABLE}-changelog"


def build_app(options: WorkerOptions) -> Any:
    """Build the app; nothing is connected before a worker starts it."""
    app = _app(options)
    heartbeat, guards = Heartbeat(), options.safeguards
    points = options.crash_points or NoCrashPoints()
    topic = qualified(options.topic_prefix, TOPIC_OF_STAGE[options.stage])
    sources = Sources(frozenset({topic}), heartbeat, guards, points)
    install(app, sources)
    agent = RuleAgent(
        app,
        _table(app, options),
        Fold(RULES_OF[options.stage] if options.rules is None else options.rules, guards.guard_offsets, stage_of(options)),
        Writer(app, heartbeat, options.session_seconds, options.topic_prefix, guards.heartbeat, guards.await_changelog),
        guards,
        points,
    )
    agent.table.on_recovered = partial(_recovered, agent, options.data_dir)
    agent.table.on_heal = agent.writer.write_states
    watchdog = Watchdog(app, sources.topics, agent.signs_of_life, options.still_seconds)
    agent.table.beside = partial(_beside, agent, watchdog, options.data_dir)
    _attach(app, agent, topic)
    return app


def _app(options: WorkerOptions) -> Any:
    return faust.App(
        group_of(options),
        broker=f"kafka://{options.bootstrap}",
        datadir=str(options.data_dir),
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_partitions=options.partitions,
        topic_replication_factor=options.replication,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=f"{group_of(options)}-{options.slot}",
        consumer_max_fetch_size=4 * 1024 * 1024,
        broker_session_timeout=options.session_seconds,
        broker_heartbeat_interval=options.session_seconds / 4,
        broker_rebalance_timeout=options.session_seconds,
        broker_commit_interval=1.0,
        broker_max_poll_records=10_000,
        stream_wait_empty=False,
        stream_buffer_maxsize=_BATCHES_WAITING,
        table_standby_replicas=0,
        producer_acks=-1,
        producer_linger=0.0,
        producer_max_batch_size=_BATCH_BYTES,
        worker_redirect_stdouts=False,
    )


def _recovered(agent: RuleAgent, data_dir: Path, held: Mapping[str, bytes], partition_of: Mapping[str, int]) -> None:
    agent.fold.index.rebuild(held, partition_of)
    mark_ready(data_dir)


def _table(app: Any, options: WorkerOptions) -> StateTable:
    fetches = {"schema": _Untouched(), "recovery_buffer_size": _FETCHES_AT_ONCE}
    table = StateTable(app, name=TABLE, key_type=str, value_type=bytes, partitions=options.partitions, **fetches)
    table.keep_highest = options.safeguards.highest_offset_recovery
    added: StateTable = app.tables.add(table)
    return added


async def _beside(agent: RuleAgent, watchdog: Watchdog, data_dir: Path) -> None:
    """Do what goes on beside the agent: the watchdog, the hourly refresh, and the news of a recovery."""
    await asyncio.gather(watchdog.run(), refresh.refresh_forever(agent), report_recovery(agent.app, partial(mark_recovering, data_dir)))


def _attach(app: Any, agent: RuleAgent, topic: str) -> None:
    """Give the app its one agent."""
    facts = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", schema=_Untouched())

    async def rules(stream: Any) -> None:
        await agent.run(stream)

    app.agent(facts, name="rules", concurrency=1)(rules)


class _Untouched(faust.Schema):
    """Hands a batch to the agent as the consumer made it."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ARG002
        return message.key

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ARG002
        return message.value
