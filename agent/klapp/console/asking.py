"""One request as the pages see it: what was sent, who asks, and the agent that answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from klapp.account.errors import AccountError, NeedsLogin
from klapp.addresses import address
from klapp.console.doors import LIVE, Visit
from klapp.counts import counted
from klapp.files.shown import at_home, shown
from klapp.service import Service
from klapp.vault.database import told
from klr.runtime import show_size


@dataclass(frozen=True)
class Asking:
    """What a page is made from. ``version`` is the service's before anything was looked at: the page shows that, or newer."""

    service: Service
    request: Request
    visit: Visit
    version: str

    @property
    def form(self) -> dict[str, str]:
        """What was posted."""
        found: dict[str, str] = self.request.scope["form"]
        return found

    @property
    def posted(self) -> bool:
        """Whether something is to be done, rather than shown."""
        return self.request.method == "POST"

    def field(self, name: str, default: str = "") -> str:
        """A field of the form, or else of the address."""
        return self.form.get(name, self.request.query_params.get(name, default))

    def number(self, name: str) -> int | None:
        """A field that is a number from 1; None for every other."""
        text = self.field(name)
        return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 16 and int(text) else None

    @property
    def live(self) -> bool:
        """Whether it is no person who asks, but the page's script that keeps it up to date."""
        return LIVE in self.request.headers

    def ask(self, method: str, **arguments: Any) -> Any:
        """What the agent answers to who has logged in here."""
        if self.visit.session:
            arguments["session"] = self.visit.session
        if self.live:
            arguments["by_person"] = False
        return self.service.answer(method, arguments)

    def demand(self) -> None:
        """Go on only where the account, if there is one, is open; raises NeedsLogin."""
        self.service.agent.account.demand(self.visit.session, by_person=not self.live)

    @property
    def account(self) -> dict[str, Any]:
        """The account's status for this visit."""
        found: dict[str, Any] = self.ask("account.status")
        return found

    # -- answers ------------------------------------------------------------------------------------------------------

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page; what was to be told once is told on it."""
        told: list[str] = []
        if not self.live:
            told, self.visit.told = self.visit.told, []
        account = self.account
        html = (
            templates()
            .get_template(template)
            .render(
                values
                | {
                    "csrf": self.visit.csrf,
                    "told": told,
                    "account": account,
                    "path": self.request.url.path,
                    "version": self.version,
                    "person": self.service.agent.person,
                }
            )
        )
        return HTMLResponse(html, status)

    def go(self, path: str, told: str = "", **query: str) -> Response:
        """On to another page, which tells what was done."""
        if told:
            self.visit.told.append(told)
        return RedirectResponse(address(path, **query), 303)

    def data(self, found: Any) -> Response:
        """Data for the page's own script."""
        return JSONResponse(found)


Page = Callable[[Asking], Response]
TROUBLES = (AccountError, ValueError, OSError)
"""What has a sentence for a person, beside klapp's own exceptions."""


def sentence(error: Exception) -> str:
    """What a person is told of an error; of one that nobody foresaw, no more than that there was one."""
    if type(error).__module__.startswith(("klapp.", "klr.")) or type(error) is ValueError:
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"That did not work: {error.strerror}."
    if (of_database := told(error)) is not None:
        return of_database
    return "klapp has made a mistake of its own. Nothing was lost; please report it."


def answered(service: Service, request: Request, page: Page) -> Response:
    """The response to one request; an error is a page with a sentence."""
    asking = Asking(service, request, request.scope["visit"], service.version)
    try:
        return page(asking)
    except NeedsLogin as error:
        if asking.field("as") == "data":
            return JSONResponse({"error": str(error)}, 403)
        back = request.url.path if not asking.posted else "/"
        if request.url.query and not asking.posted:
            back += f"?{request.url.query}"
        return asking.page("unlock.html", 403, why=str(error), back=back)
    except Exception as error:
        if asking.field("as") == "data":
            return JSONResponse({"error": sentence(error)}, 400)
        return asking.page("trouble.html", 400, why=sentence(error))


@cache
def templates() -> Environment:
    """The page's templates; everything that is put into them is escaped."""
    found = Environment(
        loader=PackageLoader("klapp.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["shown"] = shown
    found.filters["at_home"] = _at_home
    found.filters["counted"] = counted
    found.filters["size"] = show_size
    found.filters["moment"] = lambda text: str(text)[:16].replace("T", " ")
    found.filters["query"] = lambda values: urlencode(values, errors="surrogatepass")
    return found


@pass_context
def _at_home(context: Context, text: object) -> str:
    """A text with the person's home in it as "~"."""
    return at_home(str(text), context["person"])
