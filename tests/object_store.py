"""A real object store for tests: moto's server, which speaks S3 over HTTP and keeps everything in memory."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fsspec import get_filesystem_class

#: What clients read from the environment; moto takes any key.
CLIENT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL for torouter's files, in a bucket of its own; clients find the server through this process's environment."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  # only for those who ask

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (CLIENT | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
        monkeypatch.setenv(name, value)
    forget_clients()  # which know another test's server
    try:
        yield make_bucket()
    finally:
        server.stop()


def make_bucket() -> str:
    """URL for torouter's files in a new bucket of the server that the environment names."""
    import boto3  # noqa: PLC0415  # as above

    name = f"torouter-{secrets.token_hex(6)}"
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}/files"


def forget_clients() -> None:
    """fsspec keeps a client for each URL; the next one is new, as another process's would be."""
    get_filesystem_class("s3").clear_instance_cache()
