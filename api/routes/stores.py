"""Which stores the caller may see, with the settings that their figures follow from."""

from fastapi import APIRouter

from api.answers import WaitDep, answer_of
from api.dependencies import ResourcesDep, ScopeDep
from api.openapi import problem_answers
from api.schemas.stores import Store, StoreList

router = APIRouter(prefix="/v1", tags=["stores"])


PROJECTION = "stores"


@router.get(
    "/stores",
    name="list_stores",
    operation_id="list_stores",
    summary="Stores in scope",
    responses=problem_answers(401, 403, 409, 422, 503),
)
async def list_stores(resources: ResourcesDep, scope: ScopeDep, wait: WaitDep) -> StoreList:
    """Return the stores of the token by id."""
    with resources.queries:
        answer = await answer_of(resources, PROJECTION, wait, None)
        await resources.stores.tenants_now()
    known = resources.stores.known()
    return StoreList(
        **answer,
        rows=[
            Store(
                store_id=store_id,
                name=store.name,
                timezone=store.timezone,
                currency=store.currency,
                cut_off_hour=store.cut_off_hour,
                version=store.version,
            )
            for store_id, store in sorted(known.items())
            if scope.covers(store_id)
        ],
    )
