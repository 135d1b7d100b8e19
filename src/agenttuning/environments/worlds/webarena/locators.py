"""The functions that task files name (`func:...`), as a table: nothing in a task file is ever run as a program here.

JavaScript expressions of task files run in the page of the sandboxed browser, where the site's own scripts run.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from agenttuning.errors import DataError, WorldError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

ADMIN_USER_VARIABLE: Final = "AGENTTUNING_WEBARENA_ADMIN_USER"
ADMIN_PASSWORD_VARIABLE: Final = "AGENTTUNING_WEBARENA_ADMIN_PASSWORD"  # noqa: S105  a name, not a password
"""Environment variables with the account of the shop's administrator, whom three of the functions ask."""
LAST_URL: Final = "__last_url__"
PAGE: Final = "__page__"
_PREFIX: Final = "func:"
ReadT = TypeVar("ReadT")


class OpenPage(Protocol):
    """A page that an evaluator looks at."""

    async def content(self) -> str:
        """Return its HTML."""

    async def value(self, expression: str) -> str:
        """Return the value of a JavaScript expression as text; empty where it fails or has none."""


class Aftermath(Protocol):
    """What an episode left behind."""

    @property
    def url(self) -> str:
        """The address where the agent stopped."""

    async def page(self, url: str | None) -> OpenPage:
        """Open an address beside the agent's tabs; None gives the tab where it stopped."""

    async def fetch(self, url: str, *, post: str | None = None, headers: Mapping[str, str] | None = None) -> str:
        """Return the body of a JSON interface's answer.

        Raises:
            WorldError: the site refuses, or does not answer.
        """

    def address(self, text: str) -> str:
        """Put the site table's addresses in the place of placeholders."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a registered function, as a task file writes it."""

    name: str
    arguments: tuple[str, ...]
    """Texts, or one of `LAST_URL` and `PAGE`."""


UrlFunction = Callable[[Aftermath, tuple[str, ...]], Awaitable[str]]
TextFunction = Callable[[Aftermath, OpenPage, tuple[str, ...]], Awaitable[str]]


def is_call(text: str) -> bool:
    """Tell whether a task file names a function here."""
    return text.startswith(_PREFIX)


