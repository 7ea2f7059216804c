"""A request that waits for its prompt: until that has ended, the time is up, or the client has gone."""

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from api.http.errors import PromptUnfinishedError
from api.http.parts import Parts
from core.errors import StoreError
from core.schemas.views import PromptView


async def when_ended(request: Request, parts: Parts, prompt_id: str, owner: str, wait_s: float) -> PromptView:
    """The prompt once it has ended; PromptUnfinishedError after `wait_s` seconds.

    And where it has ended and can't be read: a plain 503 would make OpenAI's client send it a second time.
    """
    if not await parts.waiting.until_ended(prompt_id, wait_s, _gone(request)):
        raise PromptUnfinishedError(prompt_id, wait_s)
    try:
        return await run_in_threadpool(parts.store.prompts.get, prompt_id, owner)
    except StoreError as error:
        raise PromptUnfinishedError(prompt_id, wait_s) from error


async def _gone(request: Request) -> None:
    """Return when the client has closed the connection; a wait for nobody would last until its time is up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
