# syntax=docker/dockerfile:1
# API, recovery, beat, Flower, migrations, and experts on other servers: no torch, no vLLM.
#
#   docker build -f deploy/images/light.Dockerfile -t torouter-light .
ARG PYTHON=3.12.12-slim-bookworm

FROM python:${PYTHON} AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /opt/torouter
# What changes seldom comes first.
COPY pyproject.toml README.md LICENSE ./
COPY deploy/images/constraints.txt deploy/images/
COPY api api
COPY core core
COPY experts experts
COPY router router
COPY workers workers
RUN /opt/torouter/bin/pip install --constraint deploy/images/constraints.txt ".[remote,s3,traces]" \
    && /opt/torouter/bin/pip uninstall --yes pip

FROM python:${PYTHON}
# The same number in every image, for folders that several share.
RUN groupadd --gid 10001 torouter \
    && useradd --uid 10001 --gid torouter --home-dir /var/lib/torouter --no-log-init torouter \
    && install --directory --owner torouter --group torouter \
        /var/lib/torouter /var/lib/torouter/cache /var/lib/torouter/files /var/lib/torouter/run
COPY --from=build /opt/torouter /opt/torouter
# At the same place in every image: the experts' table keeps the adapters' folders.
COPY experts/catalogue.toml /opt/catalogue/
COPY experts/adapters /opt/catalogue/adapters
ENV PATH=/opt/torouter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    TOROUTER_HOME=/var/lib/torouter TOROUTER_CATALOGUE=/opt/catalogue/catalogue.toml TOROUTER_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/torouter
EXPOSE 2345 5555
# Of the API; other commands say how they are seen to be well where they are started (compose.yaml, the chart).
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import httpx; httpx.get('http://127.0.0.1:2345/healthz', timeout=4).raise_for_status()"]
ENTRYPOINT ["torouter"]
CMD ["serve"]
