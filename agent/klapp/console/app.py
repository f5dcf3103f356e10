"""Which page answers which address. Pages work in threads of the server, for the agent's answers take their time."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from klapp.audit.events import acting
from klapp.console import accounts, checkup, coworkers, editor, ledger, newcomer, past, told
from klapp.console.asking import Page, answered, templates
from klapp.console.doors import Doors
from klapp.console.guard import Application, Guard
from klapp.service import Service

PAGES: dict[str, tuple[Page, str]] = {
    "/": (coworkers.everyone, "GET"),
    "/coworker": (coworkers.one, "GET"),
    "/coworker/do": (coworkers.do, "POST"),
    "/approve": (coworkers.approve, "GET POST"),
    "/simulate": (coworkers.simulate, "GET"),
    "/edit": (editor.edit, "GET POST"),
    "/edit/check": (editor.check, "POST"),
    "/new": (newcomer.new, "GET POST"),
    "/bring": (newcomer.bring, "GET POST"),
    "/activity": (past.activity, "GET"),
    "/run": (past.run, "GET"),
    "/file": (past.file, "GET"),
    "/undo": (past.undo, "POST"),
    "/log": (ledger.log, "GET"),
    "/log/verify": (ledger.verify, "POST"),
    "/log/export": (ledger.export, "POST"),
    "/version": (told.version, "GET"),
    "/notices": (told.notices, "GET POST"),
    "/network": (ledger.network, "GET"),
    "/settings": (checkup.settings, "GET POST"),
    "/checkup": (checkup.checkup, "GET"),
    "/account": (accounts.account, "GET POST"),
    "/unlock": (accounts.unlock, "GET POST"),
    "/passkey": (accounts.passkey, "POST"),
}
STATIC = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}


def is_page(address: str) -> bool:
    """Whether this is the address of one of our pages that can be looked at, as a link may lead to."""
    path = address.partition("?")[0]
    return address.isascii() and address.isprintable() and path in PAGES and "GET" in PAGES[path][1].split()


def application(service: Service, doors: Doors, port: int, entered: Callable[[], None]) -> Application:
    """The whole page at ``localhost:port``, its guard before it; ``entered`` is told when a link was followed."""
    guard: Guard

    def enter(request: Request) -> Response:
        """The link's end: the cookie, and on from a page of our own, as a strict cookie is not sent from elsewhere."""
        entrance = None if request.method == "HEAD" else doors.enter(request.path_params["link"])
        if entrance is None:
            return _plain("closed.html", 403)
        entered()
        token, path = entrance
        response = _plain("entered.html", 200, to=path)
        response.set_cookie(guard.cookie, token, httponly=True, samesite="strict", path="/")
        return response

    def leave(request: Request) -> Response:
        if request.scope["visit"].session:
            service.answer("account.logout", {"session": request.scope["visit"].session})
        doors.leave(request.scope["token"])
        response = _plain("left.html", 200)
        response.delete_cookie(guard.cookie, path="/")
        return response

    routes = [
        Route("/enter/{link}", enter),
        Route("/leave", leave, methods=["POST"]),
        Route("/static/{name}", _static),
        *(Route(path, _served(service, page), methods=methods.split()) for path, (page, methods) in PAGES.items()),
    ]
    guard = Guard(Starlette(routes=routes), doors, port)
    return guard


def _served(service: Service, page: Page) -> Callable[[Request], Response]:
    def serve(request: Request) -> Response:
        with acting("page"):
            return answered(service, request, page)

    return serve


def _plain(template: str, status: int, **values: str) -> Response:
    return Response(templates().get_template(template).render(values), status, media_type="text/html")


def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in STATIC:
        return Response("There is nothing here.\n", 404, media_type="text/plain")
    return Response(files("klapp.console").joinpath("static", name).read_bytes(), media_type=STATIC[name])
