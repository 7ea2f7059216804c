"""The web page in a real browser: headless Chromium over a real server, whose workers are played."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from api import keyring
from core.schemas.keys import Scope
from core.settings import Settings
from core.store import Store
from tests.integration.api.played import PlayedWorkers
from tests.integration.api.test_keys import make_key
from workers.lines import Using

#: Debian's packages of that name have them.
BROWSERS = ("chromium-headless-shell", "chromium")

#: The longest wait for anything on a busy machine.
TIMEOUT_MS = 20_000

PHONE = {"width": 360, "height": 740}

#: How a browser logs an answer of 4xx or 5xx; other errors are mistakes of ours, e.g. against our own security policy.
REFUSED = "Failed to load resource"

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        why = f"there is no browser: apt-get install {BROWSERS[0]}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture
def auth() -> str | None:
    """Whether callers need a key; a test that says `keys` is about them."""
    return None


@pytest.fixture
def settings(settings: Settings, auth: str | None) -> Settings:
    return settings.model_copy(update={"events_s": 0.05, "auth": auth, "broker_url": "amqp://127.0.0.1:1"})


@pytest.fixture
def context(browser: Browser, url: str) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=url)
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield page
    assert [one for one in wrong if not one.startswith(REFUSED)] == []


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client


def submit(client: httpx.Client, *texts: str, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = client.post(
        "/v1/prompts", json={"prompts": [{"prompt": one} for one in texts], **changes}
    ).json()
    return made


def answered(client: httpx.Client, *texts: str, **changes: Any) -> dict[str, Any]:
    """A submission whose prompts have ended."""
    made = submit(client, *texts, **changes)
    for one in made["prompts"]:
        client.get(f"/v1/prompts/{one['id']}?wait=30")
    return made


def test_a_batch_shows_its_progress_as_it_happens(page: Page, client: httpx.Client, workers: PlayedWorkers):
    workers.hold()
    made = submit(client, *"abcd")

    page.goto(f"/#/batches/{made['id']}")
    counts, bar = page.locator(".counts"), page.get_by_role("progressbar")
    expect(counts).to_have_text("0 of 4 prompts")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Batch …{made['id'][-6:]}")
    workers.release()

    expect(counts).to_have_text("4 of 4 prompts")
    expect(bar).to_have_attribute("aria-valuetext", "4 of 4")
    expect(page.locator(".title .badge").first).to_have_text("completed")
    expect(page.get_by_role("status")).to_have_text("Batch completed: 4 of 4 prompts.")
    expect(page.locator(".prompts tbody tr")).to_have_count(4)
    expect(page.locator(".prompts .badge").last).to_have_text("done")
    expect(page.get_by_role("row", name=re.compile("^general"))).to_contain_text("100 %")


def test_the_list_and_the_overview_go_on_by_themselves(page: Page, client: httpx.Client, workers: PlayedWorkers):
    workers.hold()
    submit(client, *"ab", metadata={"run": "nightly"})
    page.goto("/")
    expect(page.get_by_role("heading", name="Under way")).to_be_visible()
    expect(page.locator(".figures")).to_contain_text("Waiting now2")

    page.get_by_role("link", name="Batches").click()
    row = page.locator(".batches tbody tr")
    expect(row).to_contain_text("run=nightly")
    expect(row).to_contain_text("0 of 2")
    workers.release()

    expect(row).to_contain_text("2 of 2")
    page.get_by_role("button", name="Interactive").click()
    expect(page.get_by_text("Nothing interactive was submitted.")).to_be_visible()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("img", name="Answers per hour, last 24 hours: 2 in all")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^general"))).to_contain_text("100 %")
    expect(page.get_by_role("heading", name="Under way")).to_be_hidden()
    page.get_by_role("button", name="30 days").click()
    expect(page.get_by_role("img", name="Answers per day, last 30 days: 2 in all")).to_be_visible()


def test_older_batches_and_more_prompts_are_a_button_away(page: Page, client: httpx.Client):
    made = answered(client, *(f"question {n}" for n in range(25)))
    for _ in range(20):
        submit(client, "a")

    page.goto("/#/batches")
    expect(page.locator(".batches tbody tr")).to_have_count(20)
    page.get_by_role("button", name="Show older").click()
    expect(page.locator(".batches tbody tr")).to_have_count(21)
    expect(page.get_by_role("button", name="Show older")).to_be_hidden()
    page.get_by_role("link", name=f"25 prompts …{made['id'][-6:]}").click()

    expect(page.locator(".prompts tbody tr")).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".prompts tbody tr")).to_have_count(25)


def test_from_a_batch_down_to_a_prompt_and_back(page: Page, client: httpx.Client):
    body = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 6 times 7?"}]}
    made = client.post("/v1/prompts", json={"prompts": [body | {"reference": "42"}]}).json()

    page.goto("/#/batches")
    page.get_by_role("link", name="1 prompt …").click()
    page.get_by_role("link", name="What is 6 times 7?").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Prompt …{made['prompts'][0]['id'][-6:]}")
    expect(page.locator(".message")).to_have_text(["systemBe brief.", "userWhat is 6 times 7?"])
    expect(page.locator(".decision")).to_contain_text(
        "general was chosen: its predicted quality is 0.500 above the next"
    )
    expect(page.locator(".predictions li")).to_have_text(["generalchosen0.700", "math0.200"])
    answer = page.get_by_role("article", name="Answer of general")
    expect(answer).to_contain_text("general: What is 6 times 7?")
    expect(answer).to_contain_text("BERTSim0.750")
    expect(answer).to_contain_text("Tokens in10")
    expect(answer).to_contain_text("Cost$0.00002")
    page.go_back()
    expect(page.locator(".counts")).to_have_text("1 of 1 prompt")
    page.get_by_role("link", name="What is 6 times 7?").click()
    page.locator(".about a").click()
    expect(page.locator(".counts")).to_have_text("1 of 1 prompt")


def test_what_failed_says_why_and_what_to_do(page: Page, client: httpx.Client, workers: PlayedWorkers):
    workers.failure = ("context_length_exceeded", "the prompt has 9,000 tokens and general takes 2,048")
    made = answered(client, "much too long", *(str(n) for n in range(2)))

    page.goto(f"/#/batches/{made['id']}")
    expect(page.locator(".counts")).to_contain_text("3 failed")
    page.get_by_role("button", name="Failed").click()
    page.get_by_role("link", name="much too long").click()

    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("the prompt has 9,000 tokens and general takes 2,048")
    expect(problem).to_contain_text("name an expert with a larger context")


def test_a_file_with_a_wrong_line_names_it(page: Page, client: httpx.Client, batches: Using):
    line = {
        "custom_id": "a",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "gpt-9", "messages": []},
    }
    sent = client.post("/v1/files", files={"file": ("x.jsonl", json.dumps(line))}, data={"purpose": "batch"}).json()
    asked = {"input_file_id": sent["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    made = client.post("/v1/batches", json=asked).json()

    page.goto(f"/#/batches/{made['id']}")

    expect(page.get_by_role("alert")).to_contain_text("Line 1: ")
    expect(page.get_by_role("alert")).to_contain_text("Nothing of it has run")
    expect(page.locator(".title .badge").first).to_have_text("failed")


def test_a_prompt_can_be_tried_and_shows_where_it_goes(page: Page, client: httpx.Client):
    page.goto("/#/try")
    page.get_by_label("Prompt").fill("What is 6 times 7?")
    page.get_by_label("Policy").select_option("cost")
    expect(page.get_by_label("Quality that $1 per 1,000 prompts must bring")).to_have_value("20")
    page.get_by_role("button", name="Send").click()

    expect(page.locator(".predictions .chosen")).to_contain_text("general")
    expect(page.get_by_role("article")).to_contain_text("general: What is 6 times 7?")
    expect(page.get_by_role("status")).to_have_text("Prompt done, expert general.")
    page.get_by_label("Expert", exact=True).select_option("math")
    expect(page.get_by_label("Policy")).to_be_hidden()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("article")).to_contain_text("math: What is 6 times 7?")
    expect(page.locator(".decision")).to_contain_text("math was named by the caller")
    page.get_by_role("link", name="Its own page").click()
    expect(page.locator(".message")).to_contain_text("What is 6 times 7?")


def test_a_prompt_that_is_refused_says_why(page: Page, api_store: Store):
    with api_store._database.write() as connection:
        connection.exec_driver_sql("UPDATE checkpoint SET promoted_at = NULL")
    page.goto("/#/try")

    page.get_by_label("Prompt").fill("hello")
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("alert")).to_contain_text("no router has been promoted")
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    page.goto("/#/routing")
    expect(page.get_by_role("heading", name="No router yet")).to_be_visible()
    expect(page.locator(".command")).to_contain_text("torouter promote checkpoint")


def test_routing_shows_verdict_experts_and_queues(
    page: Page, client: httpx.Client, api_store: Store, workers: PlayedWorkers
):
    promoted = api_store.checkpoints.promoted()
    assert promoted is not None
    verdict = {"better": True, "reason": "", "quality": "bertsim", "n": 640, "candidate": 0.611, "current": 0.593}
    api_store.checkpoints.promote(promoted.public_id, verdict | {"difference": 0.018, "ci95": [0.006, 0.031]})
    answered(client, "a")
    workers.hold()
    submit(client, *"bcd")

    page.goto("/#/routing")

    expect(page.get_by_role("img", name="+0.018, 95 % interval +0.006 to +0.031")).to_be_visible()
    expect(page.get_by_text("0.611 against 0.593")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^general"))).to_contain_text("100 %")
    expect(page.get_by_role("row", name="math")).to_contain_text("\N{EN DASH}")
    expect(page.get_by_role("row", name="To be routed, bulk")).to_contain_text("3")


def test_where_there_is_nothing_it_teaches_a_command_that_works(page: Page, url: str, client: httpx.Client):
    page.goto("/")

    expect(page.get_by_role("heading", name="Nothing submitted yet")).to_be_visible()
    words = shlex.split(page.locator(".command", has_text="curl").locator("code").inner_text().replace("\\\n", ""))
    headers = dict(words[place + 1].split(": ") for place, word in enumerate(words) if word == "-H")
    answer = httpx.post(words[2], headers=headers, content=words[words.index("-d") + 1])

    assert words[0] == "curl"
    assert answer.status_code == 202
    assert f"--url {url}" in page.locator(".command", has_text="torouter submit").inner_text()
    page.goto("/#/batches")
    expect(page.locator(".batches tbody tr")).to_have_count(1)


def test_nobodys_text_becomes_markup(page: Page, client: httpx.Client, workers: PlayedWorkers):
    workers.failure = ("prompt_rejected", HOSTILE)
    bad = answered(client, HOSTILE)
    workers.failure = None
    body = {"prompt": HOSTILE, "custom_id": HOSTILE, "reference": HOSTILE, "dataset": HOSTILE}
    good = client.post("/v1/prompts", json={"prompts": [body], "metadata": {HOSTILE[:64]: HOSTILE}}).json()
    client.get(f"/v1/prompts/{good['prompts'][0]['id']}?wait=30")

    views = ["", "batches"]
    views += [f"batches/{one['id']}" for one in (bad, good)] + [
        f"prompts/{one['prompts'][0]['id']}" for one in (bad, good)
    ]
    for view in views:
        page.goto(f"/#/{view}")
        page.wait_for_load_state("networkidle") if view in {"", "batches"} else expect(
            page.get_by_text("<img src=x").first
        ).to_be_visible()
        assert page.locator("main img, main script, main iframe").count() == 0
        assert "taken" not in page.title()


def test_an_address_that_names_nothing_says_so(page: Page):
    page.goto("/#/batches/batch_0")
    expect(page.get_by_role("alert")).to_contain_text("there is no batch 'batch_0'")
    page.goto("/#/nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")


def test_a_lost_connection_is_told_and_come_back_from(page: Page, context: BrowserContext, client: httpx.Client):
    answered(client, "a")
    page.goto("/#/routing")
    expect(page.get_by_role("heading", name="Experts")).to_be_visible()

    context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    context.set_offline(False)

    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("auth", ["keys"])
def test_with_keys_on_it_asks_for_one_and_keeps_it_in_the_tab_alone(
    page: Page, context: BrowserContext, api_store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(keyring, "BELIEVED_S", 0.1)
    secret, key = make_key(api_store)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto("/#/batches")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    for wrong in ("tor-nonsense", "two words"):
        page.get_by_label("API key").fill(wrong)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("API key")
    page.get_by_label("API key").fill(secret)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Batches")
    expect(page.locator(".command", has_text="curl")).to_contain_text("Authorization: Bearer $TOROUTER_API_KEY")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Batches")
    assert not [one for one in (*asked, page.url) if secret in one]
    assert page.evaluate("[Object.values(sessionStorage), Object.values(localStorage), document.cookie]") == [
        [secret],
        [],
        "",
    ]
    assert secret not in page.content()
    api_store.keys.revoke(key.id)
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.get_by_role("alert")).to_contain_text("not known here, or no longer")
    assert page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("auth", ["keys"])
def test_a_key_sees_its_owners_work_and_signs_out(
    page: Page, client: httpx.Client, api_store: Store, workers: PlayedWorkers
):
    (reader, _), (operator, _) = make_key(api_store), make_key(api_store, scopes=frozenset(Scope))
    workers.hold()
    client.headers["Authorization"] = f"Bearer {reader}"
    made = submit(client, *"ab")

    page.goto(f"/#/batches/{made['id']}")
    sign_in(page, reader)
    expect(page.locator(".counts")).to_have_text("0 of 2 prompts")
    workers.release()
    expect(page.locator(".counts")).to_have_text("2 of 2 prompts")
    page.get_by_role("link", name="Routing").click()
    expect(page.get_by_text("How much waits for each is for operators")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert page.evaluate("sessionStorage.length") == 0

    sign_in(page, operator)
    expect(page.get_by_role("columnheader", name="Waiting").first).to_be_visible()
    page.goto(f"/#/batches/{made['id']}")
    expect(page.get_by_role("alert")).to_contain_text("there is no batch")


def sign_in(page: Page, secret: str) -> None:
    page.get_by_label("API key").fill(secret)
    page.get_by_role("button", name="Sign in").click()


def test_the_keyboard_is_enough(page: Page, client: httpx.Client):
    answered(client, "What is 6 times 7?")
    page.goto("/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page).to_have_url(re.compile("/$"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="24 hours")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    for _ in range(2):
        page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("link", name="Routing")).to_be_focused()
    assert page.evaluate(outline) == "solid"
    for name in ("Try", "Batches"):
        page.keyboard.press("Shift+Tab")
        expect(page.get_by_role("link", name=name)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Batches")).to_be_focused()
    expect(page.locator(".batches tbody tr")).to_have_count(1)
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.locator(".counts")).to_have_text("1 of 1 prompt")

    page.goto("/#/try")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Prompt")).to_be_focused()
    page.keyboard.type("hello")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("article")).to_contain_text("general: hello")


def test_what_updates_keeps_the_focus(page: Page, client: httpx.Client, workers: PlayedWorkers):
    workers.hold()
    made = submit(client, *"ab")
    page.goto(f"/#/batches/{made['id']}")
    link = page.locator(".prompts a").first
    link.focus()

    workers.release()

    expect(page.locator(".counts")).to_have_text("2 of 2 prompts")
    expect(page.locator(".prompts .badge").first).to_have_text("done")
    expect(link).to_be_focused()


def every_view(client: httpx.Client, workers: PlayedWorkers) -> list[str]:
    """Addresses of all views with something in each, long words and failures among it."""
    workers.failure = ("prompt_rejected", "n" * 300)
    bad = answered(client, "x" * 500)
    workers.failure = None
    good = answered(client, "word " * 100, "y" * 300, experts="all", metadata={"a" * 60: "b" * 500})
    workers.hold()
    running = submit(client, *"ab")
    ids = (bad["id"], good["id"], running["id"])
    prompts = (bad["prompts"][0]["id"], good["prompts"][1]["id"], running["prompts"][0]["id"])
    return ["", "batches", "try", "routing", *(f"batches/{one}" for one in ids), *(f"prompts/{one}" for one in prompts)]


def shown(page: Page, view: str) -> None:
    """Go there, and wait until it is all there."""
    page.goto(f"/#/{view}")
    ready = {"": ".plots svg", "batches": ".batches tbody tr", "try": "option[value=math]", "routing": "table"}
    page.locator(ready.get(view, ".prompts tbody tr" if view.startswith("batches") else ".about dd")).first.wait_for(
        state="attached"
    )


def test_no_view_is_wider_than_a_phone(browser: Browser, url: str, client: httpx.Client, workers: PlayedWorkers):
    page = browser.new_page(base_url=url, viewport=PHONE, is_mobile=True, has_touch=True)

    for view in every_view(client, workers):
        shown(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], view

    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_checker_of_accessibility_finds_nothing(
    browser: Browser, url: str, client: httpx.Client, workers: PlayedWorkers, scheme: Any
):
    page = browser.new_page(base_url=url, color_scheme=scheme, reduced_motion="reduce")
    views = every_view(client, workers)

    papers = set()
    for view in [*views, "nowhere", "batches/batch_0"]:
        page.goto(f"/#/{view}") if view not in views else shown(page, view)
        papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        found = Axe().run(page)
        assert found.violations_count == 0, f"{view}: {found.generate_report()}"

    assert papers == {"rgb(247, 247, 245)" if scheme == "light" else "rgb(19, 21, 23)"}
    page.close()


@pytest.mark.parametrize("auth", ["keys"])
def test_nor_in_the_form_that_asks_for_a_key(page: Page):
    page.goto("/")
    sign_in(page, "tor-nonsense")
    expect(page.get_by_role("alert")).to_contain_text("not known here")

    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()


def test_who_wants_no_motion_gets_none(browser: Browser, url: str, client: httpx.Client):
    made = answered(client, "a")
    times = {}
    for wish in ("reduce", "no-preference"):
        page = browser.new_page(base_url=url, reduced_motion=wish)
        page.goto(f"/#/batches/{made['id']}")
        done = page.locator(".bar > .done").first
        times[wish] = done.evaluate("bar => getComputedStyle(bar).transitionDuration")
        page.close()

    assert times == {"reduce": "0s", "no-preference": "0.4s"}


def test_the_page_takes_nothing_from_elsewhere_and_runs_nothing_inline(page: Page, url: str, client: httpx.Client):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    answer = client.get("/")

    policy = answer.headers["Content-Security-Policy"]
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"} <= set(
        policy.split("; ")
    )
    assert "unsafe" not in policy
    assert {urlsplit(one).netloc for one in asked} == {urlsplit(url).netloc}
    modules = re.findall(r'modulepreload" href="([^"]+)"', answer.text)
    assert {urlsplit(one).path for one in asked if one.endswith(".js")} == {*modules, "/web/app.js"}


def test_even_a_mistake_of_ours_could_not_make_markup_of_a_text(context: BrowserContext):
    page = context.new_page()
    page.goto("/")

    with pytest.raises(Error, match="TrustedHTML"):
        page.evaluate("document.body.innerHTML = '<b>bold</b>'")


def test_files_of_the_page_are_kept_until_they_change(client: httpx.Client):
    first = client.get("/web/app.js")

    again = client.get("/web/app.js", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code) == (200, 304)
    assert first.headers["Cache-Control"] == "no-cache"
    assert first.headers["Content-Type"].partition(";")[0] in {"text/javascript", "application/javascript"}
    assert first.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/web/", "/web/nothing.js", "/web/../app.py", "/web/%2e%2e/app.py", "/web/..%2fapp.py"]
)
def test_nothing_else_can_be_had_as_a_file(client: httpx.Client, path: str):
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
