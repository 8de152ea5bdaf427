"""Signatures: computed independently they hold, and any change of body, secret or address breaks them."""

import hmac
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.sources.signatures import JSON_LINES, SHOPIFY, SQUARE, TOAST, Scheme

SCHEMES = [SQUARE, SHOPIFY, TOAST, JSON_LINES]
ADDRESS = "https://shops.example.com/v1/webhooks/square-main"
BODY = b'{"timestamp": "2026-11-21T04:10:05.000Z", "details": {}}'


def independent(secret: str, signed: bytes) -> str:
    """Compute an HMAC without the code under test."""
    return b64encode(hmac.digest(secret.encode(), signed, sha256)).decode()


@pytest.mark.parametrize(
    ("scheme", "header", "signed"),
    [
        (SQUARE, "x-square-hmacsha256-signature", ADDRESS.encode() + BODY),
        (SHOPIFY, "x-shopify-hmac-sha256", BODY),
        (TOAST, "toast-signature", BODY + b"2026-11-21T04:10:05.000Z"),
        (JSON_LINES, "tillstream-signature", BODY),
    ],
)
def test_each_vendor_signs_its_own_bytes(scheme: Scheme, header: str, signed: bytes) -> None:
    """Square the address and the body, Shopify the body, Toast the body and its time."""
    assert scheme.header == header
    assert scheme.is_signed(independent("secret", signed), "secret", BODY, ADDRESS)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_another_secret_body_or_signature_is_refused(scheme: Scheme) -> None:
    """Also what is no signature at all."""
    right = scheme.signature("secret", BODY, ADDRESS)
    assert not scheme.is_signed(right, "other", BODY, ADDRESS)
    assert not scheme.is_signed(right, "secret", BODY + b" ", ADDRESS)
    for wrong in ("", "x", right[:-2], right.lower(), "é", "\udcff"):
        assert not scheme.is_signed(wrong, "secret", BODY, ADDRESS)


def test_square_signs_the_address_too() -> None:
    """A body that was signed for another address is refused."""
    assert not SQUARE.is_signed(SQUARE.signature("secret", BODY, ADDRESS), "secret", BODY, ADDRESS + "/")


@given(st.binary(max_size=200))
def test_any_body_can_be_asked_about(body: bytes) -> None:
    """Bytes that are no JSON are signed like others, and nothing fails."""
    for scheme in SCHEMES:
        assert scheme.is_signed(scheme.signature("secret", body, ADDRESS), "secret", body, ADDRESS)
