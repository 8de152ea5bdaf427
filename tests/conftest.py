"""One running stack for the whole test run, shared by all its processes, and a place of its own in it for each test.

`--stack=embedded` (default) starts real servers here; `servers` takes the addresses of the environment
(TILLSTREAM_KAFKA_BOOTSTRAP, TILLSTREAM_POSTGRES_DSN, TILLSTREAM_CLICKHOUSE_URL); `containers` starts
them with testcontainers and skips where no engine answers.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from infra.addresses import Addresses, log_id_of
from infra.embedded.stack import running_stack
from infra.logs import configure_logging
from tests.examples import register_profiles
from tests.places import Places, migrated_template
from tests.resuming import Resuming
from tests.waiting import be_patient, patience

register_profiles()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Choose where the servers come from, how long to wait, and which run is gone on with."""
    parser.addoption("--stack", choices=("embedded", "servers", "containers"), default="embedded", help="which servers the tests use")
    parser.addoption("--patience", type=float, default=1.0, help="make every wait so many times as long, on a busy machine")
    parser.addoption("--passed", metavar="FILE", help="pass over the tests that this file names, and add those that pass to it")


SHARED: pytest.StashKey[ExitStack] = pytest.StashKey()
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder within has a name that nobody can guess
ROOM_BYTES = 4 << 30


def in_memory() -> Path | None:
    """Return a folder in memory where there is room for the shared servers' files, or None.

    Databases and topics that come and go by the thousand cost a disk a tenth of their servers' time, and a slow disk more. Tests end
    processes and not machines: what an acknowledgement means is the same there.
    """
    has_room = os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free >= ROOM_BYTES
    return MEMORY if has_room else None


class SharedStack:
    """Where tests run in several processes, the one that hands them out runs the servers, and tells each where they are."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Start the servers before the first process, and pass their addresses to each."""
        config: pytest.Config = node.config
        if config.getoption("--stack") != "embedded":
            return
        if SHARED not in config.stash:
            kept = config.stash[SHARED] = ExitStack()
            folder = kept.enter_context(TemporaryDirectory(prefix="tillstream-tests-", dir=in_memory(), ignore_cleanup_errors=True))
            self.addresses = kept.enter_context(running_stack(Path(folder)))
        node.workerinput["addresses"] = asdict(self.addresses)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Stop the servers when every process has ended."""
        if SHARED in config.stash:
            config.stash[SHARED].close()


def pytest_configure(config: pytest.Config) -> None:
    """Share one stack among the processes of a run, and write logs as services do: pretty tracebacks take seconds each."""
    configure_logging("tests", "warning")
    be_patient(config.getoption("--patience"))
    config.pluginmanager.register(SharedStack())
    if config.getoption("--passed"):
        config.pluginmanager.register(Resuming(config))


FIRST = (
    "tests/end_to_end/test_running_stack.py",
    "tests/faults/",
    "tests/end_to_end/",
    "tests/processors/test_worker_",
    "tests/infra/embedded/",
    "tests/projections/",
    "tests/api/",
)
"""Where the long tests are. Begun first, they leave the short ones to fill the end, so that both cores are busy until then."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, the order within a place stays; a test with a limit of its own may take as much longer as it waits."""

    def place(item: pytest.Item) -> int:
        return next((rank for rank, prefix in enumerate(FIRST) if item.nodeid.startswith(prefix)), len(FIRST))

    items.sort(key=place)
    for item in items:
        limit = item.get_closest_marker("timeout")
        if limit:
            item.add_marker(pytest.mark.timeout(patience(limit.args[0])), append=False)


def _servers_of_environment() -> Addresses:
    names = ("TILLSTREAM_KAFKA_BOOTSTRAP", "TILLSTREAM_POSTGRES_DSN", "TILLSTREAM_CLICKHOUSE_URL")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        pytest.exit(f"--stack=servers needs {', '.join(missing)}", returncode=64)
    bootstrap, dsn, url = (os.environ[name] for name in names)
    return Addresses(bootstrap, dsn, url, log_id_of(bootstrap))


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Run (or find) the servers once."""
    kind, shared = request.config.getoption("--stack"), getattr(request.config, "workerinput", {}).get("addresses")
    if shared:
        yield Addresses(**shared)
    elif kind == "servers":
        yield _servers_of_environment()
    elif kind == "containers":
        from tests.containers import container_addresses  # noqa: PLC0415 - its library takes a second to import

        with container_addresses() as addresses:
            yield addresses
    else:
        with running_stack(tmp_path_factory.mktemp("stack")) as addresses:
            yield addresses


@pytest.fixture(scope="session")
def template(stack: Addresses) -> Iterator[str]:
    """Migrate one Postgres database that the places are copied from."""
    with migrated_template(stack) as name:
        yield name


@pytest.fixture(scope="session")
def places(stack: Addresses, template: str) -> Iterator[Places]:
    """Keep what tests have left as new for the tests after them."""
    with closing(Places(stack, template)) as kept:
        yield kept


@pytest.fixture
def place(places: Places) -> Iterator[Addresses]:
    """Give a test its own topics (by prefix) and its own migrated databases, all of them empty."""
    with places.lend() as addresses:
        yield addresses


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Find the folder of the public data set, or skip with the reason."""
    named = os.environ.get("TILLSTREAM_REAL_DATA")
    candidates = [Path(named)] if named else [Path(__file__).resolve().parents[2] / "shared" / "data"]
    for folder in candidates:
        if (folder / "online_retail.csv.gz").exists():
            return folder
    pytest.skip("online_retail.csv.gz is not here: name its folder in TILLSTREAM_REAL_DATA")
