"""Who is calling: what a verified token says. No store, no clock."""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["hq", "manager", "staff", "device"]
ROLES: frozenset[str] = frozenset(get_args(Role))

EVERY_STORE = "*"
"""In a token of HQ: all stores of the tenant."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a token; `stores` is ("*",) for an HQ that sees its whole chain."""

    subject: str
    role: Role
    tenant_id: str
    stores: tuple[str, ...]
    device_id: str | None = None
