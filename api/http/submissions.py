"""All that an owner has submitted, and the prompts of one submission a page at a time: for those who look around."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field

from api.http.batch_objects import BatchList, BatchObject
from api.http.callers import Caller
from api.http.documentation import BAD_REQUEST, NOT_FOUND
from api.http.ids import PathId, plausible
from api.http.objects import Failed
from api.http.pages import Listed, Page
from api.http.parts import PartsOf
from core.queues import WorkClass
from core.schemas.views import GenerationView, PromptView
from core.tables import State

router = APIRouter(prefix="/v1", tags=["batches"])

#: Characters of a prompt's text in a list.
EXCERPT = 200

Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[str | None, Query(description="the last id of the page before")]


class PromptLine(Listed):
    """A prompt among others: what it asks, who answers, and what came of it."""

    object: Literal["torouter.prompt.line"] = "torouter.prompt.line"
    custom_id: str | None
    state: str
    text: str = Field(description=f"the beginning of its last message, {EXCERPT} characters at most")
    experts: list[str] = Field(description="those that answer; none until it is routed")
    cost_usd: float | None = Field(description="of all answers; null until there is one")
    quality: float | None = Field(description="the best answer's BERTSim; null where none was scored")
    error: Failed | None
    finished_at: float | None

    @classmethod
    def of(cls, view: PromptView) -> Self:
        costs = [one.cost_usd for one in view.generations if one.cost_usd is not None]
        return cls(
            id=view.id,
            custom_id=view.custom_id,
            state=view.state,
            text=view.messages[-1].content[:EXCERPT],
            experts=[one.expert for one in view.generations],
            cost_usd=sum(costs) if costs else None,
            quality=max(_qualities(view.generations), default=None),
            error=Failed(code=view.error_code, message=view.error_message) if view.error_code else None,
            finished_at=view.finished_at,
        )


class PromptPage(Page[PromptLine]):
    """A batch's prompts, a page at a time."""


@router.get("/submissions", summary="All submissions", responses=BAD_REQUEST | NOT_FOUND)
def read_all(
    parts: PartsOf,
    owner: Caller,
    work_class: Annotated[WorkClass | None, Query(alias="class", description="those of one class; both")] = None,
    after: After = None,
    limit: Limit = 20,
) -> BatchList:
    """Whatever came as files, as prompts, or as chats, the newest first. `GET /v1/batches` has files alone."""
    last = plausible(after) if after else None
    page = parts.store.batches.submitted(owner, work_class=work_class, after=last, limit=limit + 1)
    return BatchList.of([BatchObject.of(view) for view in page], limit)


@router.get("/batches/{batch_id}/prompts", summary="A batch's prompts", responses=BAD_REQUEST | NOT_FOUND)
def read_prompts(
    batch_id: PathId,
    parts: PartsOf,
    owner: Caller,
    *,
    state: Annotated[
        Literal["failed", "cancelled", "expired"] | None, Query(description="those that ended so, without an answer")
    ] = None,
    after: After = None,
    limit: Limit = 20,
) -> PromptPage:
    """In the order submitted, each in a line; `GET /v1/prompts/{id}` has everything."""
    last = plausible(after) if after else None
    wanted = State(state) if state else None
    page = parts.store.prompts.page(batch_id, owner, state=wanted, after=last, limit=limit + 1)
    return PromptPage.of([PromptLine.of(view) for view in page], limit)


def _qualities(generations: tuple[GenerationView, ...]) -> list[float]:
    return [value for one in generations for value in one.scores.values()]
