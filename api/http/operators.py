"""For operators: how much waits in every queue, whoever submitted it. The gate asks for the scope `operate`."""

from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.http.parts import PartsOf
from core.store.depths import MOST

router = APIRouter(prefix="/v1/operator", tags=["operator"])


class QueueObject(BaseModel):
    queue: str = Field(examples=["expert.math.bulk"])
    waiting: int = Field(description=f"prompts, answers or scores; {MOST} stands for that many or more")
    oldest_s: float | None = Field(description="since the first of those was sent; null where none was")
    running: int


class QueueList(BaseModel):
    object: Literal["list"] = "list"
    data: list[QueueObject]


@router.get("/queues", summary="All queues")
def read_queues(parts: PartsOf) -> QueueList:
    """By the database: also what no message was sent for yet, and experts whose workers are scaled to zero."""
    return QueueList(data=[QueueObject(**asdict(one)) for one in parts.store.depths.all()])
