"""The page in a real browser: every page fits WCAG by axe-core, and does what its buttons say."""

from __future__ import annotations

import re
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from klapp.console.app import PAGES
from tests.agent.test_updates import KEY, RELEASE, VERIFIER, sign
from tests.console.axe import problems
from tests.console.conftest import MOVER, Served

pytestmark = pytest.mark.xdist_group("console")
PASSWORD = "seven blue herons by the lake"


def until(look: object) -> None:
    end = time.monotonic() + 15
    while not look():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_coworker_is_approved_runs_is_explained_and_undone(served: Served, page: Page) -> None:
    house = served.house
    house.file("In/<img src=x onerror=alert(1)>.txt", b"x")
    page.get_by_role("link", name="Look at what it asks for").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("May “Mover” do this?")
    expect(page.get_by_role("heading", name="It could do with less")).to_be_visible()
    expect(page.locator(".tree")).to_contain_text("<img src=x onerror=alert(1)>.txt")
    assert problems(page) == []
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator("#status")).to_contain_text("may work now")
    page.get_by_role("button", name="Run now").click()
    until(lambda: (house.person / "Out").is_dir() and any((house.person / "Out").iterdir()))
    until(lambda: list(served.service.agent.log()))
    page.get_by_role("link", name="Activity").click()
    expect(page.locator("rect.done").first).to_be_attached()
    assert problems(page) == []
    page.get_by_role("link", name="Run 1").click()
    expect(page.get_by_role("region", name="Steps")).to_contain_text("was done")
    expect(page.get_by_role("heading", name="Taking it back")).to_be_visible()
    assert problems(page) == []
    page.locator("a[href^='/file?']").click()
    expect(page.locator("ol.runs > li")).to_have_count(1)
    expect(page.get_by_role("heading", level=2).first).to_contain_text("→")
    assert problems(page) == []
    page.go_back()
    page.get_by_role("button", name="Undo this run").click()
    expect(page.locator("#status")).to_contain_text("as it was before it")
    assert (house.person / "In" / "<img src=x onerror=alert(1)>.txt").read_bytes() == b"x"
    assert page.complaints == []  # type: ignore[attr-defined]


def test_what_has_changed_since_it_was_shown_is_not_approved(served: Served, page: Page) -> None:
    page.get_by_role("link", name="Look at what it asks for").click()
    served.house.coworker(MOVER.replace('"~/Out/**"', '"~/**"'), "mover")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("has changed meanwhile")
    assert served.service.agent.overview()[0]["state"] == "waiting"


def test_what_the_system_does_not_enforce_is_said_before_it_is_approved(
    served: Served, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.get_by_role("link", name="Look at what it asks for").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("May “Mover” do this?")
    assert "does not enforce" not in page.content()
    monkeypatch.setattr("klapp.coworkers.review.less_enforced", lambda: ("Only <b>half</b> of it.",))
    page.reload()
    expect(page.get_by_role("region", name="What this system does not enforce")).to_contain_text(
        "Only <b>half</b> of it."
    )


def test_the_narrower_lines_are_written_and_approved(served: Served, page: Page) -> None:
    page.get_by_role("link", name="Look at what it asks for").click()
    page.get_by_role("button", name="Write this into it, and approve").click()
    expect(page.locator("#status")).to_contain_text("may work now")
    text = (served.house.home.coworkers / "mover.klr").read_text()
    assert "~/Out/**" not in text
    assert served.service.agent.overview()[0]["state"] == "ready"


def test_pause_and_resume(served: Served, page: Page) -> None:
    served.service.agent.approve("mover")
    page.goto(f"{served.origin}/coworker?name=Mover")
    page.get_by_role("button", name="Pause for an hour").click()
    expect(page.locator(".state")).to_have_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".state")).to_have_text("at work")


