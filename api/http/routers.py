"""The router that routes just now: what it learned from, and what was measured before it was promoted."""

from typing import Any, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.http.documentation import NOT_FOUND
from api.http.parts import PartsOf
from core.errors import NotFoundError
from core.schemas.views import CheckpointView

router = APIRouter(prefix="/v1/router", tags=["models"])


class VerdictObject(BaseModel):
    """Was it better than the one before? Judged on held-out prompts that neither has learned from."""

    better: bool
    reason: str
    quality: str | None = Field(None, description="what was compared, e.g. bertsim")
    against: str | None = Field(None, description="the checkpoint that routed before")
    n: int = 0
    candidate: float | None = None
    current: float | None = None
    difference: float | None = None
    ci95: tuple[float, float] | None = Field(None, description="95 % interval of the difference")
    by: str | None = Field(None, description="who promoted it")
    forced: bool = False


class MetricObject(BaseModel):
    n: int
    value: float
    ci95: tuple[float, float]


class RouterObject(BaseModel):
    """A promoted checkpoint; what its manifest doesn't say is null."""

    object: Literal["torouter.router"] = "torouter.router"
    checkpoint: str
    kind: str
    experts: list[str]
    promoted_at: float | None
    trained_on: int | None = Field(description="prompts")
    datasets: dict[str, int] = Field(description="prompts of each data set in training")
    quality: str | None = Field(description="the quality that it learned to predict")
    train_s: float | None
    metrics: dict[str, MetricObject] = Field(description="on its own validation prompts: a first look, not a result")
    verdict: VerdictObject | None

    @classmethod
    def of(cls, view: CheckpointView) -> Self:
        manifest: dict[str, Any] = view.manifest  # Any: JSON
        data = manifest.get("data") or {}
        return cls(
            checkpoint=view.public_id,
            kind=view.router,
            experts=list(view.experts),
            promoted_at=view.promoted_at,
            trained_on=data.get("train"),
            datasets=data.get("datasets") or {},
            quality=data.get("quality"),
            train_s=manifest.get("train_seconds"),
            metrics=manifest.get("metrics") or {},
            verdict=VerdictObject.model_validate(view.verdict) if view.verdict else None,
        )


@router.get("", summary="The router that routes", responses=NOT_FOUND)
def read(parts: PartsOf) -> RouterObject:
    """Its checkpoint, and the verdict with which it was promoted."""
    view = parts.store.checkpoints.promoted()
    if view is None:
        raise NotFoundError(
            "there is no router yet, so prompts must name their expert: `torouter up` trains one, "
            "`torouter promote` chooses one"
        )
    return RouterObject.of(view)
