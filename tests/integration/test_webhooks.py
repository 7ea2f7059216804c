"""Delivering webhooks to a real receiver, whose official client verifies them."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import openai
import pytest

from core.store import Store
from tests.integration.receiver import PEM, Receiver
from tests.webhook_factories import KEY, SECRET, call, ended, settings
from workers import webhooks
from workers.webhooks import deliver


def unwrapped(receiver: Receiver, which: int = 0):
    """What the official client makes of a request; it raises where the signature isn't right."""
    client = openai.OpenAI(api_key="none")
    return client.webhooks.unwrap(receiver.received[which].body, receiver.received[which].headers, secret=SECRET)


def wait_until(done: Callable[[], object], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PAUSE_S", 0)


def test_the_official_client_accepts_what_is_delivered(store: Store, tmp_path: Path):
    with Receiver() as receiver:
        batch = ended(store, receiver.url)

        assert deliver(store, settings(tmp_path), "caller") == 1

        event = unwrapped(receiver)
    assert (event.type, event.object, event.data.id) == ("batch.failed", "event", batch)
    assert event.id == receiver.received[0].headers["webhook-id"] == call(store).public_id
    assert event.created_at == int(call(store).created_at)
    assert receiver.received[0].path == "/webhooks"
    assert receiver.received[0].headers["content-type"] == "application/json"
    assert call(store).state == "done"


def test_a_body_that_was_changed_on_its_way_is_not_accepted(sqlite_store: Store, tmp_path: Path):
    with Receiver() as receiver:
        ended(sqlite_store, receiver.url)
        deliver(sqlite_store, settings(tmp_path), "caller")
    [one] = receiver.received

    receiver.received[0] = one._replace(body=one.body.replace(b"batch.failed", b"batch.completed"))

    with pytest.raises(openai.InvalidWebhookSignatureError):
        unwrapped(receiver)


def test_what_was_delivered_is_not_delivered_again(store: Store, tmp_path: Path):
    with Receiver() as receiver:
        ended(store, receiver.url)
        deliver(store, settings(tmp_path), "caller")

        assert deliver(store, settings(tmp_path), "caller") == 0

    assert len(receiver.received) == 1


def test_a_refusal_is_tried_again_with_the_same_event(store: Store, tmp_path: Path, without_pauses: None):
    with Receiver(answers=[500, 429, 204]) as receiver:
        ended(store, receiver.url)

        rounds = [deliver(store, settings(tmp_path), "caller") for _ in range(4)]

        assert {unwrapped(receiver, which).id for which in range(3)} == {call(store).public_id}
    assert rounds == [1, 1, 1, 0]
    assert (call(store).state, call(store).attempts, call(store).error_code) == ("done", 3, None)


def test_between_two_attempts_is_a_pause(store: Store, tmp_path: Path):
    with Receiver(answers=[503]) as receiver:
        ended(store, receiver.url)
        deliver(store, settings(tmp_path), "caller")

        assert deliver(store, settings(tmp_path), "caller") == 0

    row = call(store)
    assert (row.state, row.error_code) == ("pending", "webhook_refused")
    assert "503" in row.error_message
    assert 0 < row.not_before - row.created_at - webhooks.PAUSE_S < 30


def test_a_receiver_that_never_takes_it_is_given_up(
    store: Store, tmp_path: Path, without_pauses: None, caplog: pytest.LogCaptureFixture
):
    with Receiver(answers=[500]) as receiver:
        ended(store, receiver.url)

        rounds = [deliver(store, settings(tmp_path, webhook_attempts=3), "caller") for _ in range(4)]

    assert rounds == [1, 1, 1, 0]
    assert len(receiver.received) == 3
    assert call(store).state == "failed"
    assert "given up" in caplog.records[-1].message


def test_a_redirect_is_not_followed(sqlite_store: Store, tmp_path: Path):
    with Receiver(answers=[307]) as receiver:
        ended(sqlite_store, receiver.url)

        deliver(sqlite_store, settings(tmp_path), "caller")

    assert [one.path for one in receiver.received] == ["/webhooks"]
    assert (call(sqlite_store).state, call(sqlite_store).error_code) == ("pending", "webhook_refused")


@pytest.mark.parametrize("drips_s", [0.05, 60])
def test_a_receiver_that_takes_its_time_is_left(drips_s: float, sqlite_store: Store, tmp_path: Path):
    with Receiver(drips_s=drips_s) as slow, Receiver() as quick:
        ended(sqlite_store, quick.url)
        ended(sqlite_store, slow.url)
        began = time.monotonic()

        deliver(sqlite_store, settings(tmp_path, webhook_timeout_s=0.5), "caller")

        assert time.monotonic() - began < 5
    assert len(quick.received) == len(slow.received) == 1
    assert sqlite_store.webhooks.claim("other", 1, 10) == []  # neither is due


def test_an_answer_that_never_ends_is_not_read(sqlite_store: Store, tmp_path: Path):
    with Receiver(body_bytes=2**36) as receiver:
        ended(sqlite_store, receiver.url)

        deliver(sqlite_store, settings(tmp_path), "caller")

    assert call(sqlite_store).state == "done"


def test_a_receiver_that_is_down_is_tried_again(sqlite_store: Store, tmp_path: Path):
    with Receiver() as receiver:
        url = receiver.url
    ended(sqlite_store, url)

    deliver(sqlite_store, settings(tmp_path), "caller")

    assert (call(sqlite_store).state, call(sqlite_store).error_code) == ("pending", "webhook_unreachable")


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label too long")])
def test_a_name_that_means_nothing_is_tried_again(error: Exception, sqlite_store: Store, tmp_path: Path):
    def resolve(host: str, port: int) -> list[str]:
        raise error

    ended(sqlite_store, "https://nowhere.test/")

    deliver(sqlite_store, settings(tmp_path), "caller", resolve)

    assert (call(sqlite_store).state, call(sqlite_store).error_code) == ("pending", "webhook_unreachable")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("receiver.test", "127.0.0.1"),
        ("receiver.test", "::1"),
        ("receiver.test", "::ffff:127.0.0.1"),
        ("[::1]", "::1"),
        ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
    ],
)
def test_a_private_address_is_not_called(host: str, address: str, sqlite_store: Store, tmp_path: Path):
    with Receiver(tls=True) as receiver:
        ended(sqlite_store, f"https://{host}:{receiver.port}/")

        deliver(sqlite_store, settings(tmp_path, webhook_private=False), "caller", lambda *_: [address])

    row = call(sqlite_store)
    assert receiver.received == []
    assert (row.state, row.error_code) == ("pending", "invalid_request")
    assert "private address" in row.error_message


