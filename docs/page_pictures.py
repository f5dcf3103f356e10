"""Makes the pictures of docs/page.md: a real agent with made-up papers, looked at with Debian's chromium.

python -m docs.page_pictures [FOLDER]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.agent.house import House
from tests.console.conftest import ARGUMENTS, MOVER

from klapp.audit.events import Trouble
from klapp.console import Console
from klapp.service import Service
from klapp.shipped import shipped

PAGES = {
    "coworkers": "/",
    "coworker": "/coworker?name=mover",
    "approve": "/approve?name=notes",
    "edit": "/edit?name=mover",
    "new": "/new",
    "activity": "/activity",
    "run": "/run?run=1",
    "log": "/log",
    "settings": "/settings",
    "notices": "/notices",
    "network": "/network",
    "account": "/account",
    "checkup": "/checkup",
}
KEPT = ("coworkers", "approve", "edit", "activity", "run")
"""Those that docs/page.md shows."""
LOOKS = (("light", "light", 1100), ("dark", "dark", 1100), ("narrow", "light", 380))
NOTES = MOVER.replace("Mover", "Notes").replace("In/", "Notes/").replace('In"', 'Notes"')


def main(folder: Path, names: tuple[str, ...], looks: tuple[tuple[str, str, int], ...]) -> None:
    """Take the pictures: each page in each look."""
    with tempfile.TemporaryDirectory() as root, sync_playwright() as playwright:
        house = House(Path(root) / "ada")
        for number in range(7):
            house.file(f"In/Invoice 2026-{number + 1:03}.pdf", b"x")
        house.file("Notes/minutes.txt", b"x")
        house.coworker(MOVER, "mover")
        house.coworker(NOTES, "notes")
        house.coworker(next(iter(shipped().values())).replace("move file", "mvoe file"), "other")
        with house.agent() as agent:
            agent.approve("mover")
            list(agent.run("mover"))
            agent.undo([7])
            agent.log_store.record(Trouble("An example of something that did not work."))
            with Service(agent, lambda _: None) as service:
                console = Console(service)
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
                page = browser.new_page(viewport={"width": 1100, "height": 760})
                page.goto(console.open()["address"])
                page.wait_for_url("**/")
                for name in names:
                    _take(page, folder, name, looks)
                console.close()
                browser.close()


def _take(page: Page, folder: Path, name: str, looks: tuple[tuple[str, str, int], ...]) -> None:
    origin = "/".join(page.url.split("/")[:3])
    page.goto(origin + PAGES[name])
    if name == "edit":
        page.locator("#lines span").first.wait_for()
        page.locator("#text").fill(MOVER.replace("move file", "mvoe file"))
        page.locator("#findings li.error").first.wait_for()
    for look, scheme, width in looks:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 760})
        page.screenshot(path=folder / f"page-{name}-{look}.png", full_page=look != "narrow")
    page.set_viewport_size({"width": 1100, "height": 760})


if __name__ == "__main__":
    given = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent / "pictures"
    given.mkdir(exist_ok=True)
    if sys.argv[1:]:
        main(given, tuple(PAGES), LOOKS)
    else:
        main(given, KEPT, LOOKS[:1])
