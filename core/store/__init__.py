"""The store: the only SQL. A public method is a transaction, and bulk work is bulk SQL."""

from core.settings import Settings
from core.store.batch_jobs import BatchJobs
from core.store.batches import Batches
from core.store.blobs import Blobs
from core.store.checkpoints import Checkpoints
from core.store.database import Database
from core.store.depths import Depths
from core.store.experts import Experts
from core.store.files import Files, Uploads
from core.store.generations import Generations
from core.store.keys import Keys
from core.store.outcomes import Outcomes
from core.store.outputs import Outputs
from core.store.prompts import Prompts
from core.store.recovery import Recovery
from core.store.schema import Schema
from core.store.scores import Scores
from core.store.usage import Usage
from core.store.webhooks import Webhooks


class Store:
    """One per process; threads share it."""

    def __init__(self, database_url: str, files_url: str) -> None:
        self._database = Database(database_url)
        self.schema = Schema(self._database)
        self.batches = Batches(self._database)
        self.batch_jobs = BatchJobs(self._database)
        self.prompts = Prompts(self._database)
        self.generations = Generations(self._database)
        self.scores = Scores(self._database)
        self.webhooks = Webhooks(self._database)
        self.recovery = Recovery(self._database)
        self.depths = Depths(self._database)
        self.usage = Usage(self._database)
        self.experts = Experts(self._database)
        self.blobs = Blobs(files_url)
        self.files = Files(self._database)
        self.uploads = Uploads(self._database)
        self.keys = Keys(self._database)
        self.checkpoints = Checkpoints(self._database, self.blobs)
        self.outputs = Outputs(self._database)
        self.outcomes = Outcomes(self.prompts)

    @classmethod
    def of(cls, settings: Settings) -> "Store":
        return cls(settings.database, settings.files)

    @property
    def place(self) -> str:
        """Where the database is, without a user or a password."""
        return self._database.place

    def close(self) -> None:
        self._database.close()


__all__ = ["Store"]
