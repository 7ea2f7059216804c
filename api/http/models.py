"""Who can be asked: the router and the experts, as OpenAI's models."""

from fastapi import APIRouter

from api.http.chat_objects import ModelList, ModelObject
from api.http.documentation import NOT_FOUND
from api.http.parts import PartsOf
from api.http.submitting import choice_of
from core.schemas.experts import AUTO

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", summary="All models")
def read_all(parts: PartsOf) -> ModelList:
    """`auto`, which is the router, and every expert that may answer."""
    experts = parts.store.experts.enabled().values()
    return ModelList(data=[ModelObject(id=AUTO), *map(ModelObject.of, experts)])


@router.get("/{name}", summary="One model", responses=NOT_FOUND)
def read(name: str, parts: PartsOf) -> ModelObject:
    """`auto`, `auto:POLICY`, or an expert with its place, prices and context."""
    known = parts.store.experts.enabled()
    expert, _ = choice_of(name, known)
    return ModelObject.of(known[expert]) if expert else ModelObject(id=name)
