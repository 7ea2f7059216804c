"""The tables, as SQLModel classes, and their migrations.

A SQLModel table does not validate: values are validated by `core.schemas` at the border. Times are Unix seconds by the
database's clock (docs/decisions/0003). Public ids are opaque, internal ids are integers. Bulk statements are written
on the Core tables below, which are the same tables.
"""

from core.tables.columns import LOCAL, METADATA, OURS, public_id, public_ids
from core.tables.files import File, RequestKey, Upload, UploadPart, Webhook
from core.tables.keys import ApiKey
from core.tables.models import Batch, BatchExpert, Checkpoint, Decision, Expert, Generation, Prompt, Score, UsageHour
from core.tables.states import MOVES, TERMINAL, BatchState, Invalid, State, UploadState

BATCH = METADATA.tables["batch"]
BATCH_EXPERT = METADATA.tables["batch_expert"]
PROMPT = METADATA.tables["prompt"]
DECISION = METADATA.tables["decision"]
GENERATION = METADATA.tables["generation"]
SCORE = METADATA.tables["score"]
CHECKPOINT = METADATA.tables["checkpoint"]
EXPERT = METADATA.tables["expert"]
FILE = METADATA.tables["file"]
UPLOAD = METADATA.tables["upload"]
UPLOAD_PART = METADATA.tables["upload_part"]
REQUEST_KEY = METADATA.tables["request_key"]
USAGE_HOUR = METADATA.tables["usage_hour"]
WEBHOOK = METADATA.tables["webhook"]
API_KEY = METADATA.tables["api_key"]

#: What workers lease, in the order in which a transaction may lock them (then the batch).
LEASED = (SCORE, GENERATION, PROMPT)

__all__ = [
    "API_KEY",
    "BATCH",
    "BATCH_EXPERT",
    "CHECKPOINT",
    "DECISION",
    "EXPERT",
    "FILE",
    "GENERATION",
    "LEASED",
    "LOCAL",
    "METADATA",
    "MOVES",
    "OURS",
    "PROMPT",
    "REQUEST_KEY",
    "SCORE",
    "TERMINAL",
    "UPLOAD",
    "UPLOAD_PART",
    "USAGE_HOUR",
    "WEBHOOK",
    "ApiKey",
    "Batch",
    "BatchExpert",
    "BatchState",
    "Checkpoint",
    "Decision",
    "Expert",
    "File",
    "Generation",
    "Invalid",
    "Prompt",
    "RequestKey",
    "Score",
    "State",
    "Upload",
    "UploadPart",
    "UploadState",
    "UsageHour",
    "Webhook",
    "public_id",
    "public_ids",
]
