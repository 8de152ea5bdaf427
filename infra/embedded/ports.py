"""Free ports on the loopback interface, the same ones again at the next start where still free."""

import json
import random
import socket
from pathlib import Path

from infra.embedded.stack_error import StackError

LOOPBACK = "127.0.0.1"
FILE_NAME = "ports.json"

# Below the range that Linux takes for outgoing connections: no client can sit on a port of ours
# while its server restarts.
_LOWEST, _HIGHEST = 20_000, 32_000
_ATTEMPTS = 200


class NoFreePort(StackError):
    """No port of the range could be bound."""


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_ports(data_dir: Path, names: list[str]) -> dict[str, int]:
    """Return a port for each name and remember the choice in the data directory."""
    path = data_dir / FILE_NAME
    remembered = _remembered(path)
    chosen: dict[str, int] = {}
    for name in names:
        port = remembered.get(name)
        if port is None or port in chosen.values() or not is_free(port):
            port = _free_port(taken={*chosen.values(), *remembered.values()})
        chosen[name] = port
    part = path.with_suffix(".part")
    part.write_text(json.dumps({**remembered, **chosen}), "utf-8")
    part.replace(path)
    return chosen


def _remembered(path: Path) -> dict[str, int]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {str(name): int(port) for name, port in content.items()}


def _free_port(taken: set[int]) -> int:
    for _ in range(_ATTEMPTS):
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311  (no secret)
        if port not in taken and is_free(port):
            return port
    raise NoFreePort(f"no free port between {_LOWEST} and {_HIGHEST} on {LOOPBACK}")
