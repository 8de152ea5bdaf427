"""The processes of a stack, one command each, as a supervisor, a container or a person starts them."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

from tillstream.options import DataDir, settings_for

RuleStage = Literal["stores", "chains"]

EXIT_HALTED = 4
"""A projection halted on purpose: the log or the read model is not what it was, and a restart alone does not heal that."""

ReadyFile = Annotated[Path | None, typer.Option(hidden=True, help="Written when the process is ready.")]


def stop_event() -> asyncio.Event:
    """Return an event that SIGTERM and Ctrl-C set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def migrate(data_dir: DataDir = None) -> None:
    """Bring the schemas of Postgres and ClickHouse up to date; harmless when they are."""
    from projections.migrations.run import migrate_clickhouse, migrate_postgres
    from tillstream.reaching import addresses_of

    addresses = addresses_of(settings_for(data_dir))
    migrate_postgres(addresses.postgres_dsn)
    migrate_clickhouse(addresses.clickhouse_url)
    typer.echo("both schemas are up to date")


def topics(data_dir: DataDir = None) -> None:
    """Create the topics that are missing, and check the shape of those that are there."""
    from contracts.topics import TOPICS
    from infra.kafka.admin import TopicsUnusable, ensure_topics
    from tillstream.reaching import addresses_of

    settings = settings_for(data_dir)
    addresses = addresses_of(settings)
    try:
        asyncio.run(ensure_topics(addresses.kafka_bootstrap, settings.partitions, settings.replication, addresses.topic_prefix))
    except TopicsUnusable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for topic in TOPICS.values():
        typer.echo(f"{addresses.topic_prefix}{topic.name}: {topic.partitions(settings.partitions)} partitions; {topic.purpose}")


def worker(
    slot: Annotated[int, typer.Option(help="Number of this worker: each slot keeps its own group instance id.")] = 0,
    stage: Annotated[
        RuleStage, typer.Option(help="Rules over the facts of stores, or rules that compare the stores of a chain.")
    ] = "stores",
    data_dir: DataDir = None,
) -> None:
    """Run the rules over the log: one worker a core, as many as there are partitions.

    A stack needs at least one worker of each stage: that of chains compares what the workers of stores have observed.
    """
    from processors.worker import WorkerOptions, run_worker
    from tillstream.composition import worker_directory
    from tillstream.reaching import addresses_of

    settings = settings_for(data_dir)
    addresses = addresses_of(settings)
    run_worker(
        WorkerOptions(
            bootstrap=addresses.kafka_bootstrap,
            topic_prefix=addresses.topic_prefix,
            data_dir=worker_directory(settings, slot, stage),
            stage=stage,
            slot=str(slot),
            partitions=settings.partitions,
            replication=settings.replication,
            log_level=settings.log_level,
        )
    )


def project(
    models: Annotated[list[str], typer.Argument(help="Read models to keep: see `tillstream status`; 'all' for every one.")],
    data_dir: DataDir = None,
    ready_file: ReadyFile = None,
) -> None:
    """Keep read models up to date with the log."""
    import uvloop

    from infra.garbage import collect_rarely
    from infra.logs import configure_logging, logger
    from projections.catalogue import PROJECTIONS
    from projections.errors import Halted
    from projections.generation_runners import run_generations
    from projections.options import RunnerOptions
    from tillstream.composition import write_ready_file
    from tillstream.reaching import addresses_of

    names = tuple(PROJECTIONS) if models == ["all"] else tuple(models)
    unknown = sorted(set(names) - set(PROJECTIONS))
    if unknown:
        raise typer.BadParameter(f"no such read model: {', '.join(unknown)}; there are {', '.join(PROJECTIONS)}")
    settings = settings_for(data_dir)
    configure_logging("project", settings.log_level, settings.log_format)
    options = RunnerOptions(addresses=addresses_of(settings), waits_for_decisions=True, on_ready=lambda: write_ready_file(ready_file))

    collect_rarely()

    async def work() -> None:
        await run_generations(names, options, stop_event())

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work())
    except Halted as error:
        logger("project").error("projection_halted", reason=str(error), kind=type(error).__name__)
        raise typer.Exit(EXIT_HALTED) from error


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: loopback only).", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="0 takes a free one.", show_default=False)] = None,
    data_dir: DataDir = None,
    ready_file: ReadyFile = None,
) -> None:
    """Serve the HTTP API."""
    from api.config import ApiConfig
    from api.serve import serve
    from infra.logs import configure_logging
    from infra.settings import child_environment
    from producers.connections import ConnectionsInvalid, read_connections
    from tillstream.composition import signing_key, write_ready_file
    from tillstream.reaching import addresses_of

    settings = settings_for(data_dir, api_host=host, api_port=port)
    configure_logging("api", settings.log_level, settings.log_format)
    try:
        connections = read_connections(settings.connections, child_environment())
    except ConnectionsInvalid as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    config = ApiConfig(addresses=addresses_of(settings), signing_key=signing_key(settings), time=settings.time, connections=connections)
    serve(config, settings.api_host, settings.api_port, lambda address: write_ready_file(ready_file, {"address": address}))


def ticker(data_dir: DataDir = None, ready_file: ReadyFile = None) -> None:
    """Send a tick to each partition every ten seconds, so that rules see absence; a stack with live time needs one."""
    from infra.clock import utc_now
    from infra.kafka.publisher import Publisher
    from infra.logs import configure_logging
    from producers.publisher import EventPublisher
    from producers.ticker import run_ticker
    from tillstream.composition import write_ready_file
    from tillstream.reaching import addresses_of

    settings = settings_for(data_dir)
    configure_logging("ticker", settings.log_level, settings.log_format)
    addresses = addresses_of(settings)

    async def work() -> None:
        async with Publisher(addresses.kafka_bootstrap, "tillstream-ticker", addresses.topic_prefix) as publisher:
            front = await EventPublisher.over(publisher)
            write_ready_file(ready_file)
            await run_ticker(publisher, front.partitions, now=utc_now, stop=stop_event())

    asyncio.run(work())