def test_a_name_is_resolved_once_and_called_at_that_address(sqlite_store: Store, tmp_path: Path):
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with Receiver() as receiver:
        ended(sqlite_store, f"http://receiver.test:{receiver.port}/webhooks")

        deliver(sqlite_store, settings(tmp_path), "caller", resolve)

    assert asked == [("receiver.test", receiver.port)]
    assert receiver.received[0].headers["host"] == f"receiver.test:{receiver.port}"
    assert call(sqlite_store).state == "done"


def test_the_next_address_is_tried_where_nobody_listens_at_the_first(sqlite_store: Store, tmp_path: Path):
    with Receiver() as receiver:
        ended(sqlite_store, f"http://receiver.test:{receiver.port}/webhooks")

        deliver(sqlite_store, settings(tmp_path), "caller", lambda *_: ["127.0.0.2", "127.0.0.1"])

    assert call(sqlite_store).state == "done"


@pytest.mark.parametrize(("host", "state"), [("receiver.test", "done"), ("other.test", "pending")])
def test_the_certificate_is_held_against_the_name_and_not_the_address(
    host: str, state: str, sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    with Receiver(tls=True) as receiver:
        ended(sqlite_store, f"https://{host}:{receiver.port}/webhooks")

        deliver(sqlite_store, settings(tmp_path), "caller", lambda *_: ["127.0.0.1"])

    assert call(sqlite_store).state == state
    assert len(receiver.received) == (state == "done")


def test_a_proxy_of_the_environment_gets_nothing(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Receiver() as receiver, Receiver() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        ended(sqlite_store, receiver.url)

        deliver(sqlite_store, settings(tmp_path), "caller")

    assert (len(receiver.received), len(proxy.received)) == (1, 0)


def test_a_call_whose_caller_was_killed_is_made_again_with_the_same_event(store: Store, tmp_path: Path):
    with Receiver() as receiver:
        ended(store, receiver.url)
        (killed,) = store.webhooks.claim("killed", -1, 10)

        deliver(store, settings(tmp_path), "caller")

        assert unwrapped(receiver).id == killed.public_id
    assert (call(store).state, call(store).attempts) == ("done", 2)


def test_a_process_that_is_killed_while_it_calls_loses_nothing(sqlite_store: Store, tmp_path: Path):
    run = (
        "from core import settings, store; from workers.webhooks import deliver; used = settings.read();"
        "deliver(store.Store.of(used), used, 'killed')"
    )
    values = {"HOME": tmp_path, "LEASE_S": 0.2, "WEBHOOK_TIMEOUT_S": 8, "WEBHOOK_SECRET": SECRET, "WEBHOOK_PRIVATE": 1}
    environment = os.environ | {f"TOROUTER_{name}": str(value) for name, value in values.items()}
    with Receiver(drips_s=60) as receiver:
        ended(sqlite_store, receiver.url)
        with subprocess.Popen([sys.executable, "-c", run], env=environment) as process:
            wait_until(lambda: receiver.received)
            process.kill()
        receiver.drips_s = 0

        wait_until(lambda: deliver(sqlite_store, settings(tmp_path), "caller"))

        assert unwrapped(receiver, 0).id == unwrapped(receiver, 1).id
    assert (call(sqlite_store).state, call(sqlite_store).attempts) == ("done", 2)


def test_a_call_that_kills_its_callers_is_given_up(store: Store, tmp_path: Path):
    with Receiver() as receiver:
        ended(store, receiver.url)
        for _ in range(3):
            store.webhooks.claim("killed", -1, 10)

        deliver(store, settings(tmp_path, webhook_attempts=3), "caller")

    assert receiver.received == []
    assert (call(store).state, call(store).error_code) == ("failed", "worker_lost")


def test_an_error_that_nobody_expected_leaves_the_other_calls_alone(sqlite_store: Store, tmp_path: Path):
    def resolve(host: str, port: int) -> list[str]:
        if host == "broken.test":
            raise ZeroDivisionError
        return ["127.0.0.1"]

    with Receiver() as receiver:
        ended(sqlite_store, "http://broken.test/")
        ended(sqlite_store, f"http://receiver.test:{receiver.port}/")

        with pytest.raises(ZeroDivisionError):
            deliver(sqlite_store, settings(tmp_path), "caller", resolve)

    assert len(receiver.received) == 1


def test_a_secret_that_was_taken_away_is_an_error_that_says_so(sqlite_store: Store, tmp_path: Path):
    ended(sqlite_store)

    deliver(sqlite_store, settings(tmp_path, webhook_secret=None), "caller")

    assert "TOROUTER_WEBHOOK_SECRET" in call(sqlite_store).error_message


def test_the_secret_is_in_no_log(sqlite_store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with Receiver(answers=[500]) as receiver:
        ended(sqlite_store, receiver.url)
        used = settings(tmp_path)
        logging.getLogger().warning("%s %r", used, used)

        deliver(sqlite_store, used, "caller")

    assert receiver.received
    assert SECRET.removeprefix("whsec_") not in caplog.text
    assert repr(KEY)[2:20] not in caplog.text
