"""Does a body come from who holds the secret? The signatures of the vendors, compared in constant time. Pure.

Each scheme says which header carries the signature and which bytes are signed; all are HMAC-SHA256, written as base64.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

SignedBytes = Callable[[bytes, str], bytes]
"""The bytes that are signed, from the body and the address that the vendor was given."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one vendor signs; `signs_address` where the address is part of what is signed."""

    header: str
    signed_bytes: SignedBytes
    signs_address: bool = False

    def signature(self, secret: str, body: bytes, address: str = "") -> str:
        """Return the signature that the vendor would send."""
        return b64encode(hmac.new(secret.encode(), self.signed_bytes(body, address), sha256).digest()).decode()

    def is_signed(self, given: str, secret: str, body: bytes, address: str = "") -> bool:
        """Tell whether a signature is that of a body; the time it takes does not depend on where they differ."""
        return hmac.compare_digest(self.signature(secret, body, address).encode(), given.strip().encode("utf-8", "replace"))


def _address_and_body(body: bytes, address: str) -> bytes:
    return address.encode() + body


def _body(body: bytes, _: str) -> bytes:
    return body


def _body_and_timestamp(body: bytes, _: str) -> bytes:
    """Toast signs the body followed by the text of its own `timestamp`."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return body
    timestamp = message.get("timestamp") if isinstance(message, dict) else None
    return body + (timestamp.encode("utf-8", "replace") if isinstance(timestamp, str) else b"")


SQUARE: Final = Scheme("x-square-hmacsha256-signature", _address_and_body, signs_address=True)
SHOPIFY: Final = Scheme("x-shopify-hmac-sha256", _body)
TOAST: Final = Scheme("toast-signature", _body_and_timestamp)
JSON_LINES: Final = Scheme("tillstream-signature", _body)
