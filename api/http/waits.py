"""A request that waits for its prompts: until they have ended, the time is up, or the client has gone."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from api.http.errors import PromptUnfinishedError
from api.http.parts import Parts
from core.errors import StoreError
from core.schemas.views import PromptView


async def when_ended(request: Request, parts: Parts, prompt_id: str, owner: str, wait_s: float) -> PromptView:
    """The prompt once it has ended; PromptUnfinishedError after `wait_s` seconds."""
    [prompt] = await when_all_ended(request, parts, [prompt_id], owner, wait_s)
    return prompt


async def when_all_ended(
    request: Request, parts: Parts, prompt_ids: Sequence[str], owner: str, wait_s: float
) -> list[PromptView]:
    """The prompts once all have ended; PromptUnfinishedError after `wait_s` seconds.

    And where they have ended and can't be read: a plain 503 would make OpenAI's client send them a second time.
    """
    if not await parts.waiting.until_all_ended(prompt_ids, wait_s, _gone(request)):
        raise PromptUnfinishedError(prompt_ids, wait_s)
    try:
        return await run_in_threadpool(parts.store.prompts.get_many, prompt_ids, owner)
    except StoreError as error:
        raise PromptUnfinishedError(prompt_ids, wait_s) from error


async def _gone(request: Request) -> None:
    """Return when the client has closed the connection; a wait for nobody would last until its time is up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
