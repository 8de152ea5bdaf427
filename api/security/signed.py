"""The check of routes that vendors call: no token, but a signature over the body. Nothing of the body is used before it holds."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from api.dependencies import ResourcesDep
from api.edge.body import read_body
from api.errors import ApiError
from producers.connections import Account


@dataclass(frozen=True, slots=True)
class Delivery:
    """A body that its vendor signed."""

    account: Account
    body: bytes


async def signed_delivery(
    request: Request,
    resources: ResourcesDep,
    connection: Annotated[str, Path(max_length=60, description="Name of the connection.", examples=["square-main"])],
) -> Delivery:
    """Return the body once its signature holds; 404 for a connection that is not configured, 401 for any other body."""
    account = resources.config.connections.get(connection)
    if account is None:
        raise ApiError("not_found", "no such connection")
    header = account.vendor.scheme.header
    given = request.headers.get(header)
    if given is None:
        raise ApiError("signature_invalid", f"the header {header} is missing", headers=_challenge(header))
    with resources.posts:
        body = await read_body(request, resources.config.limits)
    if not account.is_signed(given, body):
        raise ApiError("signature_invalid", f"the header {header} does not sign this body", headers=_challenge(header))
    return Delivery(account, body)


def _challenge(header: str) -> dict[str, str]:
    return {"WWW-Authenticate": f'Signature header="{header}"'}


SignedDelivery = Annotated[Delivery, Depends(signed_delivery)]
