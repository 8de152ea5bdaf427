"""How a state is held under its key: versioned, with the highest source offset folded into it and when it wants a look.

A state is pruned by an empty body with its offset, never by a delete: a deleted record has no offset
to compare, and Faust's recovery cannot read one.
"""

from dataclasses import dataclass

import msgspec

from contracts.envelope import CHAIN_WIDE
from processors.rules.rule import Kind, State

LARGE_BYTES = 256 * 1024
LIMIT_BYTES = 512 * 1024
"""Above the first a value is reported, above the second its rule has failed to prune it."""

_FORMAT = 1
_PARTITION_SIGN = "@"


class UnreadableState(Exception):
    """A held value cannot be read: written by a newer version, or damaged."""


class Held(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The frame around a state: readable without knowing its kind. The tenant is the chain of a store's state."""

    frame: int
    state_version: int
    applied: int
    due_at: int | None
    tenant_id: str
    body: bytes


_held = msgspec.msgpack.Decoder(Held)
_decoders: dict[type[State], msgspec.msgpack.Decoder[State]] = {}
_encode = msgspec.msgpack.Encoder(decimal_format="string").encode


@dataclass(frozen=True, slots=True)
class Address:
    """What a key says: where (a store or `@partition`), the kind's name, and which one."""

    place: str
    kind: str
    name: str


def partition_place(partition: int) -> str:
    """Return the place of states that concern a whole partition."""
    return f"{_PARTITION_SIGN}{partition}"


def is_partition(place: str) -> bool:
    """Return whether a place is a partition, and no store."""
    return place.startswith(_PARTITION_SIGN)


def key_of(place: str, kind: Kind, name: str) -> str:
    """Return the key of a state; no part of it contains the separator (codes never do)."""
    return f"{place}|{kind.name}|{name}"


def address_of(key: str) -> Address:
    """Take a key apart; UnreadableState when it is none."""
    parts = key.split("|")
    if len(parts) != 3 or parts[0] == CHAIN_WIDE:
        raise UnreadableState(f"no state has the key {key!r}")
    return Address(*parts)


def encode(kind: Kind, state: State | None, applied: int, due_at: int | None, tenant_id: str) -> bytes:
    """Write a state, or an empty one where it was pruned."""
    body = b"" if state is None else _encode(state)
    return _encode((_FORMAT, kind.version, applied, due_at, tenant_id, body))  # a `Held`, without making one


def read_held(value: bytes | None) -> Held:
    """Read the frame; UnreadableState for anything else, deletes included."""
    if value is None:
        raise UnreadableState("a deleted state record")
    try:
        held = _held.decode(value)
    except msgspec.MsgspecError as error:
        raise UnreadableState(str(error)) from error
    if held.frame != _FORMAT:
        raise UnreadableState(f"frame {held.frame}, this program reads {_FORMAT}")
    return held


def applied_of(value: bytes | None) -> int:
    """Return the highest source offset folded into a held value."""
    return read_held(value).applied


def read_state(kind: Kind, held: Held) -> State | None:
    """Read the state inside; None where it was pruned."""
    if not held.body:
        return None
    if held.state_version != kind.version:
        raise UnreadableState(f"{kind.name} version {held.state_version}, this program reads {kind.version}")
    decoder = _decoders.get(kind.model)
    if decoder is None:
        decoder = _decoders[kind.model] = msgspec.msgpack.Decoder(kind.model)
    try:
        return decoder.decode(held.body)
    except msgspec.MsgspecError as error:
        raise UnreadableState(f"{kind.name}: {error}") from error