def test_the_editor_finds_offers_simulates_formats_and_saves(served: Served, page: Page) -> None:
    path: Path = served.house.home.coworkers / "mover.klr"
    served.house.file("In/a.txt", b"1")
    page.goto(f"{served.origin}/edit?name=mover")
    expect(page.locator("#count")).to_have_text("None: it is fine.")
    assert problems(page) == []
    text = page.locator("#text")
    text.fill(MOVER.replace("move file", "mvoe file"))
    expect(page.locator("#findings li").first).to_contain_text("Line 9")
    assert problems(page) == []
    page.get_by_role("button", name="Line 9").first.click()
    text.fill(MOVER.replace("  move", "      move"))
    page.get_by_role("button", name="Put into the one style").click()
    expect(text).to_have_value(MOVER)
    expect(page.locator("#lines span").first).to_be_attached()  # the script is there
    text.fill(MOVER.replace('"~/Out/"', '"~/Out/new/"'))
    text.press("Control+End")
    text.press("Control+Space")
    expect(page.locator("#offers button").first).to_be_visible()
    page.get_by_role("button", name="Simulate").click()
    expect(page.locator(".tree .comes").last).to_contain_text("a.txt")
    assert problems(page) == []
    assert path.read_text() == MOVER
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#status")).to_contain_text("Saved")
    assert "~/Out/new/" in path.read_text()
    assert path.with_name("mover.klr.before").read_text() == MOVER
    path.write_text(MOVER + "# of another editor\n")
    text.fill(MOVER + "# mine\n")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("changed by somebody else")
    expect(text).to_have_value(MOVER + "# mine\n")
    assert path.read_text() == MOVER + "# of another editor\n"
    assert page.complaints == []  # type: ignore[attr-defined]


def test_a_file_from_elsewhere_is_read_before_it_is_among_the_coworkers(served: Served, page: Page) -> None:
    file = served.house.file("Mail/evil <b>.klr", MOVER.replace("Mover", "Other").encode())
    page.goto(f"{served.origin}/bring?{urlencode({'file': str(file)})}")
    assert problems(page) == []
    expect(page.locator("code").first).to_have_text(re.compile("evil <b>"))
    shown = page.get_by_label("Its text").input_value()
    file.write_text("something else")
    page.get_by_role("button", name="Put it among my coworkers").click()
    expect(page.locator("#status")).to_contain_text("does nothing until you allow it")
    assert (served.house.home.coworkers / "other.klr").read_text() == shown
    file.write_text(MOVER)
    page.goto(f"{served.origin}/bring?{urlencode({'file': str(file)})}")
    page.get_by_role("button", name="Put it among my coworkers").click()
    expect(page.get_by_role("alert")).to_contain_text("already")
    assert page.complaints == []  # type: ignore[attr-defined]
    page.goto(f"{served.origin}/bring?file=/etc/passwd")
    expect(page.locator("main")).to_contain_text("This is no coworker")


def test_the_interview_makes_a_coworker(served: Served, page: Page) -> None:
    page.get_by_role("link", name="New coworker").click()
    assert problems(page) == []
    page.get_by_label("What is it called?").fill("Letters")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="When should it act?")).to_be_visible()
    assert problems(page) == []
    for _ in range(30):
        if page.get_by_role("heading", name="This is your coworker").is_visible():
            break
        if page.get_by_role("heading", name="Where to?").is_visible():
            page.get_by_role("textbox").fill("/")
            page.get_by_role("button", name="Go on").click()
            expect(page.get_by_role("alert")).to_be_visible()
            page.get_by_role("textbox").fill("~/Documents/Letters")
        before = page.get_by_role("heading", level=1).inner_text()
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text(before)
    assert problems(page) == []
    page.get_by_role("button", name="Write it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Letters")
    assert 'coworker "Letters"' in (served.house.home.coworkers / "letters.klr").read_text()


def test_log_network_settings_and_check_up(served: Served, page: Page) -> None:
    served.service.agent.approve("mover")
    for path in (
        "/log",
        "/notices",
        "/network",
        "/settings",
        "/checkup",
        "/account",
        "/",
        "/simulate?name=mover",
        "/nothing",
    ):
        page.goto(served.origin + path)
        if path != "/nothing":
            assert problems(page) == [], path
    page.goto(f"{served.origin}/log?text=Mover")
    expect(page.locator("tbody tr").first).to_contain_text("Mover")
    page.get_by_role("button", name="Verify the log").click()
    expect(page.locator(".good")).to_contain_text("as they were written")
    page.goto(f"{served.origin}/log")
    page.get_by_label("Export as").select_option("csv")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert b"Mover" in download.value.path().read_bytes()
    page.goto(f"{served.origin}/settings")
    page.get_by_label("Days", exact=True).fill("400")
    page.get_by_role("button", name="Keep it so").click()
    expect(page.get_by_label("Days", exact=True)).to_have_value("400")
    page.get_by_label("Days for copies").fill("30")
    page.get_by_role("button", name="Keep copies so").click()
    expect(page.locator("#status")).to_contain_text("for 30 days")
    expect(page.get_by_label("Days for copies")).to_have_value("30")


