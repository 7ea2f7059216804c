"""What an owner's work took over time: answers, tokens, cost, quality. Counted as it came, so that asking is cheap."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.http.callers import Caller
from api.http.documentation import BAD_REQUEST
from api.http.parts import PartsOf
from core.schemas.views import UsageView

router = APIRouter(prefix="/v1/usage", tags=["usage"])

#: A month.
MOST_HOURS = 31 * 24

#: Seconds of each step.
STEPS = {"hour": 3600, "day": 86_400}


class Used(BaseModel):
    """Of all experts together, or of one."""

    completed: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    scored: int = Field(description="answers with a reference, whose BERTSim is known")
    quality: float | None = Field(description="mean BERTSim of these; null where there are none")

    @classmethod
    def of(cls, views: Iterable[UsageView]) -> Self:
        found = list(views)
        scored = sum(one.scored for one in found)
        return cls(
            completed=sum(one.done for one in found),
            failed=sum(one.failed for one in found),
            input_tokens=sum(one.input_tokens for one in found),
            output_tokens=sum(one.output_tokens for one in found),
            cost_usd=sum(one.cost_usd for one in found),
            scored=scored,
            quality=sum(one.quality_sum for one in found) / scored if scored else None,
        )


class UsedWithin(BaseModel):
    start: int = Field(description="Unix seconds; days are UTC's")
    used: Used


class UsageObject(BaseModel):
    """Answers count in the hour in which they came, scores in that in which they were computed."""

    object: Literal["torouter.usage"] = "torouter.usage"
    step_s: int
    open_prompts: int = Field(description="prompts that have not ended, just now")
    total: Used
    by_expert: dict[str, Used]
    data: list[UsedWithin] = Field(description="by time; steps with nothing in them are left out")


@router.get("", summary="Usage over time", responses=BAD_REQUEST)
def read(
    parts: PartsOf,
    owner: Caller,
    hours: Annotated[int, Query(ge=1, le=MOST_HOURS, description="so many, the one that runs included")] = 24,
    step: Literal["hour", "day"] = "hour",
) -> UsageObject:
    """Your answers, tokens, cost and quality, by the hour or the day, in total and by expert."""
    found, step_s = parts.store.usage.of(owner, hours), STEPS[step]
    starts = sorted({one.hour_at // step_s * step_s for one in found})
    return UsageObject(
        step_s=step_s,
        open_prompts=parts.store.batches.open_prompts_of(owner),
        total=Used.of(found),
        by_expert={name: Used.of(o for o in found if o.expert == name) for name in sorted({o.expert for o in found})},
        data=[
            UsedWithin(start=start, used=Used.of(one for one in found if start <= one.hour_at < start + step_s))
            for start in starts
        ],
    )
