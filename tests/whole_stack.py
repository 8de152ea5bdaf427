"""A whole stack as its user runs it: `tillstream up` and its companions as processes, on a directory of their own."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from api.security.tokens import issue_token
from infra.addresses import Addresses, resolve_addresses
from infra.embedded.supervised import launch_argv
from infra.settings import Settings
from tests.command_line import TILLSTREAM, environment
from tests.waiting import patience, until


@dataclass
class WholeStack:
    """A running `tillstream up`."""

    data_dir: Path
    process: subprocess.Popen[bytes]
    output: Path

    def record(self) -> dict[str, Any]:
        """Return what stack.json says now."""
        content: dict[str, Any] = json.loads((self.data_dir / "stack.json").read_text("utf-8"))
        return content

    def pid(self, name: str) -> int:
        """Return the process id of one part."""
        return next(row["pid"] for row in self.record()["processes"] if row["name"] == name)

    def pids(self) -> dict[str, int]:
        """Return the process ids of all parts."""
        return {row["name"]: row["pid"] for row in self.record()["processes"]}

    @property
    def api_url(self) -> str:
        """Return where the API listens."""
        return str(self.record()["facts"]["api_url"])

    def token(self, role: str = "hq", *stores: str, tenant: str = "demo") -> str:
        """Sign a token with the key of the stack."""
        key = (self.data_dir / "secrets" / "api-signing-key").read_text("ascii").strip()
        return issue_token(key, subject="test", role=role, tenant=tenant, stores=stores or ("*",))

    def client(self, role: str = "hq", *stores: str, tenant: str = "demo") -> httpx.Client:
        """Return an HTTP client that carries a token."""
        bearer = self.token(role, *stores, tenant=tenant)
        return httpx.Client(base_url=self.api_url, headers={"Authorization": f"Bearer {bearer}"}, timeout=30.0)

    def addresses(self) -> Addresses:
        """Return where the stack's servers are."""
        return resolve_addresses(Settings(data_dir=self.data_dir))

    def dsn(self) -> str:
        """Return the address of the stack's Postgres."""
        return self.addresses().postgres_dsn

    def is_ready(self) -> bool:
        """Tell whether the API says that everything is ready."""
        try:
            return httpx.get(f"{self.api_url}/health/ready", timeout=5.0).status_code == 200
        except (httpx.HTTPError, OSError, KeyError, StopIteration, ValueError):
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the supervisor a signal and wait for its end."""
        self.process.send_signal(number)
        return self.process.wait(patience(60))


def start_stack(data_dir: Path, time: str = "simulated") -> WholeStack:
    """Start `tillstream up` and return without waiting; it is asked to end when the thread that starts it dies, of whatever."""
    data_dir.mkdir(parents=True, exist_ok=True)
    output = data_dir.parent / f"{data_dir.name}.out"
    with output.open("ab") as sink:
        argv = launch_argv([*TILLSTREAM, "up", "--data-dir", str(data_dir), "--time", time], "same", signal.SIGTERM)
        process = subprocess.Popen(argv, env=environment(), stdout=sink, stderr=subprocess.STDOUT)
    return WholeStack(data_dir, process, output)


def await_ready(stack: WholeStack, timeout: float = 90.0) -> None:
    """Wait until a started stack is ready; fail with its output when it ends."""

    def ready() -> bool:
        if stack.process.poll() is not None:
            raise AssertionError(f"tillstream up ended with {stack.process.returncode}:\n{stack.output.read_text('utf-8')}")
        return stack.is_ready()

    until(ready, timeout, f"the stack is ready; its output is in {stack.output}")


@contextmanager
def whole_stack(data_dir: Path, time: str = "simulated") -> Iterator[WholeStack]:
    """Run a stack while the body runs."""
    stack = start_stack(data_dir, time)
    try:
        await_ready(stack)
        yield stack
    finally:
        if stack.process.poll() is None:
            stack.stop()
