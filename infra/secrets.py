"""Secrets of an embedded stack: made at the first start, readable by their owner alone.

Each lives in `<data_dir>/secrets/<name>`; none is logged, put in `stack.json` or on a command line.
"""

import os
import secrets
from pathlib import Path

from infra.embedded.stack_error import StackError

POSTGRES_PASSWORD = "postgres-password"  # noqa: S105  (the name of the file, not its content)
CLICKHOUSE_PASSWORD = "clickhouse-password"  # noqa: S105
API_SIGNING_KEY = "api-signing-key"

_SECRET_BYTES = 32


class SecretMissing(StackError):
    """A secret was asked for that no start has made yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"there is no secret {path}: it is made when the stack first starts")
        self.path = path


class SecretStore:
    """The secrets of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.directory = data_dir / "secrets"

    def path(self, name: str) -> Path:
        """Return the file that holds (or will hold) a secret."""
        return self.directory / name

    def read(self, name: str) -> str:
        """Return a secret that exists; raise `SecretMissing` otherwise."""
        try:
            return self.path(name).read_text("ascii").strip()
        except FileNotFoundError:
            raise SecretMissing(self.path(name)) from None

    def ensure(self, name: str) -> str:
        """Return a secret, making it first where it does not exist.

        Two processes doing so at the same time get the same one: the file appears complete or not
        at all, and the first to link it wins.
        """
        try:
            return self.read(name)
        except SecretMissing:
            self._make(name)
        return self.read(name)

    def _make(self, name: str) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        part = self.directory / f".{name}.{secrets.token_hex(8)}"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(_SECRET_BYTES))
                file.flush()
                os.fsync(file.fileno())
            os.link(part, self.path(name))
        except FileExistsError:
            return
        finally:
            part.unlink(missing_ok=True)
