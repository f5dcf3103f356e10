"""Takes the pictures of the documentation: the real klapp at work for a made-up person, on a real desktop.

    python -m tests.desktop.pictures [FOLDER]

Without a folder, those that the documentation shows are taken anew into docs/pictures; with one, every page in every look.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw
from playwright.sync_api import Page, sync_playwright

from klapp.agent import Agent
from klapp.demo.papers import pdf
from klapp.home import Home
from klapp.shipped import shipped
from klapp.tray.picture import COLOURS, picture
from klapp.vault.keys import open_vault
from tests.agent.house import CHEAP, PASSPHRASE, Told
from tests.console.conftest import ARGUMENTS
from tests.desktop.conftest import PYTHON, Desktop, real_desktop, until

DOCS = Path(__file__).parents[2] / "docs" / "pictures"
COLOURS_KEPT = 256
"""So many different colours are left in a picture; nobody sees the difference, and it is half as large."""
PAGES = {
    "coworkers": "/",
    "coworker": "/coworker?name=paper-sorter",
    "approve": "/approve?name=downloads-by-kind",
    "edit": "/edit?name=downloads-by-kind",
    "new": "/new",
    "activity": "/activity",
    "run": "/run?run={moved}",
    "log": "/log",
    "settings": "/settings",
    "notices": "/notices",
    "network": "/network",
    "account": "/account",
    "checkup": "/checkup",
}
LIGHT, DARK, NARROW = ("light", "light", 1000), ("dark", "dark", 1000), ("narrow", "light", 380)
SHOWN = {
    "coworkers": (LIGHT, DARK, NARROW),
    "approve": (LIGHT,),
    "edit": (DARK,),
    "activity": (LIGHT,),
    "run": (LIGHT,),
    "log": (LIGHT,),
    "checkup": (DARK,),
}
"""Those that the documentation shows."""
TALLEST = 1250
"""Pixels of a page; what is below is cut off."""
ABOVE_PANEL = 700
"""Pixels of the screen."""
GROUND = "#5b7a94"
"""The colour that the empty screen, which is black, is given."""
DELIVERIES = """coworker "Deliveries"
about "Files delivery notes by their number, and tells me of those without one."

may read "~/Deliveries/*"
may remove "~/Deliveries/*"
may write "~/Documents/Deliveries/*/*"
may notify

when file arrives in "~/Deliveries" named "*.pdf"
  let number = match of "Delivery note ([0-9]+)" in file.text default "none"
  if number is "none"
    fail "it has no number"
  end
  move file to "~/Documents/Deliveries/{number}/{file.name}"
