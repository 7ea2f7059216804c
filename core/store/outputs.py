"""What a batch's files are written from: its prompts in the order of their lines, a page at a time."""

from sqlalchemy import and_, select

from core.schemas.files import BatchJob, OutputRow
from core.store.database import Database
from core.tables import GENERATION, PROMPT, State

#: A prompt's columns by the names of a row; a generation's have the same names in both.
_OF_PROMPT = ("custom_id", "line", "state", "attempts", "error_code", "error_message", "created_at")
_OF_GENERATION = OutputRow._fields[OutputRow._fields.index("expert") :]


class Outputs:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, job: BatchJob, after_line: int, limit: int) -> list[OutputRow]:
        """The rows of so many prompts; of one with several answers several."""
        prompts = select(PROMPT.c.id, PROMPT.c.public_id, *(PROMPT.c[name] for name in _OF_PROMPT))
        these = prompts.where(PROMPT.c.batch_id == job.id, PROMPT.c.line > after_line)
        some = these.order_by(PROMPT.c.line).limit(limit).subquery()
        answered = and_(GENERATION.c.prompt_id == some.c.id, GENERATION.c.state == State.DONE)
        columns = (some.c.public_id, *(some.c[name] for name in _OF_PROMPT))
        rows = (
            select(*columns, *(GENERATION.c[name] for name in _OF_GENERATION))
            .outerjoin_from(some, GENERATION, answered)
            .order_by(some.c.line, GENERATION.c.id)
        )
        with self._database.read() as connection:
            return [OutputRow(*row) for row in connection.execute(rows)]
