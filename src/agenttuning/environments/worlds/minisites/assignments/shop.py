"""Tasks in the shop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from agenttuning.environments.worlds.minisites.assignments.draft import (
    Draft,
    Script,
    Template,
    exactly,
    including,
    meaning,
    nothing,
    reads,
    shows,
    text_of,
)
from agenttuning.environments.worlds.minisites.rows import Account, Customer, Order, Product, Review, money
from agenttuning.environments.worlds.webarena.raw_task import EITHER

if TYPE_CHECKING:
    import random

    from agenttuning.environments.worlds.minisites.scene import Scene

CART: Final = "__SHOPPING__/checkout/cart/"


def find(script: Script, product: Product) -> Script:
    """Search for a product and open it."""
    script.type(
        "searchbox", "Search", product.title, "the shop has a search, which finds a product by its name", enter=True
    )
    return script.link(product.title, "the product that I was asked about is in the list")


def my_orders(scene: Scene) -> list[Order]:
    """Return the user's orders, newest first, as many as one page shows."""
    return [order for order in reversed(scene.all(Order)) if order.account == scene.user][:10]


def _approved(scene: Scene, product: Product) -> list[Review]:
    return [review for review in scene.all(Review) if review.sku == product.sku and review.status == "Approved"]


def _price(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    answer = money(product.price)
    script = find(Script(scene, draw), product)
    oracle = script.stop(answer, f"the page says {answer}, which answers the question")
    return Draft("What is the price of the {product}?", {"product": product.title}, oracle, exactly(answer))


def _stock(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    script = find(Script(scene, draw), product)
    answer = f"{product.sku}, {product.stock} in stock"
    oracle = script.stop(answer, "SKU and stock stand on the product's page")
    intent = "Tell me the SKU of the {product} and how many of it are in stock."
    return Draft(intent, {"product": product.title}, oracle, including(product.sku, str(product.stock)))


def _cheapest(scene: Scene, draw: random.Random) -> Draft | None:
    category = draw.choice(sorted({product.category for product in scene.all(Product)}))
    prices = sorted((each.price, each.title) for each in scene.all(Product) if each.category == category)
    if len(prices) < 2 or prices[0][0] == prices[1][0]:
        return None
    script = Script(scene, draw).link(category, f"the question is about {category} only")
    script.link("Lowest price", "sorted by price, the cheapest product comes first")
    oracle = script.stop(prices[0][1], f"the first one in the list is {prices[0][1]}")
    return Draft(
        "Which product of the category {category} costs least?", {"category": category}, oracle, exactly(prices[0][1])
    )


def _sorted(scene: Scene, draw: random.Random) -> Draft:
    category = draw.choice(sorted({product.category for product in scene.all(Product)}))
    script = Script(scene, draw).link(category, f"I need the products of {category} first")
    script.link("Highest price", "they must be sorted from the dearest to the cheapest")
    return Draft(
        "Show me the products of the category {category}, the most expensive one first.",
        {"category": category},
        script.stop("done", "the list is in the wanted order"),
        reference_url=f"__SHOPPING__/catalog/{quote(category)}?sort=dearest",
    )


def _critics(scene: Scene, draw: random.Random) -> Draft | None:
    some = [each for each in scene.all(Product) if any(review.stars < 3 for review in _approved(scene, each))]
    if not some:
        return None
    product = draw.choice(some)
    critics = sorted({review.nickname for review in _approved(scene, product) if review.stars < 3})
    script = find(Script(scene, draw), product)
    script.link(f"Reviews ({len(_approved(scene, product))})", "what customers wrote is on the page of reviews")
    oracle = script.stop(", ".join(critics), "these are the names beside one or two stars")
    intent = "Who gave the {product} fewer than three stars?"
    return Draft(intent, {"product": product.title}, oracle, including(*critics))


def _criticism(scene: Scene, draw: random.Random) -> Draft | None:
    pairs = [
        (product, review)
        for product in scene.all(Product)
        for review in _approved(scene, product)
        if review.stars == 1 and sum(each.nickname == review.nickname for each in _approved(scene, product)) == 1
    ]
    if not pairs:
        return None
    product, review = draw.choice(pairs)
    script = find(Script(scene, draw), product)
    script.link(f"Reviews ({len(_approved(scene, product))})", "I have to read the reviews")
    oracle = script.stop(review.body, f"this is what {review.nickname} wrote")
    values = {"name": review.nickname, "product": product.title}
    return Draft("What does {name} say in the review of the {product}?", values, oracle, meaning(review.body))


def _order_status(scene: Scene, draw: random.Random) -> Draft:
    order = draw.choice(my_orders(scene))
    script = Script(scene, draw).link("My orders", "my orders are listed there")
    script.link(f"Order {order.id}", "this is the order in question")
    oracle = script.stop(order.status, f"its status is {order.status}")
    return Draft("What is the status of my order {number}?", {"number": str(order.id)}, oracle, exactly(order.status))


def _order_place(scene: Scene, draw: random.Random) -> Draft:
    order = draw.choice(my_orders(scene))
    script = Script(scene, draw).link("My orders", "the list of my orders leads to each of them")
    script.link(f"Order {order.id}", "the order with this number is what I want to see")
    return Draft(
        "Open the page of my order {number}.",
        {"number": str(order.id)},
        script.stop("done", "the page of the order is open"),
        reference_url=f"__SHOPPING__/sales/order/view/order_id/{order.id}/",
        url_note="EXACT",
    )


def _weight(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    script = find(Script(scene, draw), product)
    oracle = script.stop("N/A", "neither the text nor the details say anything about a weight")
    return Draft(
        "How much does the {product} weigh?",
        {"product": product.title},
        oracle,
        nothing(),
        note="The shop does not say what its products weigh.",
    )


def _add(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    script = find(Script(scene, draw), product)
    script.button("Add to cart", "this button puts one of it into the cart")
    oracle = script.stop("done", "the cart lists the product now")
    return Draft(
        "Put the {product} into my cart.", {"product": product.title}, oracle, pages=(shows(CART, product.title),)
    )


def _add_several(scene: Scene, draw: random.Random) -> Draft:
    product, count = draw.choice(scene.all(Product)), draw.randint(2, 9)
    script = find(Script(scene, draw), product)
    script.type("textbox", "Quantity", str(count), f"I need {count} of it, not one")
    script.button("Add to cart", "the quantity is filled in")
    return Draft(
        "Put {count} pieces of the {product} into my cart.",
        {"count": str(count), "product": product.title},
        script.stop("done", f"the cart says {count} times the price"),
        pages=(shows(CART, product.title, f"{count} x {money(product.price)}", locator=text_of("main")),),
    )


def _add_either(scene: Scene, draw: random.Random) -> Draft:
    one, other = draw.sample(scene.all(Product), 2)
    script = find(Script(scene, draw), one)
    script.button("Add to cart", "one of the two is enough, and this is the first one")
    return Draft(
        "Put either the {one} or the {other} into my cart, whichever you like.",
        {"one": one.title, "other": other.title},
        script.stop("done", "one of the two is in the cart"),
        pages=(shows(CART, f"{one.title}{EITHER}{other.title}"),),
    )


def _buy(scene: Scene, draw: random.Random) -> Draft:
    product, city = draw.choice(scene.all(Product)), f"{draw.randint(1, 99)} Mill Lane"
    script = find(Script(scene, draw), product)
    script.button("Add to cart", "what is to be ordered goes into the cart first")
    script.link("Go to checkout", "the cart is complete")
    script.type("textbox", "Ship to", city, "the order must go to this address")
    script.button("Place order", "everything is filled in")
    url = "func:shopping_get_latest_order_url()"
    return Draft(
        "Order the {product} and have it shipped to {address}.",
        {"product": product.title, "address": city},
        script.stop("done", "the page of the new order is shown"),
        pages=(
            shows(url, product.sku, locator=text_of(".order-details-items.ordered")),
            reads(url, city, locator=text_of("#order_address")),
        ),
    )


def _review(scene: Scene, draw: random.Random) -> Draft:
    product, stars, name = draw.choice(scene.all(Product)), draw.randint(1, 5), f"{scene.user}-{draw.randint(10, 99)}"
    script = find(Script(scene, draw), product)
    script.link(f"Reviews ({len(_approved(scene, product))})", "reviews are written on the page of reviews")
    script.click("radio", f"{stars} star{'s' if stars > 1 else ''}", "that is the rating I was told")
    script.type("textbox", "Nickname", name, "the review needs a nickname")
    script.type("textbox", "Summary", "As asked", "the summary must not be empty")
    script.button("Submit review", "stars, nickname and summary are there")
    return Draft(
        "Rate the {product} with {stars} out of 5 under the nickname {nickname}. Any summary will do.",
        {"product": product.title, "stars": str(stars), "nickname": name},
        script.stop("done", "my review stands on top of the list"),
        pages=(
            reads("last", name, locator=f"func:shopping_get_sku_latest_review_author('{product.sku}')"),
            reads("last", str(stars * 20), locator=f"func:shopping_get_sku_latest_review_rating('{product.sku}')"),
        ),
    )


def _phone(scene: Scene, draw: random.Random) -> Draft:
    phone = f"555-9{draw.randint(0, 999):03}-{draw.randint(0, 99):02}"
    script = Script(scene, draw).link("My account", "the phone number is a part of my account")
    script.type("textbox", "Phone", phone, "the new number replaces the old one")
    script.button("Save", "the field holds the new number")
    place = "__SHOPPING__/customer/account/"
    return Draft(
        "Change the phone number of my account to {phone}.",
        {"phone": phone},
        script.stop("done", "the account shows the new number"),
        pages=(reads(place, phone, locator="document.querySelector('#phone').value"),),
    )


def _sign_in(scene: Scene, draw: random.Random) -> Draft:
    account = next(each for each in scene.all(Account) if each.site == "shopping")
    email = next(each.email for each in scene.all(Customer) if each.account == account.name)
    script = Script(scene, draw).link("Sign in", "nobody is logged in yet")
    script.type("textbox", "User name", account.name, "this is the user name I was given")
    script.type("textbox", "Password", account.password, "and this is the password")
    script.button("Sign in to Shop", "both fields are filled in")
    script.link("My account", "I am logged in and can open the account")
    return Draft(
        "Sign in as {user} with the password {password} and open the page of my account.",
        {"user": account.name, "password": account.password},
        script.stop("done", "this is the account's page"),
        reference_url="__SHOPPING__/customer/account/",
        pages=(shows("last", email),),
        logged_in=False,
    )


TEMPLATES: Final = (
    Template("shop-price", "shopping", _price),
    Template("shop-stock", "shopping", _stock),
    Template("shop-cheapest", "shopping", _cheapest),
    Template("shop-sorted", "shopping", _sorted),
    Template("shop-critics", "shopping", _critics),
    Template("shop-criticism", "shopping", _criticism),
    Template("shop-order-status", "shopping", _order_status),
    Template("shop-order-page", "shopping", _order_place),
    Template("shop-weight", "shopping", _weight),
    Template("shop-add", "shopping", _add),
    Template("shop-add-several", "shopping", _add_several),
    Template("shop-add-either", "shopping", _add_either),
    Template("shop-buy", "shopping", _buy),
    Template("shop-review", "shopping", _review),
    Template("shop-phone", "shopping", _phone),
    Template("shop-sign-in", "shopping", _sign_in),
)
