"""The pages of the account: made, opened, its password and second factors, and what is shown once."""

from __future__ import annotations

import getpass
from typing import Any

from starlette.responses import Response

from klapp.account.errors import AccountError
from klapp.console.asking import Asking

OF_APPS, LONGEST_ADDRESS = "otpauth://totp/klapp:", 1000


def account(asking: Asking) -> Response:
    """The account as it is, or one change of it."""
    if not asking.posted:
        return _page(asking)
    what = asking.field("what")
    try:
        return _changed(asking, what)
    except AccountError as error:
        if type(error) is not AccountError:
            raise
        address = asking.field("address")
        if what == "totp.confirm" and address.startswith(OF_APPS) and len(address) < LONGEST_ADDRESS:
            return _page(asking, trouble=str(error), qr=_picture(address), address=address)  # to be tried once more
        return _page(asking, trouble=str(error))


def _page(asking: Asking, **values: Any) -> Response:
    return asking.page(
        "account.html",
        **(
            {"trouble": "", "codes": [], "qr": "", "address": "", "user": asking.field("name") or getpass.getuser()}
            | values
        ),
    )


def _new_password(asking: Asking) -> str:
    if asking.field("password") != asking.field("again"):
        raise AccountError("These were two different passwords. Nothing was changed; try again.")
    return asking.field("password")


def _changed(asking: Asking, what: str) -> Response:
    if what == "create":
        codes = asking.ask("account.create", name=asking.field("name"), password=_new_password(asking))
        asking.visit.session = asking.ask("account.login", password=asking.field("password"))
        return _page(asking, codes=codes)
    if what == "password":
        asking.ask("account.password", password=_new_password(asking))
        return asking.go("/unlock", "The password is changed. Log in with it.")
    if what == "totp":
        address = asking.ask("account.totp")
        return _page(asking, qr=_picture(address), address=address)
    if what == "totp.confirm":
        asking.ask("account.totp.confirm", code=asking.field("code"))
        return asking.go("/account", "From now on the account asks for a code, too.")
    if what == "codes":
        return _page(asking, codes=asking.ask("account.codes"))
    if what == "lock":
        asking.ask("account.lock", why="asked")
        asking.visit.session = ""
        return asking.go("/account", "Locked, here and everywhere.")
    done = {
        "totp.remove": ("account.totp.remove", "Codes of an app are not asked for any more."),
        "remove": ("account.remove", "The account is removed: whoever runs klapp may approve and read the log."),
    }
    if what == "passkey.remove":
        asking.ask("account.passkey.remove", index=int(asking.field("index", "-1")))
        return asking.go("/account", "The passkey is removed.")
    if what not in done:
        raise ValueError("This page does not know how to do that.")
    method, told = done[what]
    asking.ask(method)
    return asking.go("/account", told)


def _picture(address: str) -> str:
    """The QR code as SVG without a style of its own."""
    import segno

    return segno.make(address, error="m").svg_inline(scale=5, dark="#000", light="#fff", svgclass=None, lineclass=None)


def unlock(asking: Asking) -> Response:
    """Log in."""
    back = asking.field("back", "/")
    if not back.startswith("/") or back.startswith("//") or "\\" in back:
        back = "/"
    if not asking.posted:
        return asking.page("unlock.html", why="", back=back)
    try:
        asking.visit.session = asking.ask(
            "account.login",
            password=asking.field("password"),
            code=asking.field("code"),
            passkey=asking.field("passkey"),
            origin=asking.request.headers["origin"],
        )
    except AccountError as error:
        return asking.page("unlock.html", 403, why=str(error), back=back)
    return asking.go(back, "Open. It locks itself when you do nothing for a while.")


def passkey(asking: Asking) -> Response:
    """For the page's script: what the browser is asked for, and what it answered."""
    match asking.field("what"):
        case "options":
            return asking.data({"options": asking.ask("account.passkey.options")})
        case "begin":
            return asking.data({"options": asking.ask("account.passkey")})
        case "confirm":
            asking.ask(
                "account.passkey.confirm",
                answer=asking.field("answer"),
                origin=asking.request.headers["origin"],
                name=asking.field("name"),
            )
            asking.visit.told.append("The passkey is a second factor from now on.")
            return asking.data({})
        case _:
            raise ValueError("This page does not know how to do that.")
