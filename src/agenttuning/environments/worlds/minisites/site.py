"""What the five sites share: pages from templates, forms by POST, log-in by cookie."""

from __future__ import annotations

import hmac
import secrets
from abc import ABC, abstractmethod
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, ClassVar, Final, Literal, get_args
from urllib.parse import parse_qsl, urlencode

from agenttuning.environments.worlds.minisites.addresses import slug
from agenttuning.environments.worlds.minisites.rows import Account, Session, money
from agenttuning.errors import MissingExtraError

try:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.responses import HTMLResponse, RedirectResponse, Response
    from starlette.routing import Route
except ModuleNotFoundError as error:
    raise MissingExtraError(
        f"the mini sites need the package {error.name!r}; run `pip install 'agenttuning[web]'`"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.requests import Request

    from agenttuning.environments.worlds.minisites.database import Database
    from agenttuning.environments.worlds.minisites.scene import Scene

SiteName = Literal["shopping", "shopping_admin", "reddit", "gitlab", "wikipedia"]
"""The names that WebArena's task files use."""
SITE_NAMES: Final[tuple[SiteName, ...]] = get_args(SiteName)
_PACKAGE: Final = "agenttuning.environments.worlds.minisites"
_MAX_BODY: Final = 65_536
_PAGE: Final = 10


class Site(ABC):
    """One site on one episode's database."""

    name: ClassVar[SiteName]
    title: ClassVar[str]
    folder: ClassVar[str]
    """Its name among templates, and in addresses where all sites share a host."""
    about: ClassVar[str]
    """What a visitor finds there."""
    has_accounts: ClassVar[bool] = True

    def __init__(self, database: Database, *, terse: bool) -> None:
        self.database = database
        self._terse = terse

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """Return the site's own addresses."""

    def app(self) -> Starlette:
        """Return the site as an ASGI application."""
        common = [
            Route("/style.css", _style),
            Route("/login", self._ask_login),
            Route("/login", self._login, methods=["POST"]),
            Route("/logout", self._logout, methods=["POST"]),
        ]
        return Starlette(routes=[*common, *self.routes()], exception_handlers={HTTPException: self._problem})

    def page(self, request: Request, template: str, *, status: int = 200, **values: object) -> Response:
        """Fill a template of the site; every value is escaped."""
        text = (
            _templates()
            .select_template((f"{self.folder}/{template}.html", f"{template}.html"))
            .render(
                root=request.scope["root_path"],
                site=self.title,
                folder=self.folder,
                account=self.account(request),
                terse=self._terse,
                here=_here(request),
                **values,
            )
        )
        return HTMLResponse(text, status_code=status)

    def account(self, request: Request) -> str | None:
        """Return who is logged in."""
        return self.holder(request.cookies.get(self._cookie, ""))

    def holder(self, token: str) -> str | None:
        """Return whose session a token is."""
        found = self.database.first(Session, "where token = ? and site = ?", token, self.name)
        return found.account if found else None

    def someone(self, request: Request) -> str:
        """Return who is logged in; nobody is sent to the log-in page."""
        account = self.account(request)
        if not account:
            raise HTTPException(303, headers={"location": f"{request.scope['root_path']}/login"})
        return account

    def begin_session(self, account: str) -> tuple[str, str]:
        """Log an account in; return name and value of the cookie."""
        token = secrets.token_urlsafe(18)
        self.database.add(Session(token, self.name, account))
        return self._cookie, token

    @property
    def _cookie(self) -> str:
        return f"{self.name}_session"

    async def _ask_login(self, request: Request) -> Response:
        return self.page(request, "login", problem="")

    async def _login(self, request: Request) -> Response:
        form = await read_form(request)
        name = form.get("username", "")
        known = self.database.first(Account, "where site = ? and name = ?", self.name, name)
        expected = known.password if known else ""
        if not known or not hmac.compare_digest(expected.encode(), form.get("password", "").encode()):
            problem = "The user name or the password is wrong."
            return self.page(request, "login", status=401, problem=problem)
        response = go(request, "/")
        cookie, token = self.begin_session(name)
        response.set_cookie(cookie, token, httponly=True, samesite="lax", path=f"{request.scope['root_path']}/")
        return response

    async def _logout(self, request: Request) -> Response:
        self.database.change("delete from session where token = ?", request.cookies.get(self._cookie, ""))
        return go(request, "/")

    async def _problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 303:
            return Response(status_code=303, headers=error.headers)
        return self.page(request, "problem", status=error.status_code, problem=error.detail)


def go(request: Request, path: str) -> Response:
    """Send the browser to another page of the same site, as the answer to a form."""
    return RedirectResponse(f"{request.scope['root_path']}{path}", status_code=303)


def missing(what: str) -> HTTPException:
    """Return the error for a page that is not there."""
    return HTTPException(404, f"There is no such {what}.")


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a posted form, trimmed; a field that is repeated is joined by commas."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise HTTPException(413, "The form is too large.")
    fields: dict[str, str] = {}
    for name, value in parse_qsl(body.decode(errors="replace")):
        fields[name] = f"{fields[name]},{value.strip()}" if name in fields else value.strip()
    return fields


def whole(text: str, *, low: int = 0, high: int = 1_000_000) -> int | None:
    """Return the number that a person typed, or None where it is none or out of range."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return None
    number = int(digits)
    return number if low <= number <= high else None


class Part:
    """The rows of one page of a long list, and which pages there are."""

    def __init__(self, rows: Sequence[object], request: Request) -> None:
        self.last = max(1, -(-len(rows) // _PAGE))
        self.number = min(whole(request.query_params.get("page", ""), low=1) or 1, self.last)
        self.rows = rows[(self.number - 1) * _PAGE : self.number * _PAGE]
        self.count = len(rows)
        others = [(name, value) for name, value in request.query_params.items() if name != "page"]
        self.query = urlencode([*others, ("page", "")])


def _here(request: Request) -> str:
    root: str = request.scope["root_path"]
    return request.url.path.removeprefix(root)


def landing_page(sites: Iterable[Site], *, scene: Scene) -> Response:
    """Return the page that leads to every site and tells the log-ins."""
    passwords = {account.name: account.password for account in scene.all(Account)}
    cards = []
    for site in sites:
        account = scene.account(site.name) if site.has_accounts else ""
        known = passwords.get(account, "")
        cards.append(
            {"folder": site.folder, "title": site.title, "about": site.about, "account": account, "password": known}
        )
    return HTMLResponse(_templates().get_template("landing.html").render(cards=cards))


async def _style(request: Request) -> Response:
    del request
    return Response(_read_style(), media_type="text/css", headers={"cache-control": "max-age=3600"})


@lru_cache(maxsize=1)
def _read_style() -> str:
    return resources.files(_PACKAGE).joinpath("templates", "style.css").read_text("utf-8")


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["money"] = money
    environment.globals["slug"] = slug
    return environment
