"""The shop: catalogue, search, product pages, reviews, cart, checkout, orders, account."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from agenttuning.environments.worlds.minisites.database import TODAY
from agenttuning.environments.worlds.minisites.rows import CartLine, Customer, Order, OrderLine, Product, Review
from agenttuning.environments.worlds.minisites.site import Part, Site, SiteName, go, missing, read_form, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

_ORDERS: Final = {"price": "price, title", "name": "title", "dearest": "price desc, title"}
_MAX_QUANTITY: Final = 99


class Line(NamedTuple):
    """A product in a cart or an order."""

    product: Product
    quantity: int
    price: int


class Shop(Site):
    """What a customer sees."""

    name: ClassVar[SiteName] = "shopping"
    title: ClassVar[str] = "Shop"
    folder: ClassVar[str] = "shop"
    about: ClassVar[str] = "Products, a cart, orders and reviews."

    def routes(self) -> Sequence[Route]:
        """Return the addresses; those of orders and reviews are the official shop's."""
        return [
            Route("/", self._home),
            Route("/catalog/{category}", self._category),
            Route("/catalogsearch/result/", self._search),
            Route("/product/{sku}", self._product),
            Route("/product/{sku}/reviews", self._reviews),
            Route("/product/{sku}/reviews", self._review, methods=["POST"]),
            Route("/product/{sku}/cart", self._add, methods=["POST"]),
            Route("/checkout/cart/", self._cart),
            Route("/checkout/cart/", self._remove, methods=["POST"]),
            Route("/checkout/", self._checkout),
            Route("/checkout/", self._buy, methods=["POST"]),
            Route("/sales/order/history/", self._history),
            Route("/sales/order/view/order_id/{number:int}/", self._order),
            Route("/customer/account/", self._account_page),
            Route("/customer/account/", self._change_account, methods=["POST"]),
            Route("/rest/default/V1/integration/admin/token", self._token, methods=["POST"]),
            Route("/rest/V1/orders", self._newest_orders),
            Route("/rest/V1/products/{sku}/reviews", self._all_reviews),
        ]

    async def _home(self, request: Request) -> Response:
        categories = self.database.pairs("select category, count(*) from product group by category order by category")
        newest = self.database.rows(Product, "order by rowid limit 6")
        return self.page(request, "home", categories=categories, newest=newest)

    async def _category(self, request: Request) -> Response:
        category = request.path_params["category"]
        found = self.database.rows(Product, f"where category = ? order by {_order(request)}", category)
        if not found:
            raise missing("category")
        return self.page(request, "list", heading=category, part=Part(found, request), wanted="")

    async def _search(self, request: Request) -> Response:
        wanted = request.query_params.get("q", "").strip()
        words = wanted.lower().split()[:8]
        matching = " and ".join(["instr(lower(title || ' ' || sku || ' ' || about), ?)"] * len(words)) or "1"
        found = self.database.rows(Product, f"where {matching} order by {_order(request)}", *words)
        return self.page(request, "list", heading=f"Results for “{wanted}”", part=Part(found, request), wanted=wanted)

    async def _product(self, request: Request) -> Response:
        product = self._wanted(request)
        reviews = self._approved(product)
        stars = sum(review.stars for review in reviews) / len(reviews) if reviews else 0.0
        return self.page(request, "product", product=product, reviews=len(reviews), stars=stars)

    async def _reviews(self, request: Request) -> Response:
        product = self._wanted(request)
        part = Part(list(reversed(self._approved(product))), request)
        return self.page(request, "reviews", product=product, part=part, problem="")

    async def _review(self, request: Request) -> Response:
        product, form = self._wanted(request), await read_form(request)
        stars = whole(form.get("stars", ""), low=1, high=5)
        if stars is None or not form.get("nickname") or not form.get("title"):
            part = Part(list(reversed(self._approved(product))), request)
            problem = "Stars, nickname and summary are needed."
            return self.page(request, "reviews", status=422, product=product, part=part, problem=problem)
        number = self.database.number("select max(id) from review") + 1
        body = form.get("body", "")
        self.database.add(Review(number, product.sku, form["nickname"], stars, form["title"], body, "Approved", TODAY))
        return go(request, f"/product/{product.sku}/reviews")

    async def _add(self, request: Request) -> Response:
        product, account, form = self._wanted(request), self.someone(request), await read_form(request)
        quantity = whole(form.get("quantity") or "1", low=1, high=_MAX_QUANTITY)
        if quantity is None:
            raise HTTPException(422, f"The quantity must be a number from 1 to {_MAX_QUANTITY}.")
        self.database.change(
            "insert into cart_line values (?, ?, ?) on conflict do update set quantity = min(quantity + ?, 99)",
            account,
            product.sku,
            quantity,
            quantity,
        )
        return go(request, "/checkout/cart/")

    async def _cart(self, request: Request) -> Response:
        lines = self._lines(self.someone(request))
        return self.page(request, "cart", lines=lines, total=_total(lines))

    async def _remove(self, request: Request) -> Response:
        account, form = self.someone(request), await read_form(request)
        self.database.change("delete from cart_line where account = ? and sku = ?", account, form.get("sku", ""))
        return go(request, "/checkout/cart/")

    async def _checkout(self, request: Request) -> Response:
        account = self.someone(request)
        lines = self._lines(account)
        customer = self._customer(account)
        return self.page(request, "checkout", lines=lines, total=_total(lines), customer=customer)

    async def _buy(self, request: Request) -> Response:
        account, form = self.someone(request), await read_form(request)
        lines = self._lines(account)
        if not lines:
            raise HTTPException(422, "The cart is empty.")
        address = form.get("city") or self._customer(account).city
        number = self.database.number("select max(id) from shop_order") + 1
        self.database.add(Order(number, account, TODAY, "Pending", address, _total(lines)))
        for line in lines:
            self.database.add(OrderLine(number, line.product.sku, line.quantity, line.price))
        self.database.change("delete from cart_line where account = ?", account)
        return go(request, f"/sales/order/view/order_id/{number}/")

    async def _history(self, request: Request) -> Response:
        orders = self.database.rows(Order, "where account = ? order by id desc", self.someone(request))
        return self.page(request, "orders", part=Part(orders, request))

    async def _order(self, request: Request) -> Response:
        account, number = self.someone(request), request.path_params["number"]
        order = self.database.first(Order, "where id = ? and account = ?", number, account)
        if order is None:
            raise missing("order")
        return self.page(request, "order", order=order, lines=order_lines(self, order))

    async def _account_page(self, request: Request) -> Response:
        return self.page(request, "account", customer=self._customer(self.someone(request)))

    async def _change_account(self, request: Request) -> Response:
        account, form = self.someone(request), await read_form(request)
        customer = self._customer(account)
        self.database.change(
            "update customer set phone = ?, city = ? where id = ?",
            form.get("phone") or customer.phone,
            form.get("city") or customer.city,
            customer.id,
        )
        return go(request, "/customer/account/")

    async def _token(self, request: Request) -> Response:
        """Give whoever judges an episode a token that reads; there is no password behind it."""
        del request
        _, token = self.begin_session("")
        return JSONResponse(token)

    async def _newest_orders(self, request: Request) -> Response:
        self._reader(request)
        orders = self.database.rows(Order, "order by id desc limit 1")
        return JSONResponse({"items": [{"increment_id": f"{order.id:09}", "status": order.status} for order in orders]})

    async def _all_reviews(self, request: Request) -> Response:
        self._reader(request)
        reviews = self.database.rows(Review, "where sku = ? order by id", request.path_params["sku"])
        return JSONResponse(
            [
                {
                    "nickname": review.nickname,
                    "title": review.title,
                    "ratings": [{"rating_name": "Rating", "percent": review.stars * 20, "value": review.stars}],
                }
                for review in reviews
            ]
        )

    def _reader(self, request: Request) -> None:
        _, _, token = request.headers.get("authorization", "").partition("Bearer ")
        if self.holder(token) != "":
            raise HTTPException(401, "This address needs a token.")

    def _wanted(self, request: Request) -> Product:
        product = self.database.first(Product, "where sku = ?", request.path_params["sku"])
        if product is None:
            raise missing("product")
        return product

    def _approved(self, product: Product) -> list[Review]:
        return self.database.rows(Review, "where sku = ? and status = 'Approved' order by id", product.sku)

    def _customer(self, account: str) -> Customer:
        customer = self.database.first(Customer, "where account = ?", account)
        if customer is None:
            raise missing("customer")
        return customer

    def _lines(self, account: str) -> list[Line]:
        found = self.database.rows(CartLine, "where account = ? order by rowid", account)
        products = [self.database.rows(Product, "where sku = ?", line.sku)[0] for line in found]
        return [Line(each, line.quantity, each.price) for each, line in zip(products, found, strict=True)]


def order_lines(site: Site, order: Order) -> list[Line]:
    """Return what an order consists of."""
    found = site.database.rows(OrderLine, "where order_id = ? order by rowid", order.id)
    products = [site.database.rows(Product, "where sku = ?", line.sku)[0] for line in found]
    return [Line(each, line.quantity, line.price) for each, line in zip(products, found, strict=True)]


def _order(request: Request) -> str:
    return _ORDERS.get(request.query_params.get("sort", ""), "rowid")


def _total(lines: Sequence[Line]) -> int:
    return sum(line.quantity * line.price for line in lines)
