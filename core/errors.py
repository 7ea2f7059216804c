"""The one error tree. A foreign error becomes one of these at the border, `from` its cause.

TorouterError
├── InvalidInputError        what a caller sent can't be taken (HTTP 4xx)
│   ├── NotFoundError        no such thing, or not the caller's (404)
│   ├── ConflictError        not in the state that it is in (409)
│   └── UnknownExpertError   the catalogue has no such expert, or it is disabled (404)
├── OverloadedError          there is no room for more just now; come back later (429)
├── NotReadyError            the system can't take this yet (503)
├── WaitTimeoutError         the answer isn't there yet; come back with the id (504)
├── StoreError               the database can't be reached or is too busy (503)
│   └── StoreRefusedError    it will never take this: a bug, and no use in trying again (500)
├── ConfigError              settings, catalogue or installation are wrong: the operator's to mend
├── CheckpointError          a trained router can't be loaded, or was made for other experts
└── EngineError              an expert's engine
    ├── PromptRejectedError  this prompt can never be answered there: it fails
    ├── EngineBusyError      no room just now: the prompt waits, and the attempt does not count
    ├── GenerationError      this attempt failed: a bounded number of further ones follow
    └── EngineDeadError      the engine is gone: its process must end with a non-zero status
        ├── EngineGoneError  before this prompt reached it: the attempt does not count
        └── EngineMisconfiguredError  by its key, model or address, so that no prompt's attempt counts
"""


class TorouterError(Exception):
    """Anything torouter reports on purpose; the message names the value and the cure."""

    #: HTTP status that this becomes at the API.
    status: int = 500
    #: Machine-readable, stable; also stored as a prompt's `error_code`.
    code: str = "internal_error"


class InvalidInputError(TorouterError):
    status = 400
    code = "invalid_request"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code or type(self).code


class NotFoundError(InvalidInputError):
    status = 404
    code = "not_found"


class ConflictError(InvalidInputError):
    status = 409
    code = "conflict"


class UnknownExpertError(InvalidInputError):
    status = 404
    code = "model_not_found"


class OverloadedError(TorouterError):
    status = 429
    code = "overloaded"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotReadyError(TorouterError):
    status = 503
    code = "not_ready"


class WaitTimeoutError(TorouterError):
    status = 504
    code = "wait_timeout"


class StoreError(TorouterError):
    status = 503
    code = "store_unavailable"


class StoreRefusedError(StoreError):
    status = 500
    code = "internal_error"


class ConfigError(TorouterError):
    code = "configuration"


class CheckpointError(TorouterError):
    code = "checkpoint"


class EngineError(TorouterError):
    code = "engine_error"


class PromptRejectedError(EngineError):
    """Carries a code of its own, e.g. `context_length_exceeded`."""

    def __init__(self, message: str, *, code: str = "prompt_rejected") -> None:
        super().__init__(message)
        self.code = code


class EngineBusyError(EngineError):
    code = "engine_busy"


class GenerationError(EngineError):
    code = "generation_failed"


class EngineDeadError(EngineError):
    code = "engine_dead"


class EngineGoneError(EngineDeadError):
    """What `answer` raises of a prompt that was never handed to the engine."""


class EngineMisconfiguredError(EngineDeadError):
    code = "engine_misconfigured"
