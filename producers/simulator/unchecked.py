"""Builds contract models without validating them: what the simulator writes is right by construction.

Validation would be most of the time of a simulation. A test reads every kind of event back through the codec, which validates.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel

Made = TypeVar("Made", bound=BaseModel)


@cache
def defaults_of(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return what a model's fields are when nothing is said, in the order in which they are written."""
    return {name: None if field.is_required() else field.get_default() for name, field in model.model_fields.items()}


@cache
def _names_of(model: type[BaseModel]) -> set[str]:
    """Return the names of a model's fields; shared by all models built here, for nobody changes it in place."""
    return set(model.model_fields)


def unchecked(model: type[Made], **fields: Any) -> Made:
    """Build a model from fields that have the types of the model already."""
    return built(model, {**defaults_of(model), **fields})


def built(model: type[Made], content: dict[str, Any]) -> Made:
    """Build a model from all its fields; the dictionary becomes the model's own."""
    made = model.__new__(model)
    object.__setattr__(made, "__dict__", content)
    object.__setattr__(made, "__pydantic_fields_set__", _names_of(model))
    object.__setattr__(made, "__pydantic_extra__", None)
    object.__setattr__(made, "__pydantic_private__", None)
    return made