def read_call(text: str, known: Mapping[str, int]) -> Call:
    """Read a call without running anything.

    Args:
        text: such as `func:reddit_get_post_url('__last_url__')`.
        known: function -> number of its arguments.

    Raises:
        DataError: it is no call of a known function with plain arguments.
    """
    try:
        call = ast.parse(text.removeprefix(_PREFIX).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{text!r} is no call of a function") from error
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.keywords:
        raise DataError(f"{text!r} is no call of a function by its name")
    name = call.func.id
    if name not in known:
        raise DataError(f"no function {name!r}{nearest(name, known)}; known: {', '.join(known)}")
    arguments = tuple(_argument(each, text) for each in call.args)
    if len(arguments) != known[name]:
        raise DataError(f"{name} takes {known[name]} arguments, {text!r} gives {len(arguments)}")
    return Call(name, arguments)


def _argument(node: ast.expr, text: str) -> str:
    match node:
        case ast.Constant(value=str() as value):
            return value
        case ast.Name(id=name) if name in (LAST_URL, PAGE):
            return name
        case _:
            raise DataError(f"{text!r}: arguments are quoted texts, {LAST_URL} or {PAGE}")


async def _latest_order_url(aftermath: Aftermath, _arguments: tuple[str, ...]) -> str:
    order = {
        "searchCriteria[sortOrders][0][field]": "created_at",
        "searchCriteria[sortOrders][0][direction]": "DESC",
        "searchCriteria[pageSize]": "1",
    }
    answer = await _ask_shop(aftermath, f"/rest/V1/orders?{urlencode(order)}")
    orders = _read_json(TypeAdapter(_Orders), answer).items
    if not orders:
        return aftermath.address("__SHOPPING__/sales/order/history/")
    return aftermath.address(f"__SHOPPING__/sales/order/view/order_id/{int(orders[0].increment_id)}/")


async def _post_url(_aftermath: Aftermath, arguments: tuple[str, ...]) -> str:
    """Return the address of the post that an address of the forum belongs to; any other stays as it is."""
    url = urlsplit(arguments[0])
    match url.path.split("/"):
        case ["", "f", forum, post, *_]:
            return f"{url.scheme}://{url.netloc}/f/{forum}/{post}/"
        case _:
            return arguments[0]


async def _review_author(aftermath: Aftermath, _page: OpenPage, arguments: tuple[str, ...]) -> str:
    reviews = await _reviews(aftermath, arguments[0])
    return reviews[-1].nickname if reviews else ""


async def _review_rating(aftermath: Aftermath, _page: OpenPage, arguments: tuple[str, ...]) -> str:
    reviews = await _reviews(aftermath, arguments[0])
    return str(reviews[-1].ratings[0].percent) if reviews and reviews[-1].ratings else ""


async def _member_role(_aftermath: Aftermath, page: OpenPage, arguments: tuple[str, ...]) -> str:
    script = """(wanted => {
        const names = [...document.querySelectorAll("td[data-label='Account'] span.gl-avatar-labeled-sublabel")];
        const row = names.findIndex(name => name.outerText === wanted);
        return row < 0 ? '' : document.querySelectorAll('td.col-max-role span')[row].outerText;
    })"""
    return await page.value(f"{script}({json.dumps('@' + arguments[1])})")


class _Order(BaseModel):
    increment_id: str


class _Orders(BaseModel):
    items: list[_Order]


class _Rating(BaseModel):
    percent: int


class _Review(BaseModel):
    nickname: str
    ratings: list[_Rating] = Field(default=[])


async def _reviews(aftermath: Aftermath, sku: str) -> list[_Review]:
    answer = await _ask_shop(aftermath, f"/rest/V1/products/{quote(sku, safe='')}/reviews")
    return _read_json(TypeAdapter(list[_Review]), answer)


async def _ask_shop(aftermath: Aftermath, path: str) -> str:
    """Ask the shop's interface as its administrator."""
    account = {
        "username": os.environ.get(ADMIN_USER_VARIABLE, ""),
        "password": os.environ.get(ADMIN_PASSWORD_VARIABLE, ""),
    }
    signing_in = aftermath.address("__SHOPPING__/rest/default/V1/integration/admin/token")
    try:
        token = _read_json(TypeAdapter(str), await aftermath.fetch(signing_in, post=json.dumps(account)))
    except WorldError as error:
        raise WorldError(
            f"{error}; set {ADMIN_USER_VARIABLE} and {ADMIN_PASSWORD_VARIABLE} to the shop administrator's account"
        ) from error
    return await aftermath.fetch(aftermath.address(f"__SHOPPING__{path}"), headers={"Authorization": f"Bearer {token}"})


def _read_json(reader: TypeAdapter[ReadT], answer: str) -> ReadT:
    try:
        return reader.validate_json(answer)
    except ValidationError as error:
        raise WorldError(f"the shop answered in an unknown form: {answer[:200]!r}") from error


URL_FUNCTIONS: Final[Mapping[str, tuple[int, UrlFunction]]] = {
    "shopping_get_latest_order_url": (0, _latest_order_url),
    "reddit_get_post_url": (1, _post_url),
}
"""Name -> number of arguments, and the function; they choose the page that is looked at."""
TEXT_FUNCTIONS: Final[Mapping[str, tuple[int, TextFunction]]] = {
    "shopping_get_sku_latest_review_author": (1, _review_author),
    "shopping_get_sku_latest_review_rating": (1, _review_rating),
    "gitlab_get_project_memeber_role": (2, _member_role),
}
"""Name (the benchmark's spelling) -> number of arguments, and the function; they give the text that is looked at."""
