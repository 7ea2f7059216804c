"""The table of API keys."""

from typing import Any, ClassVar

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from core.tables.columns import BIG


class ApiKey(SQLModel, table=True):
    """Who may do what; of its secret, only the SHA-256. Revoked ones stay, so that it is known whose they were."""

    __tablename__: ClassVar[Any] = "api_key"  # Any: SQLModel types it as a declared attribute

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    public_id: str = Field(unique=True)
    digest: str = Field(unique=True)
    #: What it is for.
    name: str
    #: Whose things it sees; keys of one owner see the same.
    owner: str
    #: What it may do: `submit`, `read`, `operate`.
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    #: None: as the settings say.
    requests_per_minute: int | None = None
    concurrent_requests: int | None = None
    open_prompts: int | None = None
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    #: Written once a minute at most.
    last_used_at: float | None = None
