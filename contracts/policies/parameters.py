"""What the parameters of every rule have in common."""

from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from contracts.fields import Model


class PolicyParameters(Model):
    """The parameters of one rule; `policy` tells the rules apart and is written although it is always the same."""

    @model_serializer(mode="wrap")
    def _with_tag(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"policy": getattr(self, "policy", None), **write(self)}
