"""The account's pages in a real browser: an app's codes, another password, passkeys, recovery codes, and secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.agent.house import CHEAP
from tests.console.axe import problems
from tests.console.conftest import Served

pytestmark = pytest.mark.xdist_group("console")
PASSWORD, ANOTHER = "seven blue herons by the lake", "nine grey geese above the weir"
SENDER = """coworker "Sender"
may read "~/In/*"
may send contents of "~/In/*" to "https://api.example.com"
secret token for "https://api.example.com" shown as "The bookkeeper's key"

when file arrives in "~/In"
  send file to "https://api.example.com/in" using token
end
"""


def code(address: str, later: int = 0) -> str:
    """What an app shows for the address of a QR code (RFC 6238), so many steps later than now."""
    text = parse_qs(urlsplit(address).query)["secret"][0]
    key = base64.b32decode(text + "=" * (-len(text) % 8))
    mac = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30 + later), hashlib.sha1)
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at : at + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


@pytest.fixture
def account(served: Served, page: Page) -> Page:
    """The account's page, of one that is open."""
    served.service.agent.account._cost = CHEAP
    served.service.agent.account.create("Ada", PASSWORD)
    page.goto(f"{served.origin}/unlock?back=/account")
    unlock(page, PASSWORD)
    status(page, "Open.")
    return page


def status(page: Page, text: str) -> None:
    expect(page.locator("#status")).to_contain_text(text)


def unlock(page: Page, password: str, code: str = "") -> None:
    page.get_by_label("Password of Ada").fill(password)
    if code:
        page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Unlock", exact=True).click()


def test_an_account_is_made_with_a_password_that_is_one(served: Served, page: Page) -> None:
    served.service.agent.account._cost = CHEAP
    page.goto(f"{served.origin}/account")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Again").fill("another one than before")
    page.get_by_role("button", name="Make an account").click()
    expect(page.get_by_role("alert")).to_contain_text("two different passwords")
    page.get_by_label("Password").fill("password password")
    page.get_by_label("Again").fill("password password")
    page.get_by_role("button", name="Make an account").click()
    expect(page.get_by_role("alert")).to_contain_text("easily guessed")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Again").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    expect(page.locator(".codes li")).to_have_count(10)


def test_codes_of_an_app_are_confirmed_asked_for_and_let_go(account: Page, served: Served) -> None:
    page = account
    page.get_by_role("button", name="Set it up").click()
    address = page.locator("code.long").inner_text()
    assert page.locator(".qr svg path").count()
    wrong = "000000" if code(address) != "000000" else "111111"
    page.get_by_label("The code that it shows now").fill(wrong)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    assert page.locator("code.long").inner_text() == address  # nobody has to scan it again
    assert problems(page) == []
    page.get_by_label("The code that it shows now").fill(code(address))
    page.get_by_role("button", name="Confirm").click()
    status(page, "From now on the account asks for a code")
    page.get_by_role("button", name="Lock").click()
    page.goto(f"{served.origin}/unlock")
    assert problems(page) == []
    unlock(page, PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("not right")
    unlock(page, PASSWORD, code(address, later=1))
    status(page, "Open.")
    page.goto(f"{served.origin}/account")
    page.get_by_role("button", name="Do without").click()
    status(page, "not asked for any more")
    said = [entry.body["what"] for entry in served.service.agent.log_store.select("e.kind = 'key used' ORDER BY e.seq")]
    assert [what for what in said if "codes of an app" in what] == [
        "codes of an app are its second factor from now on",
        "codes of an app are not its second factor any more",
    ]


def test_another_password_ends_every_session(account: Page) -> None:
    page = account
    page.get_by_label("New password").fill("short one")
    page.get_by_label("Again").fill("short one")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("alert")).to_contain_text("at least 15 characters")
    page.get_by_label("New password").fill(ANOTHER)
    page.get_by_label("Again").fill(ANOTHER)
    page.get_by_role("button", name="Change it").click()
    status(page, "The password is changed")
    unlock(page, PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("not right")
    unlock(page, ANOTHER)
    status(page, "Open.")


def codes_shown(page: Page) -> list[str]:
    """The ten recovery codes, once the page that shows them is there."""
    codes = page.locator(".codes code")
    expect(codes).to_have_count(10)
    return codes.all_inner_texts()


def test_a_recovery_code_opens_once_and_new_ones_end_the_old(account: Page, served: Served) -> None:
    page = account
    page.get_by_role("button", name="New recovery codes").click()
    old = codes_shown(page)
    page.get_by_role("button", name="Set it up").click()
    address = page.locator("code.long").inner_text()
    page.get_by_label("The code that it shows now").fill(code(address))
    page.get_by_role("button", name="Confirm").click()
    for given, opens in ((old[0], True), (old[0], False), (old[1], True)):
        page.goto(f"{served.origin}/account")
        if page.get_by_role("button", name="Lock").count():
            page.get_by_role("button", name="Lock").click()
        page.goto(f"{served.origin}/unlock")
        unlock(page, PASSWORD, given)
        if opens:
            status(page, "Open.")
        else:
            expect(page.get_by_role("alert")).to_contain_text("not right")
    page.goto(f"{served.origin}/account")
    expect(page.get_by_role("main")).to_contain_text("Recovery codes left: 8")
    page.get_by_role("button", name="New recovery codes").click()
    new = codes_shown(page)
    assert not set(new) & set(old)


def test_a_passkey_is_removed_and_then_the_account(account: Page, served: Served, context: BrowserContext) -> None:
    page = account
    authenticator = context.new_cdp_session(page)
    authenticator.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True}
    authenticator.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.get_by_label("A name for it").fill("A key <b>of mine</b>")
    page.get_by_role("button", name="Add a passkey").click()
    status(page, "second factor from now on")
    assert problems(page) == []
    page.get_by_role("button", name="Remove A key <b>of mine</b>").click()
    status(page, "The passkey is removed")
    expect(page.get_by_text("None yet.")).to_be_visible()
    page.get_by_role("button", name="Remove the account").click()
    status(page, "The account is removed")
    page.goto(f"{served.origin}/log")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Unlock")


def test_a_secret_is_set_forgotten_and_never_shown(served: Served, page: Page) -> None:
    served.house.coworker(SENDER, "sender")
    page.goto(f"{served.origin}/settings")
    page.get_by_label(re.compile("The bookkeeper.s key")).fill("s3cret-value")
    page.get_by_role("button", name="Set", exact=True).click()
    status(page, "Nobody is shown it")
    assert problems(page) == []
    assert "s3cret-value" not in page.content()
    assert served.service.agent.secrets.get("https://api.example.com", "token") == "s3cret-value"
    page.goto(f"{served.origin}/network")
    expect(page.get_by_role("main")).to_contain_text("has a value")
    page.goto(f"{served.origin}/settings")
    page.get_by_role("button", name=re.compile("Forget The bookkeeper")).click()
    expect(page.locator("#status")).to_be_visible()
    assert served.service.agent.secrets.get("https://api.example.com", "token") is None
    found = served.service.agent.log_store.select("e.kind = 'secret' ORDER BY e.seq")
    assert [entry.body["what"] for entry in found] == ["given a value", "removed"]
