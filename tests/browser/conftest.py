"""A real browser, where there is one, and pages that tell of everything they should not do."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.studio.conftest import end_all, pocket, runs  # noqa: F401
from tests.studio.server import Server, serving
from tunesmith.studio.jobs.start import JobFolder

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 120_000
"""Milliseconds that only a broken page takes."""


@dataclass
class Watch:
    """What pages did that they should not."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def follow(self, page) -> None:
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: (self.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda line: self.errors.append(line.text) if line.type in ("error", "warning") else None)

    def off_site(self, server: Server) -> list[str]:
        return [url for url in self.requests if not url.startswith((server.address + "/", "data:", "blob:"))]


@pytest.fixture(scope="session")
def browser() -> Iterator:
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("there is no Chromium here")
    with playwright.sync_playwright() as started:
        flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        found = started.chromium.launch(
            executable_path=CHROMIUM, args=[*flags, "--autoplay-policy=no-user-gesture-required"]
        )
        yield found
        found.close()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def server(runs: Path) -> Iterator[Server]:  # noqa: F811
    with serving(runs.parent) as found:
        yield found
        found.kill()
    end_all(JobFolder(runs))


@pytest.fixture
def context(browser, server: Server, watch: Watch) -> Iterator:
    """A browser that has opened the address which the command printed."""
    made = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    made.on("page", watch.follow)
    page = made.new_page()
    page.goto(f"{server.address}/?token={server.token}")
    page.wait_for_url(f"{server.address}/")
    page.close()
    yield made
    made.close()


@pytest.fixture
def page(context):
    return context.new_page()


def wait(page, expression: str, argument: object = None) -> None:
    """Wait until an expression is true; Playwright's own way evaluates strings, which the pages forbid."""
    give_up = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(expression, argument):
        assert time.monotonic() < give_up, expression
        page.wait_for_timeout(50)
