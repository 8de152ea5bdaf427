"""The ClickHouse part of an embedded stack: chDB behind its owner process."""

import http.client
import os
import sys
from base64 import b64encode
from importlib.util import find_spec
from pathlib import Path

from infra.addresses import embedded_clickhouse_url
from infra.embedded.clickhouse.protocol import IDENTITY_PATH
from infra.embedded.names import EMBEDDED_USER
from infra.embedded.ports import LOOPBACK
from infra.embedded.progress import Progress
from infra.embedded.stack_error import StackError
from infra.embedded.supervised import ProcessSpec

_PROBE_TIMEOUT_SECONDS = 1.0


class ClickHouseMissing(StackError):
    """There is no engine to run."""


class EmbeddedClickHouse:
    """Prepares the engine's directory and describes its owner process."""

    def __init__(self, directory: Path, port: int, password_file: Path) -> None:
        self._directory = directory.resolve()
        self._port = port
        self._password_file = password_file.resolve()

    @property
    def url(self) -> str:
        """Return the address with the password in it."""
        return embedded_clickhouse_url(self._port, self._password())

    def _password(self) -> str:
        return self._password_file.read_text("ascii").strip()

    def prepare(self, _progress: Progress) -> None:
        """Make the directory; raises `ClickHouseMissing`."""
        if find_spec("chdb") is None:
            raise ClickHouseMissing("no ClickHouse engine: install the `embedded` extra (chdb)")
        self._directory.mkdir(parents=True, exist_ok=True)

    def spec(self) -> ProcessSpec:
        """Describe the owner process."""
        return ProcessSpec(
            name="clickhouse",
            argv=[
                sys.executable,
                "-m",
                "infra.embedded.clickhouse",
                f"--path={self._directory / 'data'}",
                f"--port={self._port}",
                f"--password-file={self._password_file}",
            ],
            ready=self._is_ready,
            env={"TZ": "UTC", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            directory=self._directory,
            stop_grace_seconds=12.0,
        )

    def _is_ready(self, pid: int) -> bool:
        """Ready is the owner that takes our password and is the process that we started."""
        token = b64encode(f"{EMBEDDED_USER}:{self._password()}".encode()).decode()
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=_PROBE_TIMEOUT_SECONDS)
        try:
            connection.request("GET", IDENTITY_PATH, headers={"Authorization": f"Basic {token}"})
            return connection.getresponse().read() == str(pid).encode()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
