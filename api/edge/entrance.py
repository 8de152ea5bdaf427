"""The one way in: documents of a caller, whoever brought them, are judged by the stores as they are now and brought to the log."""

from collections.abc import Sequence

from api.edge.acceptance import Edge
from api.edge.documents import Document
from api.edge.fates import Fate, item_result
from api.edge.judgement import Judge
from api.edge.reading import Reading, ReadPrecisely
from api.resources import Resources
from api.schemas.events import ItemResult
from api.security.caller import Caller
from api.security.scope import StoreScope
from infra.clock import utc_now


async def accept(found: Sequence[Document], resources: Resources, caller: Caller) -> list[ItemResult]:
    """Return what became of each document, in their order; 503 while the settings of the stores are not known."""
    return [item_result(fate) for fate in await accept_post(ReadPrecisely(found), resources, caller)]


async def accept_post(post: Reading, resources: Resources, caller: Caller) -> list[Fate]:
    """Return what became of each event of a post, in their order; 503 while the settings of the stores are not known."""
    config = resources.config
    stores = await resources.stores.including(post.store_ids())
    judge = Judge(caller, StoreScope(caller, resources.stores.tenants()), stores, utc_now(), config.time)
    edge = Edge(resources.repeats.look_up, resources.log.publish, config.limits.publish_timeout_seconds, config.reach)
    return await edge.accept(post, judge)