def test_klapp_starts_with_a_login_as_its_buttons_say(
    served: Served, page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    entry = tmp_path / "config/autostart/klapp.desktop"
    login = page.get_by_role("region", name="When you log in")
    page.goto(f"{served.origin}/settings")
    expect(login).to_contain_text("klapp does not start by itself")
    login.get_by_role("button", name="Start klapp when I log in").click()
    expect(page.locator("#status")).to_contain_text("klapp starts when you log in")
    assert re.search("^Exec=.+", entry.read_text(), re.MULTILINE)
    assert problems(page) == []
    login.get_by_role("button", name="Do not start klapp by itself").click()
    expect(page.locator("#status")).to_contain_text("does not start by itself any more")
    assert not entry.exists()
    entry.write_text("[Desktop Entry]\nName=mine\n")
    page.reload()
    expect(login).to_contain_text("klapp leaves it alone")
    expect(login.get_by_role("button")).to_have_count(0)
    assert page.complaints == []  # type: ignore[attr-defined]


def test_a_newer_klapp_is_asked_for_and_shown_with_what_to_do(served: Served, page: Page, tmp_path: Path) -> None:
    updates = page.get_by_role("region", name="Newer versions")
    page.goto(f"{served.origin}/settings")
    expect(updates).to_contain_text("It asks nobody for a newer one until you name whom")
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror/klapp.release").write_text(sign(RELEASE, VERIFIER, KEY))
    for name, value in (("place", str(tmp_path / "mirror")), ("key", str(VERIFIER))):
        served.service.answer("updates", {"what": "change", "name": name, "value": value})
    page.reload()
    assert problems(page) == []
    updates.get_by_role("button", name="Check for updates").click()
    expect(page.locator("#status")).to_contain_text("klapp 9.1.0 is there")
    new = page.get_by_role("region", name="klapp 9.1.0 is there")
    expect(new).to_contain_text("It closes a hole")
    expect(new.get_by_role("listitem")).to_have_count(2)
    assert problems(page) == []


def test_what_changes_is_shown_without_loading_the_page_anew(served: Served, page: Page) -> None:
    page.evaluate("window.mine = 1")
    served.service.answer("approve", {"name": "mover"})
    expect(page.locator(".state")).to_have_text("at work")
    served.house.file("In/a.txt", b"1")
    expect(page.get_by_role("link", name=re.compile("^20"))).to_be_visible()
    assert page.evaluate("window.mine") == 1
    assert problems(page) == []
    page.get_by_role("button", name="Pause all").focus()
    page.get_by_role("link", name="Mover", exact=True).focus()
    served.service.answer("pause", {"name": "Mover"})
    page.wait_for_timeout(100)
    expect(page.get_by_role("link", name="Mover", exact=True)).to_be_focused()
    page.get_by_role("link", name="New coworker").focus()
    expect(page.locator(".state")).to_have_text("paused")
    page.goto(f"{served.origin}/activity")
    served.service.answer("resume", {"name": "Mover"})
    served.house.file("In/b.txt", b"1")
    expect(page.locator(".runs")).to_contain_text("b.txt")
    assert page.complaints == []  # type: ignore[attr-defined]


def test_notices_are_listed_lead_on_and_their_settings_are_kept(served: Served, page: Page) -> None:
    page.get_by_role("link", name="Notices").click()
    expect(page.locator(".kind.approval")).to_have_text("asks you")
    page.get_by_label("Quiet hours").fill("22:00-7:00")
    page.get_by_label("Tell me what coworkers did").uncheck()
    page.get_by_role("button", name="Tell me so").click()
    expect(page.get_by_label("Quiet hours")).to_have_value("22:00-07:00")
    expect(page.get_by_label("Tell me what coworkers did")).not_to_be_checked()
    assert problems(page) == []
    page.get_by_label("Quiet hours").fill("late")
    page.get_by_role("button", name="Tell me so").click()
    expect(page.get_by_role("alert")).to_contain_text("such as 22:00-07:00")
    page.goto(f"{served.origin}/notices?unusual=yes")
    expect(page.locator("#main")).to_contain_text("Nothing was unusual")
    served.service.agent.watch.log_is_wrong("Entry 3 is another one.")
    page.goto(f"{served.origin}/notices")
    expect(page.get_by_role("region", name="Not as usual")).to_contain_text("Entry 3 is another one.")
    assert problems(page) == []
    page.get_by_role("button", name="I have seen it").click()
    expect(page.get_by_role("region", name="Not as usual")).to_have_count(0)
    page.goto(f"{served.origin}/notices")
    page.get_by_role("link", name="Look at what Mover told").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("May “Mover” do this?")


def test_the_account_locks_and_a_passkey_opens_it(served: Served, page: Page, context: BrowserContext) -> None:
    authenticator = context.new_cdp_session(page)
    authenticator.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True}
    authenticator.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.get_by_role("link", name="Account").click()
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Again").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    expect(page.locator(".codes li")).to_have_count(10)
    assert problems(page) == []
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("#status")).to_contain_text("second factor from now on")
    page.get_by_role("button", name="Set it up").click()
    expect(page.locator(".qr svg")).to_be_visible()
    assert problems(page) == []
    page.get_by_role("button", name="Lock").click()
    expect(page.locator("#status")).to_contain_text("Locked")
    assert problems(page) == []
    for path in ("/log", "/activity", "/edit?name=mover", "/approve?name=mover", "/settings", "/network", "/new"):
        response = page.goto(served.origin + path)
        assert response is not None
        assert response.status == 403, path
        assert page.get_by_role("heading", name="Unlock").is_visible()
    assert problems(page) == []
    page.get_by_label("Password of Ada").fill(PASSWORD)
    page.get_by_role("button", name="Unlock", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    page.get_by_label("Password of Ada").fill(PASSWORD)
    page.get_by_role("button", name="Unlock with your passkey").click()
    expect(page.locator("#status")).to_contain_text("Open.")
    assert any("password and passkey" in str(entry.body) for entry in served.service.agent.log_store.select("1", ()))


def test_it_can_be_read_and_used_without_scripts(served: Served, page: Page) -> None:
    context = page.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    try:
        plain = context.new_page()
        plain.goto(served.link())
        plain.wait_for_url("**/")
        plain.get_by_role("link", name="Mover", exact=True).click()
        plain.get_by_role("link", name="Edit its text").click()
        plain.locator("#text").fill(MOVER.replace("move file", "mvoe file"))
        plain.get_by_role("button", name="Check").click()
        expect(plain.locator("#findings li").first).to_contain_text("Line 9")
    finally:
        context.close()


def test_a_coworker_is_approved_with_the_keyboard_alone(served: Served, page: Page) -> None:
    def go(to: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent").startswith(to):
                return
        raise AssertionError(f"no way to {to!r}")

    go("Look at what it asks for")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("do this?")
    go("Approve")
    page.keyboard.press("Space")
    expect(page.locator("#status")).to_contain_text("may work now")


def test_nothing_is_wider_than_a_narrow_window(served: Served, page: Page) -> None:
    """WCAG 2.2, 1.4.10: at 320 pixels nothing has to be scrolled sideways but what is a region of its own."""
    served.house.file(f"In/{'a-name-without-a-blank' * 8}.pdf", b"1")
    served.house.coworker(MOVER.replace("Mover", "Other"), "other")
    agent = served.service.agent
    agent.approve("mover")
    list(agent.run("mover"))
    page.set_viewport_size({"width": 320, "height": 640})
    query = {"/coworker": "?name=mover", "/edit": "?name=mover", "/approve": "?name=other", "/run": "?run=1"}
    for path, (_, methods) in PAGES.items():
        if "GET" in methods and path != "/version":
            page.goto(served.origin + path + query.get(path, ""))
            assert page.evaluate("document.scrollingElement.scrollWidth") <= 320, path


def test_the_keyboard_alone_reaches_the_content(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="New coworker")).to_be_focused()
