"""How events, alerts and recommendations get their identity, without reading a clock or a random source."""

from uuid import UUID, uuid5

NAMESPACE = UUID("5b1d9f3e-0c55-5f0a-9d6a-3f7f5b9f7a10")
"""Root of all derived ids; changing it would make every retry a new event."""


def uuid7(unix_milliseconds: int, randomness: bytes) -> UUID:
    """Build a UUIDv7 (RFC 9562) from a time and ten random bytes."""
    if len(randomness) != 10:
        raise ValueError("ten random bytes are needed")
    raw = bytearray(unix_milliseconds.to_bytes(6, "big") + randomness)
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return UUID(bytes=bytes(raw))


def derived_id(*parts: str) -> UUID:
    """Derive a UUIDv5 from the source's own key, so that a retry anywhere is the same event."""
    return uuid5(NAMESPACE, "\x1f".join(parts))


def alert_id(rule: str, store_id: str, subject: str, window: str) -> UUID:
    """Identify an alert by what it is about; the rule's version is left out on purpose."""
    return derived_id("alert", rule, store_id, subject, window)


def transition_id(subject_id: UUID, number: int) -> UUID:
    """Identify the nth transition of an alert or the nth revision of a recommendation."""
    return derived_id("transition", str(subject_id), str(number))