end
"""
SUPPLIERS = ("Acme Ltd.", "Globex Corporation", "Müller & Söhne OHG")


class Ada:
    """The person: papers that came over two weeks, and the coworkers that filed them."""

    def __init__(self, root: Path) -> None:
        self.person = root / "ada"
        self.state = Home(self.person / ".local" / "share" / "klapp").prepare()
        self.secret = root / "passphrase"
        self.secret.touch(mode=0o600)
        self.secret.write_text(PASSPHRASE)
        self.now = datetime.now().replace(second=0, microsecond=0)
        self.moved = 0
        for folder in ("Inbox", "Deliveries", "Scans", "Downloads", "Documents"):
            (self.person / folder).mkdir(parents=True)

    def file(self, path: str, content: bytes = b"x") -> None:
        """Something comes in."""
        (self.person / path).write_bytes(content)

    def coworker(self, name: str, text: str) -> None:
        """Put one there, as if it were newly written."""
        (self.state.coworkers / f"{name}.klr").write_text(text)

    def invoice(self, number: int) -> bytes:
        """An invoice, now from this one and now from that one."""
        return pdf([SUPPLIERS[number % 3], f"Invoice 2026-{number:04}", f"Total {number * 37 % 900}.00 EUR"])

    def past(self) -> None:
        """Two weeks of work, done by the real engine under a clock of their own."""
        texts = shipped()
        by_kind = texts["downloads-by-kind"]
        for name in ("paper-sorter", "weekly-report", "scanned-letters"):
            self.coworker(name, texts[name])
        self.coworker("downloads-by-kind", by_kind)
        self.coworker("deliveries", DELIVERIES)
        vault = open_vault(self.state.path, lambda _: PASSPHRASE, use_keyring=False, cost=CHEAP)
        moment = [self.now]
        with Agent(self.state, vault, Told(), person=str(self.person), clock=lambda: moment[0]) as agent:
            for name in ("paper-sorter", "weekly-report", "scanned-letters", "downloads-by-kind", "deliveries"):
                agent.approve(name)
            days = [day for day in range(13, 0, -1) if (self.now - timedelta(days=day)).weekday() < 5]
            for day in days:
                moment[0] = (self.now - timedelta(days=day)).replace(hour=8 + day % 9, minute=day * 7 % 60)
                self._day(agent, day, last=day == days[-1])
            agent.watch.look("Deliveries")
            agent.pause("scanned-letters", (self.now + timedelta(days=1)).isoformat())
        self.coworker("downloads-by-kind", by_kind.replace('"~/Pictures/Downloads/*/*"', '"~/Pictures/**"'))
        for name, content in (
            ("beach.jpg", b"\xff\xd8\xff\xe0"),
            ("song.mp3", b"ID3\x04\0\0"),
            ("notes.txt", b"milk\n"),
        ):
            self.file(f"Downloads/{name}", content)

    def _day(self, agent: Agent, day: int, *, last: bool) -> None:
        for number in range(day % 4 + 1):
            self.file(f"Inbox/Invoice 2026-{day * 10 + number:04}.pdf", self.invoice(day * 10 + number))
        if day % 3 == 1:
            self.file(f"Inbox/export {day}.dat", b"\0\1\2")
        for number in range(4):
            name = f"Deliveries/Delivery {day * 10 + number}.pdf"
            self.file(name, pdf(["Globex Corporation", f"Delivery note {40100 + day * 10 + number}"]))
        if last:
            for number in range(3):
                self.file(f"Deliveries/Scan {number + 1}.pdf", pdf(["Globex Corporation"]))
        for name in ("deliveries", "paper-sorter"):
            for item in agent.run(name):
                if item.get("report", {}).get("effects"):
                    self.moved = item["report"]["run"]


def main(folder: Path, pages: dict[str, tuple[tuple[str, str, int], ...]]) -> None:
    """Take the pictures."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="klapp-") as scratch, ExitStack() as closing:
        root = Path(scratch)
        ada = Ada(root)
        ada.past()
        (root / "desktop").mkdir()
        desktop = closing.enter_context(real_desktop(root / "desktop"))
        closing.enter_context(_at_work(ada, desktop))
        take_icons(folder)
        take_tray(folder, desktop)
        take_notice(folder, desktop, ada)
        take_pages(folder, ada, _link(ada, desktop), pages)


def _own(ada: Ada) -> dict[str, str]:
    return {
        "KLAPP_HOME": str(ada.state.path), "HOME": str(ada.person), "KLAPP_KEYRING": "off",
        "KLAPP_PASSPHRASE_FILE": str(ada.secret),
    }  # fmt: skip


@contextmanager
def _at_work(ada: Ada, desktop: Desktop) -> Iterator[None]:
    agent = desktop.start(PYTHON, "-m", "klapp.cli.main", "agent", **_own(ada))
    try:
        until(lambda: agent.poll() is not None or desktop.tray_items(), "the icon")
        assert agent.poll() is None, agent.stdout and agent.stdout.read()
        yield
    finally:
        agent.terminate()
        agent.wait()


