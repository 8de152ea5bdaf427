"""Tokens: only what this stack's key signed, and only claims that fit the role."""

import base64
import json
from datetime import timedelta

import jwt
import pytest

from api.security.tokens import TokenExpired, TokenInvalid, issue_token, read_token
from infra.clock import utc_now

KEY = "k" * 64


def issued(**changes):
    """Issue a manager's token, changed."""
    claims = {"subject": "u1", "role": "manager", "tenant": "demo", "stores": ("A", "B")}
    return issue_token(KEY, **(claims | changes))


def test_a_token_is_read_back_as_it_was_issued():
    """Role, chain and stores survive the signature."""
    caller = read_token(KEY, issued())
    assert (caller.subject, caller.role, caller.tenant_id, caller.stores, caller.device_id) == ("u1", "manager", "demo", ("A", "B"), None)


@pytest.mark.parametrize(
    "claims",
    [
        {"stores": ()},
        {"stores": ("*",)},
        {"role": "hq", "stores": ("*", "A")},
        {"role": "owner"},
        {"role": "device", "stores": ("A",)},
        {"role": "device", "stores": ("A", "B"), "device_id": "till-1"},
        {"device_id": "till-1"},
    ],
)
def test_claims_that_do_not_fit_the_role_are_not_signed(claims):
    """No store, every store for a manager, an unknown role, a device without its id or with two stores."""
    with pytest.raises(TokenInvalid):
        issued(**claims)


def test_an_expired_token_is_named_as_such():
    """A client can tell that it needs a new token."""
    with pytest.raises(TokenExpired):
        read_token(KEY, issued(now=utc_now() - timedelta(hours=13)))


def test_another_key_or_a_changed_claim_is_refused():
    """A token is worth what its signature is worth."""
    with pytest.raises(TokenInvalid):
        read_token("x" * 43, issued())
    head, body, signature = issued().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["role"], claims["stores"] = "hq", ["*"]
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    with pytest.raises(TokenInvalid):
        read_token(KEY, f"{head}.{forged}.{signature}")


def test_an_unsigned_token_is_refused():
    """`alg: none` and another algorithm do not pass."""
    now = utc_now()
    claims = {"sub": "u", "role": "hq", "tenant": "demo", "stores": ["*"], "iat": now, "exp": now + timedelta(hours=1)}
    for token in (jwt.encode(claims, None, algorithm="none"), jwt.encode(claims, KEY, algorithm="HS512"), "", "a.b.c", "é" * 10):
        with pytest.raises(TokenInvalid):
            read_token(KEY, token)
