"""What each kind of engine takes under `options` in the catalogue; a field that is not here is refused."""

from typing import Any, Literal, TypeVar

from pydantic import Field

from core.schemas.conversation import Value
from core.schemas.experts import EngineKind, ExpertSpec


class VllmOptions(Value):
    """For `engine = "vllm"`. The context's length is the entry's `context_tokens`."""

    kv_cache_gib: float | None = Field(None, gt=0, description="KV cache in GiB; on a CPU 1 unless set")
    dtype: Literal["bfloat16", "float16", "float32", "auto"] = "bfloat16"
    enforce_eager: bool | None = Field(None, description="skip compilation; unless set: on a CPU yes, on a GPU no")
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1, description="share of the GPU; unused on a CPU")
    tensor_parallel_size: int = Field(1, ge=1, description="GPUs that share the model")
    quantization: str | None = Field(
        None, description="vLLM's name of the weights' quantization; None reads it from them"
    )
    max_lora_rank: Literal[8, 16, 32, 64, 128, 256] = Field(
        16, description="largest rank where adapters load at run time"
    )


class RemoteOptions(Value):
    """For `engine = "openai"`: a server that speaks OpenAI's chat completions. `limits` bound the calls at once."""

    base_url: str = Field(pattern=r"^https?://[^@]*$", description="up to and with /v1; no user and no password")
    api_key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the key; empty: no key")
    timeout_s: float = Field(120, gt=0, description="seconds for one try")
    max_retries: int = Field(3, ge=0, le=20, description="further tries, with the client's back-off")
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    # Not every server has log-probabilities, and some refuse to be asked.
    logprobs: bool = Field(False, description="ask for log-probabilities, which give nll_answer")
    extra_body: dict[str, Any] = Field(default_factory=dict, description="its own fields")  # Any: JSON


class SyntheticOptions(Value):
    """For `engine = "synthetic"`: load and fault tests only. All zero latencies make it as fast as its caller."""

    seed: int = 0
    first_token_s: float = Field(0.05, ge=0, description="seconds to the first token")
    token_s: float = Field(0.005, ge=0, description="seconds for each further token")
    tokens: int = Field(40, ge=1, description="tokens of an answer on average; max_tokens still cuts it")
    quality: float = Field(0.5, ge=0, le=1, description="share of the reference's words that an answer repeats")
    faults: bool = Field(False, description="obey the fault markers in prompts (experts/synthetic.py lists them)")
    ledger: str = Field("", description="file that each answer is noted in as it begins and ends; empty: none")


EngineOptions = VllmOptions | RemoteOptions | SyntheticOptions

OPTIONS: dict[EngineKind, type[EngineOptions]] = {
    EngineKind.VLLM: VllmOptions,
    EngineKind.OPENAI: RemoteOptions,
    EngineKind.SYNTHETIC: SyntheticOptions,
}

_Options = TypeVar("_Options", VllmOptions, RemoteOptions, SyntheticOptions)


def options_of(spec: ExpertSpec, kind: type[_Options]) -> _Options:
    """The entry's options, typed; they were validated when the catalogue was read."""
    return kind.model_validate(spec.options)
