"""What routes ask for: the shared resources, the verified caller and the caller's store scope."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import ApiError
from api.resources import Resources
from api.security.caller import Caller
from api.security.permissions import is_allowed
from api.security.scope import StoreScope
from api.security.tokens import TokenExpired, TokenInvalid
from infra.clock import utc_now

_bearer = HTTPBearer(auto_error=False, scheme_name="token", bearerFormat="JWT", description="A token from `tillstream token`.")


async def resources_of(request: Request) -> Resources:
    """Return what this process holds open."""
    found: Resources = request.app.state.resources
    return found


ResourcesDep = Annotated[Resources, Depends(resources_of)]


async def authorise(request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Caller:
    """Return the caller, who holds a valid token whose role may call this route; 401 or 403 otherwise."""
    if credentials is None:
        raise ApiError("unauthenticated", "send the header 'Authorization: Bearer <token>'")
    try:
        caller = (await resources_of(request)).tokens.read(credentials.credentials, utc_now())
    except TokenExpired as error:
        raise ApiError("token_expired", "issue a new token") from error
    except TokenInvalid as error:
        raise ApiError("token_invalid", str(error)) from error
    name = getattr(request.scope.get("route"), "name", "")
    if not is_allowed(name, caller.role):
        raise ApiError("role_not_allowed", f"role {caller.role} may not call {name}")
    return caller


CallerDep = Annotated[Caller, Depends(authorise)]


async def caller_of(request: Request) -> Caller:
    """Return the caller of a request whose route is known, as `authorise` does for those that the framework calls."""
    return await authorise(request, await _bearer(request))


async def scope_of(caller: CallerDep, resources: ResourcesDep) -> StoreScope:
    """Return the stores that the caller may see, none that the read model has left out."""
    return StoreScope(caller, await resources.stores.tenants_now())


ScopeDep = Annotated[StoreScope, Depends(scope_of)]
