"""The owner process behind the unmodified client: what a server does, it does."""

import gzip
import http.client
import subprocess
import sys
import threading
from base64 import b64encode
from datetime import UTC, datetime
from urllib.parse import urlsplit

import clickhouse_connect
import lz4.frame
import pyarrow as pa
import pytest
from backports import zstd
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from infra.embedded.stack import RunningServers
from infra.secrets import CLICKHOUSE_PASSWORD, SecretStore
from tests.waiting import until

pytestmark = pytest.mark.stack

ROWS = b"".join(b"%d\tname\n" % number for number in range(3_000))


def _count(client: Client) -> int:
    return int(client.command("SELECT count() FROM lines"))


def _connection(servers: RunningServers) -> tuple[http.client.HTTPConnection, dict[str, str]]:
    url = urlsplit(servers.addresses.clickhouse_url)
    token = b64encode(f"{url.username}:{url.password}".encode()).decode()
    return http.client.HTTPConnection(url.hostname or "", url.port, timeout=30), {"Authorization": f"Basic {token}"}


def _send_cut(servers: RunningServers, headers: dict[str, str], body: bytes) -> None:
    """Send an INSERT whose body ends before it should, and wait until the owner has dropped it."""
    connection, authorization = _connection(servers)
    connection.putrequest("POST", "/?database=scratch&query=INSERT+INTO+lines+FORMAT+TabSeparated")
    for name, value in {**authorization, **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    assert connection.sock is not None
    connection.sock.shutdown(1)
    assert connection.sock.recv(1) == b""
    connection.close()


def test_a_cut_body_inserts_nothing(servers: RunningServers, clickhouse: Client) -> None:
    """A connection that ends inside the body leaves no row, though the rows that came were whole."""
    _send_cut(servers, {"Content-Length": str(len(ROWS) + 1)}, ROWS)

    assert _count(clickhouse) == 0


def test_a_chunked_body_without_its_end_inserts_nothing(servers: RunningServers, clickhouse: Client) -> None:
    """The last chunk is what says that all came."""
    _send_cut(servers, {"Transfer-Encoding": "chunked"}, b"%x\r\n%s\r\n" % (len(ROWS), ROWS))

    assert _count(clickhouse) == 0


def test_a_whole_chunked_body_is_inserted(clickhouse: Client) -> None:
    """The control to the cut ones: the same rows, complete, are there."""
    summary = clickhouse.raw_insert("lines", ["id", "name"], iter([ROWS[:1000], ROWS[1000:]]), fmt="TabSeparated")

    assert (summary.written_rows, _count(clickhouse)) == (3_000, 3_000)


COMPRESS = {"lz4": lz4.frame.compress, "zstd": zstd.compress, "gzip": gzip.compress}


@pytest.mark.parametrize("method", COMPRESS)
def test_a_compressed_body_is_read_and_a_cut_one_refused(servers: RunningServers, clickhouse: Client, method: str) -> None:
    """Bodies come compressed as the client likes; compressed data without its end inserts nothing."""
    client = clickhouse_connect.get_client(dsn=servers.addresses.clickhouse_url, compress=method)
    client.insert("lines", [[1, "a"], [2, "b"]], column_names=["id", "name"], database="scratch")
    connection, headers = _connection(servers)
    cut = COMPRESS[method](ROWS)[:-10]
    connection.request(
        "POST", "/?database=scratch&query=INSERT+INTO+lines+FORMAT+TabSeparated", cut, {**headers, "Content-Encoding": method}
    )

    assert connection.getresponse().status == 400
    assert _count(clickhouse) == 2


def test_an_arrow_table_comes_back_as_it_went_in(clickhouse: Client) -> None:
    """Types, nulls and times survive the way in and out."""
    clickhouse.command(
        "CREATE TABLE kinds (n UInt64, price Decimal(18, 4), at DateTime64(3, 'UTC'), note Nullable(String)) ENGINE = MergeTree ORDER BY n"
    )
    schema = pa.schema(
        [
            pa.field("n", pa.uint64(), nullable=False),
            pa.field("price", pa.decimal128(18, 4), nullable=False),
            pa.field("at", pa.timestamp("ms", "UTC"), nullable=False),
            pa.field("note", pa.string()),
        ]
    )
    rows = {"n": [1, 2], "price": pa.array(["1.5", "-2.25"]).cast(pa.decimal128(18, 4)), "note": ["ü", None]}
    table = pa.table({**rows, "at": [datetime(2026, 1, 2, tzinfo=UTC)] * 2}).select(schema.names).cast(schema)

    summary = clickhouse.insert_arrow("kinds", table)

    assert summary.written_rows == 2
    assert clickhouse.query_arrow("SELECT * FROM kinds ORDER BY n").cast(schema).equals(table)


@pytest.mark.parametrize("text", ["it's", "back\\slash", "tab\tline\n", 'quo"te', "ü€", "", "\\N", "a\\tb", "x" * 20_000])
def test_a_parameter_arrives_as_it_was_given(clickhouse: Client, text: str) -> None:
    """Values never become part of the statement, whatever they hold and however long they are."""
    assert clickhouse.query("SELECT {value:String}", parameters={"value": text}).result_rows == [(text,)]


def test_an_error_of_the_engine_reaches_the_client_with_its_code(clickhouse: Client) -> None:
    """The engine's own text and number arrive as the client's own error."""
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE") as raised:
        clickhouse.query("SELECT * FROM nowhere")

    assert raised.value.code == 60


def test_a_refused_insert_is_an_error_and_stores_nothing(clickhouse: Client) -> None:
    """A violated constraint, and more partitions than one insert may touch, reach the client with their codes."""
    clickhouse.command("CREATE TABLE picky (n Int32, CONSTRAINT small CHECK n < 1000) ENGINE = MergeTree PARTITION BY n ORDER BY n")

    with pytest.raises(DatabaseError, match="469"):
        clickhouse.insert_arrow("picky", pa.table({"n": pa.array([1, 1_000], pa.int32())}))
    with pytest.raises(DatabaseError, match="252"):
        clickhouse.insert_arrow("picky", pa.table({"n": pa.array(range(101), pa.int32())}))

    assert int(clickhouse.command("SELECT count() FROM picky")) == 0


def test_several_statements_in_one_request_are_refused(clickhouse: Client) -> None:
    """As on a server, so that nothing works embedded only."""
    with pytest.raises(DatabaseError, match="Multi-statements"):
        clickhouse.command("INSERT INTO lines SELECT 1, 'a'; INSERT INTO lines SELECT 2, 'b'")

    assert _count(clickhouse) == 0


def test_a_reader_cannot_write_and_a_writer_beside_it_can(servers: RunningServers, clickhouse: Client) -> None:
    """`readonly=2` holds for that client alone, for statements and for data."""
    reader = clickhouse_connect.get_client(dsn=servers.addresses.clickhouse_url, settings={"readonly": 2})
    table = pa.table({"id": pa.array([1], pa.uint64()), "name": ["a"]})
    for write in (
        lambda: reader.insert_arrow("lines", table, database="scratch"),
        lambda: reader.command("INSERT INTO scratch.lines VALUES (1, 'a')"),
        lambda: reader.command("DROP TABLE scratch.lines"),
    ):
        with pytest.raises(DatabaseError) as raised:
            write()
        assert raised.value.code == 164

    clickhouse.insert_arrow("lines", table)

    assert reader.query("SELECT count() FROM scratch.lines").result_rows == [(1,)]


def test_a_wrong_password_is_refused(servers: RunningServers) -> None:
    """Whoever has not read the secret gets nothing."""
    right = SecretStore(servers.supervisor.data_dir).read(CLICKHOUSE_PASSWORD)

    with pytest.raises(DatabaseError) as raised:
        clickhouse_connect.get_client(dsn=servers.addresses.clickhouse_url.replace(right, "wrong"))

    assert raised.value.code == 516


def test_a_query_that_takes_too_long_is_ended(clickhouse: Client) -> None:
    """`max_execution_time` of a request holds."""
    with pytest.raises(DatabaseError) as raised:
        clickhouse.query("SELECT sleepEachRow(0.1) FROM numbers(50) SETTINGS max_block_size = 1", settings={"max_execution_time": 0.5})

    assert raised.value.code == 159


def test_a_short_query_is_answered_beside_a_long_one(servers: RunningServers, clickhouse: Client) -> None:
    """One client's report does not make another client wait."""
    slow = clickhouse_connect.get_client(dsn=servers.addresses.clickhouse_url)
    finished = threading.Event()

    def run() -> None:
        slow.query("SELECT sleepEachRow(0.1) FROM numbers(30) SETTINGS max_block_size = 1")
        finished.set()

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: clickhouse.command("SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(0.1)%' AND elapsed > 0") > 1)
    clickhouse.command("SELECT 1")
    answered_first = not finished.is_set()
    thread.join()

    assert answered_first


async def test_the_asynchronous_client_works_the_same(servers: RunningServers, clickhouse: Client) -> None:
    """Inserts, parameters and results over the other HTTP library."""
    client = await clickhouse_connect.get_async_client(dsn=servers.addresses.clickhouse_url, database="scratch")
    written = await client.insert_arrow("lines", pa.table({"id": pa.array([7], pa.uint64()), "name": ["x"]}))
    found = await client.query("SELECT name FROM lines WHERE id = {id:UInt64}", parameters={"id": 7})
    await client.close()

    assert (written.written_rows, found.result_rows) == (1, [("x",)])
    assert _count(clickhouse) == 1


def test_a_second_owner_of_the_same_path_ends_at_once(servers: RunningServers) -> None:
    """The engine belongs to one process."""
    store = servers.supervisor.data_dir / "clickhouse" / "data"
    password = SecretStore(servers.supervisor.data_dir).path(CLICKHOUSE_PASSWORD)
    arguments = [f"--path={store}", "--port=1", f"--password-file={password}"]

    second = subprocess.run(
        [sys.executable, "-m", "infra.embedded.clickhouse", *arguments], capture_output=True, text=True, timeout=60, check=False
    )

    assert second.returncode != 0
    assert "Another server instance in same directory" in second.stderr
