"""Asks a Kafka broker who it is, with one blocking request and no event loop.

An open port proves nothing: another program's broker may listen there. The cluster id does.
"""

import socket
import struct
from dataclasses import dataclass

from aiokafka.protocol.metadata import MetadataRequest_v2, MetadataResponse_v2

_CLIENT_ID = b"tillstream-probe"
_CORRELATION_ID = 1
_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class BrokerAnswer:
    """What a broker says of its cluster; `brokers` counts those that take part now."""

    cluster_id: str
    brokers: int


def ask_broker(bootstrap: str, timeout_seconds: float = 2.0) -> BrokerAnswer | None:
    """Return the answer of the first broker of a comma-separated list that gives one."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            return _ask(host, int(port), timeout_seconds)
        except (OSError, ValueError, struct.error):
            continue
    return None


def _ask(host: str, port: int, timeout_seconds: float) -> BrokerAnswer:
    request = MetadataRequest_v2([])
    header = struct.pack(
        f">hhih{len(_CLIENT_ID)}s",
        request.API_KEY,
        request.API_VERSION,
        _CORRELATION_ID,
        len(_CLIENT_ID),
        _CLIENT_ID,
    )
    body = header + request.encode()
    with socket.create_connection((host, port), timeout=timeout_seconds) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        (size,) = struct.unpack(">i", _read(connection, 4))
        if not 4 <= size <= _LIMIT_BYTES:
            raise ValueError("not a Kafka broker")
        payload = _read(connection, size)
    answer = MetadataResponse_v2.decode(payload[4:])
    return BrokerAnswer(str(answer.cluster_id), len(answer.brokers))


def _read(connection: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        chunk = connection.recv(size - len(content))
        if not chunk:
            raise ConnectionError("closed in the middle of an answer")
        content += chunk
    return bytes(content)
