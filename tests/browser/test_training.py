"""A real training from the page: it goes on without page and server, and the page finds it again."""

from __future__ import annotations

import json

from tests.browser.conftest import wait
from tests.studio.conftest import QUIET, is_training, last_update, until

SETTINGS = "\n".join((*QUIET, "train.updates=4000", "train.log_every=1", "train.valid_every=1000"))


def start(page, address: str) -> None:
    page.goto(f"{address}/runs/one")
    page.get_by_text("Start something else").click()
    page.locator("select[name=verb]").select_option("train")
    page.locator("textarea").fill(SETTINGS)
    assert page.locator("#command").inner_text().startswith("tunesmith train runs/one previews.every=0")
    page.locator("#choose button").click()
    page.locator("#said", has_text="Started: `tunesmith train").wait_for()


def test_training_goes_on_without_page_and_server_and_the_page_recovers(context, server, runs, watch):
    page = context.new_page()
    start(page, server.address)
    page.close()
    watching = context.new_page()
    watching.goto(f"{server.address}/runs/one")
    watching.get_by_role("button", name="Stop and save").wait_for()
    until(lambda: last_update(runs) >= 2)
    watching.locator("svg .curve.train").wait_for()
    server.kill()
    watching.locator("#reach", has_text="The studio is not reachable; the job is not affected.").wait_for()
    before = last_update(runs)
    until(lambda: last_update(runs) >= before + 3)
    assert is_training(runs)
    server.start()
    watching.locator("#reach", has_text="reachable again").wait_for()
    watching.get_by_role("button", name="Stop and save").click()
    watching.locator("#said", has_text="Asked to stop; it saves first.").wait_for()
    watching.get_by_role("button", name="Continue").wait_for()
    written = [json.loads(line) for line in (runs / "one" / "metrics.jsonl").read_text().splitlines()]
    updates = sorted({line["update"] for line in written if line["kind"] == "train"})
    wait(
        watching,
        "count => document.querySelector('svg .curve.train').getAttribute('points').split(' ').length === count",
        len(updates),
    )
    unreachable = [error for error in watch.errors if "ERR_CONNECTION" not in error]
    assert unreachable == [] and watch.off_site(server) == []


def test_two_starts_queue_and_everything_is_done_by_keyboard(page, server, runs, watch):
    start(page, server.address)
    second = page.context.new_page()
    second.goto(f"{server.address}/jobs")
    server.post("/api/jobs", {"verb": "report", "run": "one"})
    second.locator("li.job .state", has_text="queued").wait_for()
    second.keyboard.press("j")
    second.keyboard.press("x")
    second.locator("li.job", has_text="taken out of the queue before it began").wait_for()
    second.keyboard.press("j")
    second.keyboard.press("l")
    until(lambda: last_update(runs) >= 1)
    second.locator("pre.log", has_text="update 1/4000").wait_for()
    page.goto(server.address)
    page.locator("tr .state", has_text="running").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.locator("tr .said", has_text="it saves first").wait_for()
    page.locator("tr .state", has_text="stopped").wait_for()
    page.get_by_role("button", name="Continue").wait_for()
    page.keyboard.press("s")
    until(lambda: server.get("/api/runs/one").json["job"]["state"] == "running")
    job = server.get("/api/runs/one").json["job"]
    assert (job["verb"], job["overrides"]) == ("train", SETTINGS.split("\n"))
    assert watch.errors == []
