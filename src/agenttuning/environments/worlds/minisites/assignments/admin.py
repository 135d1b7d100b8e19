"""Tasks in the back office."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.minisites.assignments.draft import (
    Draft,
    Script,
    Template,
    exactly,
    including,
    nothing,
    reads,
    shows,
    text_of,
)
from agenttuning.environments.worlds.minisites.rows import Account, Customer, Order, OrderLine, Product, Review, money
from agenttuning.environments.worlds.minisites.seeding.commerce import STATUSES
from agenttuning.environments.worlds.webarena.raw_task import EITHER

if TYPE_CHECKING:
    import random

    from agenttuning.environments.worlds.minisites.scene import Scene


def open_product(script: Script, product: Product) -> Script:
    """Search for a product in the back office and open it."""
    script.link("Products", "products are changed in their own list")
    script.type("searchbox", "Search products", product.title, "the list can be searched by name", enter=True)
    return script.link(product.title, "this is the product")


def _open_order(script: Script, order: Order) -> Script:
    script.link("Orders", "orders have a page of their own")
    script.type("searchbox", "Search orders", str(order.id), "the number finds the order", enter=True)
    return script.link(f"Order {order.id}", "this is the order with the number that I was given")


def _bestseller(scene: Scene, draw: random.Random) -> Draft | None:
    year = draw.choice(("2023", "2024"))
    counted = {order.id for order in scene.all(Order) if order.day.startswith(year) and order.status != "Canceled"}
    sold: Counter[str] = Counter()
    for line in scene.all(OrderLine):
        if line.order_id in counted:
            sold[line.sku] += line.quantity
    first = sold.most_common(2)
    if len(first) < 2 or first[0][1] == first[1][1]:
        return None
    title = next(each.title for each in scene.all(Product) if each.sku == first[0][0])
    script = Script(scene, draw).link("Bestsellers", "there is a report of what sold best")
    script.link(year, f"the question is about {year}")
    oracle = script.stop(title, f"{title} is in the first row")
    return Draft("Which product sold the most pieces in {year}?", {"year": year}, oracle, exactly(title))


def _pending(scene: Scene, draw: random.Random) -> Draft:
    count = str(sum(review.status == "Pending" for review in scene.all(Review)))
    script = Script(scene, draw)
    oracle = script.stop(count, f"the overview says that {count} reviews are pending")
    return Draft("How many reviews are still pending?", {}, oracle, exactly(count))


def _by_phone(scene: Scene, draw: random.Random) -> Draft | None:
    customer = draw.choice(scene.all(Customer))
    if sum(each.phone == customer.phone for each in scene.all(Customer)) > 1:
        return None
    script = Script(scene, draw).link("Customers", "the list of customers holds phone numbers")
    script.type("searchbox", "Search customers", customer.phone, "the search takes phone numbers too", enter=True)
    oracle = script.stop(customer.name, "one customer has this number")
    intent = "Find the name of the customer with the phone number {phone}."
    return Draft(intent, {"phone": customer.phone}, oracle, exactly(customer.name))


def _spent(scene: Scene, draw: random.Random) -> Draft | None:
    customer = draw.choice(scene.all(Customer))
    orders = [each for each in scene.all(Order) if each.account == customer.account and each.status != "Canceled"]
    if not orders:
        return None
    answer = money(sum(order.total for order in orders))
    script = Script(scene, draw).link("Customers", "what somebody spent is a matter of that customer's page")
    script.type("searchbox", "Search customers", customer.name, "the search finds customers by name", enter=True)
    script.link(customer.name, "this is the customer")
    oracle = script.stop(answer, f"the page says {answer}")
    intent = "How much has {name} spent in our shop so far, canceled orders aside?"
    return Draft(intent, {"name": customer.name}, oracle, including(answer))


def _fax(scene: Scene, draw: random.Random) -> Draft:
    customer = draw.choice(scene.all(Customer))
    script = Script(scene, draw).link("Customers", "I look for this in the customer's data")
    script.type("searchbox", "Search customers", customer.name, "I search for the name", enter=True)
    script.link(customer.name, "this is the customer")
    return Draft(
        "What is the fax number of {name}?",
        {"name": customer.name},
        script.stop("N/A", "there is a phone number, but no fax number anywhere"),
        nothing(),
        note="No fax numbers are kept of customers.",
    )


def _filter(scene: Scene, draw: random.Random) -> Draft:
    status = draw.choice(STATUSES)
    script = Script(scene, draw).link("Orders", "the list of orders can be narrowed down by status")
    script.link(status, "this link keeps the wanted ones")
    return Draft(
        "Show me the list of all orders whose status is {status}.",
        {"status": status},
        script.stop("done", "only those orders are listed"),
        reference_url=f"__SHOPPING_ADMIN__/sales/order/?status={status}",
    )


def _order_status(scene: Scene, draw: random.Random) -> Draft:
    order = draw.choice(scene.all(Order))
    status = draw.choice([each for each in STATUSES if each != order.status])
    script = _open_order(Script(scene, draw), order)
    script.button(f"Set to {status}", "this button sets the wanted status")
    url = f"__SHOPPING_ADMIN__/sales/order/view/order_id/{order.id}/"
    return Draft(
        "Set the status of order {number} to {status}.",
        {"number": str(order.id), "status": status},
        script.stop("done", f"the status reads {status}"),
        pages=(reads(url, status, locator=text_of("#order_status")),),
    )


def _reprice(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    price = f"{product.price // 100 + draw.randint(1, 9)}.{draw.choice(('25', '75'))}"
    script = open_product(Script(scene, draw), product)
    script.type("textbox", "Price", price, "the new price replaces the old one")
    script.button("Save", "the price is filled in")
    return Draft(
        "Change the price of the {product} to ${price}.",
        {"product": product.title, "price": price},
        script.stop("done", "the page shows the new price"),
        pages=(
            reads(
                f"__SHOPPING_ADMIN__/catalog/product/edit/{product.sku}",
                price,
                locator="document.querySelector('input[name=\"product[price]\"]').value",
            ),
        ),
    )


def _restock(scene: Scene, draw: random.Random) -> Draft:
    product, count = draw.choice(scene.all(Product)), str(draw.randint(200, 900))
    script = open_product(Script(scene, draw), product)
    script.type("textbox", "In stock", count, "this field holds how many there are")
    script.button("Save", "the number is filled in")
    return Draft(
        "We counted again: there are {count} pieces of the {product}. Correct the stock.",
        {"count": count, "product": product.title},
        script.stop("done", "the stock is corrected"),
        pages=(
            shows(
                f"__SHOPPING_ADMIN__/catalog/product/edit/{product.sku}",
                count,
                locator="document.querySelector('#stock').value",
            ),
        ),
    )


def _some_pending(scene: Scene, draw: random.Random) -> Review:
    return draw.choice([each for each in reversed(scene.all(Review)) if each.status == "Pending"][:10])


def _approve(scene: Scene, draw: random.Random) -> Draft:
    review = _some_pending(scene, draw)
    script = Script(scene, draw).link("Pending reviews", "it is one of the pending reviews")
    script.link(f"Review {review.id}", "this is the review with the number that I was given")
    script.button("Set to Approved", "approving it is what was asked")
    return Draft(
        "Approve the pending review number {number}.",
        {"number": str(review.id)},
        script.stop("done", "its status is Approved now"),
        pages=(
            reads(
                f"__SHOPPING_ADMIN__/review/product/edit/id/{review.id}", "Approved", locator=text_of("#review_status")
            ),
        ),
    )


def _delete(scene: Scene, draw: random.Random) -> Draft:
    review = _some_pending(scene, draw)
    script = Script(scene, draw).link("Pending reviews", "it waits among the pending reviews")
    script.link(f"Review {review.id}", "I open the review")
    script.button("Delete review", "it must go")
    return Draft(
        "Delete the pending review number {number}.",
        {"number": str(review.id)},
        script.stop("done", "the list no longer holds it"),
        pages=(
            shows(
                f"__SHOPPING_ADMIN__/review/product/edit/id/{review.id}", f"There is no such review.{EITHER}not found"
            ),
        ),
    )


def _sign_in(scene: Scene, draw: random.Random) -> Draft:
    account = next(each for each in scene.all(Account) if each.site == "shopping_admin")
    script = Script(scene, draw)
    script.type("textbox", "User name", account.name, "the back office asks who I am")
    script.type("textbox", "Password", account.password, "the password was told to me", enter=True)
    script.link("Customers", "I am logged in and can open the list")
    return Draft(
        "Sign in as {user} with the password {password} and open the list of customers.",
        {"user": account.name, "password": account.password},
        script.stop("done", "the list is open"),
        reference_url="__SHOPPING_ADMIN__/customer/",
        pages=(shows("last", account.name, locator=text_of("header")),),
        logged_in=False,
    )


TEMPLATES: Final = (
    Template("admin-bestseller", "shopping_admin", _bestseller),
    Template("admin-pending", "shopping_admin", _pending),
    Template("admin-phone", "shopping_admin", _by_phone),
    Template("admin-spent", "shopping_admin", _spent),
    Template("admin-fax", "shopping_admin", _fax),
    Template("admin-filter", "shopping_admin", _filter),
    Template("admin-order-status", "shopping_admin", _order_status),
    Template("admin-price", "shopping_admin", _reprice),
    Template("admin-stock", "shopping_admin", _restock),
    Template("admin-approve", "shopping_admin", _approve),
    Template("admin-delete", "shopping_admin", _delete),
    Template("admin-sign-in", "shopping_admin", _sign_in),
)
