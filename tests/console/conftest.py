"""A real agent with its page, and a real browser (Debian's chromium) to look at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from klapp.console import Console
from klapp.service import Service
from tests.agent.house import House

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
MOVER = """coworker "Mover"
about "Moves what comes in to where it belongs."

may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"

when file arrives in "~/In"
  move file to "~/Out/"
end
"""


class Served:
    """A house with an agent at work, and its page."""

    def __init__(self, house: House, service: Service, console: Console) -> None:
        self.house = house
        self.service = service
        self.console = console

    def link(self) -> str:
        return self.console.open()["address"]

    @property
    def origin(self) -> str:
        return self.link().partition("/enter/")[0]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    house = House(tmp_path)
    (house.person / "In").mkdir()
    house.coworker(MOVER, "mover")
    with house.agent() as agent, Service(agent, lambda _: None) as service:
        console = Console(service)
        yield Served(house, service, console)
        console.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(served: Served, context: BrowserContext) -> Page:
    """A page of somebody who has come in, which counts what the browser complains of."""
    page = context.new_page()
    complaints: list[Any] = []
    page.on("pageerror", lambda error: complaints.append(error))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.complaints = complaints  # type: ignore[attr-defined]
    page.goto(served.link())
    page.wait_for_url("**/")
    return page
