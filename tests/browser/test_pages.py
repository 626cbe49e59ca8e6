"""Every page in a real browser: nothing from elsewhere, no errors, both languages, narrow and wide, by keyboard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.browser.conftest import wait
from tests.studio.server import serving
from tests.studio.test_api import SCARY, train_line, write_lines
from tunesmith.records.metrics import EventLine, PreviewLine, ValidLine
from tunesmith.texts import msg


@pytest.fixture(autouse=True)
def _trained(runs: Path) -> None:
    """A run with everything that a page shows, one with a frightening name, and a broken one."""
    (runs / SCARY).mkdir()
    (runs / SCARY / "recipe.yaml").write_text(f"name: x\nmodel:\n  path: '{SCARY}'\n")
    (runs / "broken").mkdir()
    (runs / "broken" / "recipe.yaml").write_text("model: {path: [")
    sounds = runs / "one" / "previews"
    sounds.mkdir(exist_ok=True)
    lines = [train_line(n, 1 + 1 / n) for n in range(1, 61)]
    lines += [ValidLine(update=n, loss=2 - n / 60, forgetting=1 + n / 60, best=True) for n in (20, 40, 60)]
    for update in (0, 60):
        for index in (0, 1):
            name = f"previews/{update}-{index}.wav"
            soundfile.write(runs / "one" / name, np.zeros(32_000), 16_000)
            lines.append(PreviewLine(update=update, index=index, prompt=SCARY, seed=1, file=name, signals={}))
    lines.append(EventLine(update=60, name="finished", message=msg("{updates} updates done", updates=60)))
    write_lines(runs / "one", lines)


PAGES = ("/", "/runs/one", "/runs/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E", "/runs/broken", "/jobs")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_is_complete_and_asks_nobody_else(context, server, watch, language):
    for width in (1280, 390):
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        for path in PAGES:
            page.goto(f"{server.address}{path}?language={language}")
            wait(page, "document.querySelector('tbody tr, #stages li, #empty:not([hidden])')")
            assert page.locator("html").get_attribute("lang") == language
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
            unnamed = "[...document.querySelectorAll('button, a, input, select, textarea, audio ~ button')].filter("
            unnamed += "e => e.offsetParent && !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).length"
            assert page.evaluate(unnamed) == 0, path
        page.close()
    assert watch.off_site(server) == []
    assert watch.errors == []


def test_a_name_that_is_html_is_shown_as_it_is(page, server, watch):
    page.goto(server.address)
    link = page.get_by_role("link", name=SCARY)
    link.wait_for()
    link.click()
    page.get_by_role("heading", name=SCARY).wait_for()
    page.goto(f"{server.address}/runs/one")
    page.locator("#previews th.prompt").first.wait_for()
    assert page.locator("#previews th.prompt").first.inner_text() == SCARY
    assert page.locator("main img").count() == 0 and watch.errors == []


def test_a_broken_run_is_a_row_with_its_sentence(page, server):
    page.goto(server.address)
    row = page.locator("tr", has=page.get_by_role("link", name="broken"))
    row.locator(".problem", has_text="recipe.yaml").wait_for()
    assert row.get_by_role("button").count() == 0


def test_curves_events_and_previews_are_there(page, server):
    page.goto(f"{server.address}/runs/one")
    page.locator("svg .curve.valid").wait_for()
    assert len(page.locator("svg .curve.train").get_attribute("points").split()) == 60
    assert page.locator("svg .ring").count() == 1
    assert "60 updates done" in page.locator("#events li").first.inner_text()
    assert page.locator("#previews tbody tr").count() == 2
    assert page.locator("#previews button.play").count() == 4
    assert page.locator("audio").count() == 1


def test_what_is_playing_is_the_same_element_while_the_page_is_updated(page, server, runs, watch):
    page.goto(f"{server.address}/runs/one")
    page.locator("#previews button.play").first.click()
    wait(page, "document.querySelector('audio').currentTime > 0.2")
    page.evaluate("window.kept = document.querySelector('audio')")
    write_lines(runs / "one", [train_line(61, 9.0)], "a")
    wait(page, "document.querySelector('#curves figcaption .train').textContent.includes('61')")
    assert page.evaluate("kept === document.querySelector('audio') && kept.src.includes('/media/')")
    page.keyboard.press("ArrowRight")
    page.locator("#playing", has_text="update 60").wait_for()
    assert watch.errors == []


def test_keys_are_listed_and_lead_through_the_pages(page, server, watch):
    page.goto(server.address)
    page.locator("tbody tr").nth(2).wait_for()
    page.keyboard.press("?")
    assert page.locator("#help").get_attribute("open") is not None
    page.keyboard.press("Escape")
    assert page.locator("#help").get_attribute("open") is None
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = page.evaluate("document.activeElement.textContent")
    assert focused == page.locator("tbody tr").nth(1).locator("a").inner_text()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=focused).wait_for()
    page.locator("#stages li").first.wait_for()  # its script listens
    page.keyboard.press("2")
    page.get_by_role("heading", name="Jobs", exact=True).wait_for()
    page.locator("#empty").wait_for()
    page.keyboard.press("1")
    page.get_by_role("heading", name="Runs", exact=True).wait_for()
    assert watch.errors == []


def test_the_language_that_was_chosen_stays(page, server):
    page.goto(f"{server.address}/jobs")
    page.get_by_role("link", name="中文").click()
    page.get_by_role("heading", name="任务", exact=True).wait_for()
    page.goto(f"{server.address}/runs/one")
    page.get_by_role("heading", name="日志").wait_for()


def test_dark_and_light_follow_the_system(page, server):
    paper = "getComputedStyle(document.body).backgroundColor"
    page.goto(server.address)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(paper)
    page.emulate_media(color_scheme="light")
    assert dark != page.evaluate(paper)


def test_eight_tabs_of_a_run_all_answer(context, server):
    pages = [context.new_page() for _ in range(8)]
    for page in pages:
        page.goto(f"{server.address}/runs/one")
    for page in pages:
        page.locator("svg .curve.train").wait_for()


def test_an_empty_studio_offers_the_demo(browser, tmp_path, watch):
    with serving(tmp_path / "empty") as server:
        page = browser.new_page()
        watch.follow(page)
        page.goto(f"{server.address}/?token={server.token}")
        page.get_by_role("button", name="Run the demo").wait_for()
        assert watch.errors == []
        page.close()
