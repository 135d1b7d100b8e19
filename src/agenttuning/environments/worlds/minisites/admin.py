"""The shop's back office: orders, products, customers, moderation of reviews, a report."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from starlette.exceptions import HTTPException
from starlette.routing import Route

from agenttuning.environments.worlds.minisites.rows import Customer, Order, Product, Review
from agenttuning.environments.worlds.minisites.seeding.commerce import STATUSES
from agenttuning.environments.worlds.minisites.shop import order_lines
from agenttuning.environments.worlds.minisites.site import Part, Site, SiteName, go, missing, read_form, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

_PRICE: Final = re.compile(r"\$?(\d{1,6})(?:\.(\d\d))?")
_REVIEW_STATUSES: Final = ("Pending", "Approved", "Not Approved")


class Admin(Site):
    """What the shop's staff sees; every page needs a log-in."""

    name: ClassVar[SiteName] = "shopping_admin"
    title: ClassVar[str] = "Shop Admin"
    folder: ClassVar[str] = "admin"
    about: ClassVar[str] = "Orders, products, customers and reviews of the shop."

    def routes(self) -> Sequence[Route]:
        """Return the addresses."""
        return [
            Route("/", self._home),
            Route("/sales/order/", self._orders),
            Route("/sales/order/view/order_id/{number:int}/", self._order),
            Route("/sales/order/view/order_id/{number:int}/", self._change_order, methods=["POST"]),
            Route("/catalog/product/", self._products),
            Route("/catalog/product/edit/{sku}", self._product),
            Route("/catalog/product/edit/{sku}", self._change_product, methods=["POST"]),
            Route("/customer/", self._customers),
            Route("/customer/edit/{number:int}", self._customer),
            Route("/review/product/", self._reviews),
            Route("/review/product/edit/id/{number:int}", self._review),
            Route("/review/product/edit/id/{number:int}", self._change_review, methods=["POST"]),
            Route("/report/bestsellers", self._bestsellers),
        ]

    async def _home(self, request: Request) -> Response:
        self.someone(request)
        figures = self.database.pairs("select status, count(*) from shop_order group by status order by status")
        pending = self.database.number("select count(*) from review where status = 'Pending'")
        return self.page(request, "home", figures=figures, pending=pending)

    async def _orders(self, request: Request) -> Response:
        self.someone(request)
        status, owner = request.query_params.get("status", ""), request.query_params.get("q", "").strip()
        orders = self.database.rows(
            Order,
            "join customer c on c.account = t.account "
            "where ? in ('', t.status) and instr(lower(c.name || ' ' || t.account || ' ' || t.id), lower(?)) "
            "order by t.id desc",
            status,
            owner,
        )
        return self.page(request, "orders", part=Part(orders, request), shown=status, statuses=STATUSES)

    async def _order(self, request: Request) -> Response:
        order = self._wanted_order(request)
        customer = self.database.rows(Customer, "where account = ?", order.account)[0]
        lines = order_lines(self, order)
        return self.page(request, "order", order=order, lines=lines, customer=customer, statuses=STATUSES)

    async def _change_order(self, request: Request) -> Response:
        order, form = self._wanted_order(request), await read_form(request)
        self._set_status("shop_order", order.id, form.get("status", ""), STATUSES)
        return go(request, f"/sales/order/view/order_id/{order.id}/")

    async def _products(self, request: Request) -> Response:
        self.someone(request)
        wanted = request.query_params.get("q", "").strip()
        found = self.database.rows(Product, "where instr(lower(title || ' ' || sku), lower(?)) order by rowid", wanted)
        return self.page(request, "products", part=Part(found, request), wanted=wanted)

    async def _product(self, request: Request) -> Response:
        return self.page(request, "product", product=self._wanted_product(request), problem="")

    async def _change_product(self, request: Request) -> Response:
        product, form = self._wanted_product(request), await read_form(request)
        price = _PRICE.fullmatch(form.get("product[price]", ""))
        stock = whole(form.get("product[stock]", ""), high=99_999)
        title = form.get("product[name]", "")
        if price is None or stock is None or not title:
            problem = "A name, a price such as 12.50 and a whole number in stock are needed."
            return self.page(request, "product", status=422, product=product, problem=problem)
        cents = int(price[1]) * 100 + int(price[2] or 0)
        self.database.change(
            "update product set title = ?, price = ?, stock = ? where sku = ?", title, cents, stock, product.sku
        )
        return go(request, f"/catalog/product/edit/{product.sku}")

    async def _customers(self, request: Request) -> Response:
        self.someone(request)
        wanted = request.query_params.get("q", "").strip()
        found = self.database.rows(
            Customer,
            "where instr(lower(name || ' ' || email || ' ' || phone || ' ' || city), lower(?)) order by id",
            wanted,
        )
        return self.page(request, "customers", part=Part(found, request), wanted=wanted)

    async def _customer(self, request: Request) -> Response:
        self.someone(request)
        customer = self.database.first(Customer, "where id = ?", request.path_params["number"])
        if customer is None:
            raise missing("customer")
        orders = self.database.rows(Order, "where account = ? order by id desc limit 10", customer.account)
        spent = self.database.number(
            "select sum(total) from shop_order where account = ? and status != 'Canceled'", customer.account
        )
        return self.page(request, "customer", customer=customer, orders=orders, spent=spent)

    async def _reviews(self, request: Request) -> Response:
        self.someone(request)
        status = request.query_params.get("status", "")
        found = self.database.rows(Review, "where ? in ('', status) order by id desc", status)
        return self.page(request, "reviews", part=Part(found, request), shown=status, statuses=_REVIEW_STATUSES)

    async def _review(self, request: Request) -> Response:
        review = self._wanted_review(request)
        product = self.database.rows(Product, "where sku = ?", review.sku)[0]
        return self.page(request, "review", review=review, product=product, statuses=_REVIEW_STATUSES)

    async def _change_review(self, request: Request) -> Response:
        review, form = self._wanted_review(request), await read_form(request)
        if form.get("action") == "delete":
            self.database.change("delete from review where id = ?", review.id)
            return go(request, "/review/product/")
        self._set_status("review", review.id, form.get("status", ""), _REVIEW_STATUSES)
        return go(request, f"/review/product/edit/id/{review.id}")

    async def _bestsellers(self, request: Request) -> Response:
        self.someone(request)
        year = request.query_params.get("year", "2023")
        sold = self.database.pairs(
            "select p.title, sum(l.quantity) as sold from order_line l join shop_order o on o.id = l.order_id "
            "join product p on p.sku = l.sku where substr(o.day, 1, 4) = ? and o.status != 'Canceled' "
            "group by p.sku order by sold desc, p.title limit 5",
            year,
        )
        return self.page(request, "bestsellers", sold=sold, year=year)

    def _set_status(self, table: str, number: int, status: str, known: Sequence[str]) -> None:
        if status not in known:
            raise HTTPException(422, f"Choose one of: {', '.join(known)}.")
        self.database.change(f"update {table} set status = ? where id = ?", status, number)  # noqa: S608  a table of ours

    def _wanted_order(self, request: Request) -> Order:
        self.someone(request)
        order = self.database.first(Order, "where id = ?", request.path_params["number"])
        if order is None:
            raise missing("order")
        return order

    def _wanted_product(self, request: Request) -> Product:
        self.someone(request)
        product = self.database.first(Product, "where sku = ?", request.path_params["sku"])
        if product is None:
            raise missing("product")
        return product

    def _wanted_review(self, request: Request) -> Review:
        self.someone(request)
        review = self.database.first(Review, "where id = ?", request.path_params["number"])
        if review is None:
            raise missing("review")
        return review
