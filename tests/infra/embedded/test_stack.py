"""The servers together: they keep what they acknowledged, come back, and end with their supervisor."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from infra.addresses import Addresses, StackNotRunning, resolve_addresses
from infra.embedded.broker_probe import ask_broker
from infra.embedded.kafka import EmbeddedKafka, KafkaPorts
from infra.embedded.ports import choose_ports
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.process_table import members
from infra.embedded.progress import silent
from infra.embedded.stack import RunningServers, running_stack
from infra.embedded.stack_file import StackRecord, read_record
from infra.processes import Supervisor, SupervisorRunning
from infra.settings import load_settings
from tests.infra.embedded.acknowledged import SERVERS, mark
from tests.waiting import patience, until

pytestmark = pytest.mark.stack


def _pid(servers: RunningServers, name: str) -> int:
    return next(process.pid or 0 for process in servers.supervisor.processes if process.name == name)


def _all_ready(servers: RunningServers) -> bool:
    servers.poll()
    return all(process.is_ready for process in servers.supervisor.processes)


def _running(record: StackRecord) -> list[int]:
    return [pid for process in record.processes for pid in members(process.family())]


@contextmanager
def _own_process(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the servers under a supervisor in another process, as a user does by hand."""
    command = [sys.executable, "-m", "infra.embedded", "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        try:
            until(lambda: b"CLICKHOUSE_URL" in running.stdout.readline(), timeout=60)
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("name", SERVERS)
def test_a_killed_server_comes_back_with_what_it_acknowledged(servers: RunningServers, name: str) -> None:
    """Kill -9 right after an acknowledgement loses nothing, and the supervisor starts the server again."""
    write, read = SERVERS[name]
    value = mark()
    write(servers.addresses, value)
    killed = _pid(servers, name)

    os.kill(killed, signal.SIGKILL)
    until(lambda: servers.poll() or _pid(servers, name) not in (0, killed), timeout=30)
    until(lambda: _all_ready(servers), timeout=30)

    assert value in read(servers.addresses)


@pytest.mark.long
def test_stopping_ends_everything_and_the_next_start_has_what_was_written(tmp_path: Path) -> None:
    """SIGTERM stops the servers cleanly; started again, the same ports serve the same data."""
    values = {name: mark() for name in SERVERS}
    with _own_process(tmp_path) as running:
        first = resolve_addresses(load_settings(data_dir=tmp_path))
        record = read_record(tmp_path)
        for name, (write, _) in SERVERS.items():
            write(first, values[name])
        running.send_signal(signal.SIGTERM)
        assert running.wait(patience(30)) == 0

    assert record is not None
    assert _running(record) == []
    assert read_record(tmp_path) is None
    with running_stack(tmp_path) as second:
        assert second == first
        for name, (_, read) in SERVERS.items():
            assert values[name] in read(second)


def test_a_killed_supervisor_leaves_nothing_running_and_the_next_start_goes_on(tmp_path: Path) -> None:
    """Kill -9 of the supervisor ends every server, busy Postgres sessions included, within seconds."""
    value = mark()
    write, read = SERVERS["postgres"]
    with _own_process(tmp_path) as running:
        addresses = resolve_addresses(load_settings(data_dir=tmp_path))
        write(addresses, value)
        record = read_record(tmp_path)
        with _busy_session(addresses):
            running.kill()
            running.wait(patience(10))

    assert record is not None
    until(lambda: _running(record) == [], timeout=30)
    with pytest.raises(StackNotRunning, match="tillstream up"):
        resolve_addresses(load_settings(data_dir=tmp_path))
    with running_stack(tmp_path) as again:
        assert value in read(again)


@contextmanager
def _busy_session(addresses: Addresses) -> Iterator[None]:
    """Keep a session computing that looks neither at its socket nor at the clock for a long while."""
    query = "SELECT count(*) FROM generate_series(1, 9000000000)"
    busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query = %s"
    script = f"import psycopg; psycopg.connect({addresses.postgres_dsn!r}).execute({query!r})"
    with (
        psycopg.connect(addresses.postgres_dsn, autocommit=True) as watching,
        subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as client,
    ):
        until(lambda: watching.execute(busy, (query,)).fetchone() == (1,))
        try:
            yield
        finally:
            client.kill()


def test_a_second_supervisor_on_a_live_directory_is_refused(servers: RunningServers, data_dir: Path) -> None:
    """One directory has one supervisor; the refusal names the process that has it."""
    with pytest.raises(SupervisorRunning, match=f"process {os.getpid()}"), Supervisor(data_dir):
        pass

    assert _all_ready(servers)


def test_a_cluster_id_that_begins_with_a_minus_is_an_id_and_no_option(tmp_path: Path) -> None:
    """One random id in 64 does; the start would fail on it, once in a while."""
    kafka = EmbeddedKafka(tmp_path, KafkaPorts(1, 2), load_settings(data_dir=tmp_path).cache_dir, None)
    kafka.prepare(silent)

    kafka.format(tmp_path / "data", "-DEyMzQ1Njc4OTAxMjM0NQ")

    assert kafka.cluster_id == "-DEyMzQ1Njc4OTAxMjM0NQ"


def test_a_foreign_broker_on_the_port_is_not_ready(servers: RunningServers, tmp_path: Path) -> None:
    """A broker that answers with another cluster's id is somebody else's."""
    port = int(servers.addresses.kafka_bootstrap.rpartition(":")[2])
    theirs = EmbeddedKafka(tmp_path, KafkaPorts(port, 1), tmp_path, None)
    (tmp_path / "cluster.id").write_text("another-cluster")
    (tmp_path / "classpath").write_text("")

    foreign = theirs.spec().ready(0)
    (tmp_path / "cluster.id").write_text(servers.addresses.log_id)
    own = theirs.spec().ready(0)

    assert (foreign, own) == (False, True)


def test_a_broker_that_is_none_gives_no_answer(servers: RunningServers) -> None:
    """Another server behind an open port is not taken for a broker."""
    port = servers.addresses.clickhouse_url.rpartition(":")[2].split("/")[0]

    assert ask_broker(f"127.0.0.1:{port}", timeout_seconds=1) is None


def test_stack_json_tells_where_everything_is_and_no_secret(servers: RunningServers, data_dir: Path) -> None:
    """Addresses come out of the file and the secret files; the file itself holds no password."""
    found = resolve_addresses(load_settings(data_dir=data_dir))
    text = (data_dir / "stack.json").read_text()

    assert found == servers.addresses
    for secret in (data_dir / "secrets").iterdir():
        assert secret.read_text().strip() not in text


def test_a_given_address_wins_over_the_running_stack(servers: RunningServers, data_dir: Path) -> None:
    """What the settings name is taken; only the rest comes from the stack."""
    given = load_settings(data_dir=data_dir, postgres_dsn="postgresql://elsewhere/db")

    found = resolve_addresses(given)

    assert found == replace(servers.addresses, postgres_dsn="postgresql://elsewhere/db")


def test_a_lock_file_with_a_strangers_process_id_does_not_stop_postgres(tmp_path: Path) -> None:
    """After a power cut the id in a killed server's lock file may be any program's."""
    postgres = EmbeddedPostgres(tmp_path / "postgres", choose_ports(tmp_path, ["postgres"])["postgres"], "secret")
    postgres.prepare(silent)
    lock = tmp_path / "postgres" / "data" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n1\n5432\n\n127.0.0.1\n\n\n")

    with Supervisor(tmp_path) as supervisor:
        supervisor.start_all([postgres.spec()])
        with psycopg.connect(postgres.dsn) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("tillstream",)


def test_root_without_user_namespaces_runs_postgres_as_somebody_else(tmp_path: Path) -> None:
    """Where namespaces are forbidden the server drops to another user, who then owns its files."""
    if os.geteuid() != 0:
        pytest.skip("only root needs another user for Postgres")
    with tempfile.TemporaryDirectory() as open_to_all:
        directory = Path(open_to_all)
        directory.chmod(0o755)
        postgres = EmbeddedPostgres(directory / "postgres", choose_ports(tmp_path, ["postgres"])["postgres"], "secret", "uid:65534")
        postgres.prepare(silent)
        with Supervisor(tmp_path) as supervisor:
            supervisor.start_all([postgres.spec()])
            owner = Path(f"/proc/{supervisor.processes[0].pid}").stat().st_uid

    assert owner == 65534
