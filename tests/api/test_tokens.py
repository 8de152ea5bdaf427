"""Tokens: only what this stack's key signed, and only claims that fit the role."""

import base64
import json
from datetime import timedelta

import jwt
import pytest

from api.security.tokens import TokenExpired, TokenInvalid, TokenReader, issue_token, read_token
from infra.clock import utc_now
from tests.waiting import until

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


def test_a_remembered_token_expires_all_the_same():
    """The reader verifies a token once, and asks the clock each time."""
    reader, token, now = TokenReader(KEY), issued(valid_for=timedelta(seconds=2)), utc_now()
    assert reader.read(token, now) is reader.read(token, now)
    assert reader.read(token, now) == read_token(KEY, token)
    expired = issued(now=now - timedelta(hours=13))
    for _ in range(2):
        with pytest.raises(TokenExpired):
            reader.read(expired, now)
    until(lambda: is_expired(reader, token), 30, "the token has expired")


def is_expired(reader, token):
    """Tell whether a reader refuses a token by now."""
    try:
        reader.read(token, utc_now())
    except TokenExpired:
        return True
    return False


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