def _link(ada: Ada, desktop: Desktop) -> str:
    command = (PYTHON, "-m", "klapp.cli.main", "console", "--link")
    done = subprocess.run(command, env=desktop.env | _own(ada), stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout.split()[-1]


# -- the desktop ---------------------------------------------------------------------------------------------------------


def take_icons(folder: Path) -> None:
    """The icon in each of its states, as panels get it, on a bright and on a dark one."""
    sheet = Image.new("RGB", (len(COLOURS) * 72, 144), "#f2f2f2")
    sheet.paste("#202124", (0, 72, sheet.width, 144))
    for column, state in enumerate(COLOURS):
        for row in (0, 72):
            icon = picture(state, 48)
            sheet.paste(icon, (column * 72 + 12, row + 12), icon)
    _save(sheet, folder / "tray-states.png")


def take_tray(folder: Path, desktop: Desktop) -> None:
    """The icon in lxqt's panel with its menu open, and one of the menus below that."""
    _put_away(desktop)
    windows = ("search", "--onlyvisible", "--class", "lxqt-panel")
    [panel] = _tool(desktop, *windows)
    at = dict(line.split("=") for line in _tool(desktop, "getwindowgeometry", "--shell", panel) if "=" in line)
    left, top = int(at["X"]) + 16, int(at["Y"]) + int(at["HEIGHT"]) // 2
    _tool(desktop, "mousemove", str(left), str(top), "click", "3")
    until(lambda: len(_tool(desktop, *windows)) == 2, "the menu")
    labels = [entry.label for entry in desktop.menu(desktop.tray_items()[-1]) if entry.label and entry.enabled]
    before = 0
    for name, label in (("needs-you", "Downloads by kind waits for your approval"), ("coworker", "Paper sorter")):
        _tool(desktop, *("key", "Down") * (labels.index(label) + 1 - before), "key", "Right")
        until(lambda: len(_tool(desktop, *windows)) == 3, "the menu below it")
        _take_screen(folder / f"tray-{name}.png", desktop)
        _tool(desktop, "key", "Left")
        until(lambda: len(_tool(desktop, *windows)) == 2, "the end of the menu below it")
        before = labels.index(label) + 1
    _tool(desktop, "key", "Escape")


def take_notice(folder: Path, desktop: Desktop, ada: Ada) -> None:
    """A notice in dunst, and its buttons in the menu that dunst has for them."""
    ada.file("Inbox/Invoice 2026-0341.pdf", ada.invoice(341))

    until(lambda: _displayed(desktop), "the notice")
    asking = desktop.start("dunstctl", "context")
    until(lambda: _tool(desktop, "search", "--class", "dmenu"), "dunst's menu of buttons")
    _take_screen(folder / "notice-buttons.png", desktop, ABOVE_PANEL)
    _tool(desktop, "key", "Escape")
    asking.wait()


def _put_away(desktop: Desktop) -> None:
    """What klapp told at its start."""
    until(lambda: _displayed(desktop), "a first notice")
    subprocess.run(["dunstctl", "close-all"], env=desktop.env, check=True)
    until(lambda: not _displayed(desktop), "the end of the notices")


def _displayed(desktop: Desktop) -> int:
    found = subprocess.run(["dunstctl", "count", "displayed"], env=desktop.env, stdout=subprocess.PIPE, check=True)
    return int(found.stdout)


def _tool(desktop: Desktop, *command: str) -> list[str]:
    done = subprocess.run(("xdotool", *command), env=desktop.env, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.split()


def _take_screen(goal: Path, desktop: Desktop, height: int = 768) -> None:
    """What is on the upper part of the screen once it no longer changes, without what is empty around it."""
    seen: list[bytes] = []

    def still() -> bool:
        command = ("import", "-window", "root", "png:-")
        seen.append(subprocess.run(command, env=desktop.env, stdout=subprocess.PIPE, check=True).stdout)
        time.sleep(0.2)
        return len(seen) > 2 and seen[-1] == seen[-2] == seen[-3]

    until(still, "a still screen")
    image = Image.open(io.BytesIO(seen[-1])).convert("RGB").crop((0, 0, 1024, height))
    left, top, right, bottom = image.getbbox() or (0, 0, *image.size)
    image = image.crop((max(0, left - 12), max(0, top - 12), right + 12, bottom + 12))
    for corner in ((0, 0), (image.width - 1, 0), (0, image.height - 1), (image.width - 1, image.height - 1)):
        if image.getpixel(corner) == (0, 0, 0):
            ImageDraw.floodfill(image, corner, ImageColor.getrgb(GROUND))
    _save(image, goal)


# -- the page ------------------------------------------------------------------------------------------------------------


def take_pages(folder: Path, ada: Ada, link: str, pages: dict[str, tuple[tuple[str, str, int], ...]]) -> None:
    """Each page in each of its looks."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1000, "height": 720})
        page.goto(link)
        page.wait_for_url("**/")
        origin = "/".join(page.url.split("/")[:3])
        for name, looks in pages.items():
            page.goto(origin + PAGES[name].format(moved=ada.moved))
            _ready.get(name, lambda page: None)(page)
            for look, scheme, width in looks:
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                page.set_viewport_size({"width": width, "height": 720})
                taken = page.screenshot(full_page=True)
                image = Image.open(io.BytesIO(taken)).convert("RGB")
                _save(image.crop((0, 0, image.width, min(image.height, TALLEST))), folder / f"page-{name}-{look}.png")
        browser.close()


def _mistaken(page: Page) -> None:
    """The editor with a mistake and its finding, and what the text before it would do."""
    text = page.locator("#text").input_value()
    page.get_by_role("button", name="Simulate").click()
    page.locator(".tree .comes").first.wait_for()
    page.locator("#text").fill(text.replace("move file", "mvoe file", 1))
    page.locator("#findings .place").first.click()
    page.evaluate("new Promise(requestAnimationFrame)")


_ready: dict[str, Callable[[Page], None]] = {"edit": _mistaken}


def _save(image: Image.Image, goal: Path) -> None:
    image.quantize(COLOURS_KEPT, kmeans=1, dither=Image.Dither.NONE).save(goal, optimize=True)


if __name__ == "__main__":
    everything = dict.fromkeys(PAGES, (LIGHT, DARK, NARROW))
    main(Path(sys.argv[1]) if sys.argv[1:] else DOCS, everything if sys.argv[1:] else SHOWN)
