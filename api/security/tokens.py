"""Signed tokens (JWT, HS256): issue them, and read them without trusting anything in them that is not signed."""

from datetime import datetime, timedelta
from typing import Any

import jwt
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from api.security.caller import EVERY_STORE, Caller, Role
from contracts.fields import Code
from infra.clock import utc_now

_ALGORITHM = "HS256"
_REMEMBERED_TOKENS = 10_000
_REQUIRED = ["sub", "role", "tenant", "stores", "iat", "exp"]


class TokenInvalid(ValueError):
    """A token that this key did not sign, that is malformed, or whose claims do not fit its role."""


class TokenExpired(TokenInvalid):
    """A token that was valid once."""


class _Claims(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    sub: Code
    role: Role
    tenant: Code
    stores: tuple[Code, ...]
    device_id: Code | None = None

    @model_validator(mode="after")
    def _stores_fit_role(self) -> "_Claims":
        if not self.stores:
            raise ValueError(f"at least one store for role {self.role}")
        if EVERY_STORE in self.stores and (self.role != "hq" or len(self.stores) > 1):
            raise ValueError("'*' alone, and for role hq only")
        if (self.role == "device") != (self.device_id is not None):
            raise ValueError("a device_id for role device, and for no other")
        if self.role == "device" and len(self.stores) != 1:
            raise ValueError("one store for role device")
        return self


def _checked(claims: dict[str, Any]) -> _Claims:
    try:
        return _Claims.model_validate(claims)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TokenInvalid(f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}") from error


def issue_token(
    signing_key: str,
    *,
    subject: str,
    role: str,
    tenant: str,
    stores: tuple[str, ...],
    device_id: str | None = None,
    valid_for: timedelta = timedelta(hours=12),
    now: datetime | None = None,
) -> str:
    """Sign a token; TokenInvalid when the claims do not fit the role (stores for all but HQ, a device id for devices)."""
    claims = _checked({"sub": subject, "role": role, "tenant": tenant, "stores": stores, "device_id": device_id})
    issued = now or utc_now()
    payload = claims.model_dump(mode="json", exclude_none=True) | {"iat": issued, "exp": issued + valid_for}
    return jwt.encode(payload, signing_key, algorithm=_ALGORITHM)


def read_token(signing_key: str, token: str) -> Caller:
    """Return who holds a token; TokenExpired or TokenInvalid otherwise."""
    return _verified(signing_key, token)[0]


def _verified(signing_key: str, token: str) -> tuple[Caller, float]:
    try:
        payload = jwt.decode(token, signing_key, algorithms=[_ALGORITHM], options={"require": _REQUIRED})
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired("the token has expired") from error
    except (jwt.InvalidTokenError, UnicodeError) as error:
        raise TokenInvalid("the token is not one of this stack's") from error
    claims = _checked(payload)
    return Caller(claims.sub, claims.role, claims.tenant, claims.stores, claims.device_id), float(payload["exp"])


class TokenReader:
    """Reads tokens of one key and remembers those that it verified until they expire: a till shows the same one all day."""

    def __init__(self, signing_key: str) -> None:
        self._signing_key = signing_key
        self._verified: dict[str, tuple[Caller, float]] = {}

    def read(self, token: str, now: datetime) -> Caller:
        """Return who holds a token at a moment; TokenExpired or TokenInvalid otherwise."""
        found = self._verified.get(token)
        if found is None or found[1] <= now.timestamp():
            self._verified.pop(token, None)
            found = _verified(self._signing_key, token)
            if len(self._verified) >= _REMEMBERED_TOKENS:
                self._verified.clear()
            self._verified[token] = found
        return found[0]
