"""The smallest tasks: two to five actions on pages of a few lines, told in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.minisites.assignments.code import base, file_text, own_project
from agenttuning.environments.worlds.minisites.assignments.draft import (
    Draft,
    Script,
    Template,
    exactly,
    nothing,
    reads,
    shows,
    text_of,
)
from agenttuning.environments.worlds.minisites.assignments.shop import CART, my_orders
from agenttuning.environments.worlds.minisites.assignments.wiki import fact
from agenttuning.environments.worlds.minisites.rows import Article, Issue, Order, Post, Product, Review, money
from agenttuning.environments.worlds.minisites.seeding.commerce import STATUSES
from agenttuning.environments.worlds.minisites.seeding.words import TINY_MATERIALS, TINY_NOUNS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from agenttuning.environments.worlds.minisites.scene import Scene
    from agenttuning.environments.worlds.minisites.site import SiteName


def _price(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    answer = money(product.price)
    script = Script(scene, draw).link(product.title, f"I open {product.title}")
    oracle = script.stop(answer, "the page tells the price")
    return Draft("What does the {product} cost?", {"product": product.title}, oracle, exactly(answer))


def _add(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    script = Script(scene, draw).link(product.title, f"I open {product.title}")
    script.button("Add to cart", "I put it into the cart")
    oracle = script.stop("done", "the cart holds it")
    return Draft(
        "Put the {product} in the cart.", {"product": product.title}, oracle, pages=(shows(CART, product.title),)
    )


def _buy(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    script = Script(scene, draw).link(product.title, f"I open {product.title}")
    script.button("Add to cart", "I put it into the cart").link("Pay", "the cart holds it")
    script.button("Place order", "I order it")
    oracle = script.stop("done", "the order is placed")
    look = shows("func:shopping_get_latest_order_url()", product.title, locator=text_of(".order-details-items.ordered"))
    return Draft("Buy the {product}.", {"product": product.title}, oracle, pages=(look,))


def _order(scene: Scene, draw: random.Random) -> Draft:
    order = draw.choice(my_orders(scene))
    script = Script(scene, draw).link("Orders", "I open my orders").link(f"Order {order.id}", "this is the order")
    oracle = script.stop(order.status, "the page tells the status")
    return Draft("What is the status of order {number}?", {"number": str(order.id)}, oracle, exactly(order.status))


def _weight(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    script = Script(scene, draw).link(product.title, f"I open {product.title}")
    oracle = script.stop("N/A", "the page tells no weight")
    intent, note = "What does the {product} weigh?", "The shop does not say what its products weigh."
    return Draft(intent, {"product": product.title}, oracle, nothing(), note=note)


def _set_status(scene: Scene, draw: random.Random) -> Draft:
    order = draw.choice(scene.all(Order))
    status = draw.choice([each for each in STATUSES if each != order.status])
    script = Script(scene, draw).link("Orders", "I open the orders").link(f"Order {order.id}", "this is the order")
    script.button(status, f"I set {status}")
    oracle = script.stop("done", "the status is set")
    url = f"__SHOPPING_ADMIN__/sales/order/view/order_id/{order.id}/"
    values = {"number": str(order.id), "status": status}
    return Draft(
        "Set order {number} to {status}.", values, oracle, pages=(reads(url, status, locator=text_of("#order_status")),)
    )


def _approve(scene: Scene, draw: random.Random) -> Draft:
    review = next(each for each in scene.all(Review) if each.status == "Pending")
    script = (
        Script(scene, draw).link("Reviews", "I open the reviews").link(f"Review {review.id}", "this one is pending")
    )
    script.button("Approve", "I approve it")
    oracle = script.stop("done", "it is approved")
    url = f"__SHOPPING_ADMIN__/review/product/edit/id/{review.id}"
    return Draft(
        "Approve the pending review.", {}, oracle, pages=(reads(url, "Approved", locator=text_of("#review_status")),)
    )


def _reprice(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    price = f"{draw.randint(1, 39)}.50"
    script = Script(scene, draw).link("Products", "I open the products").link(product.title, f"I open {product.title}")
    script.type("textbox", "Price", price, "I type the price", enter=True)
    oracle = script.stop("done", "the price is set")
    locator = "document.querySelector('#price').value"
    look = reads(f"__SHOPPING_ADMIN__/catalog/product/edit/{product.sku}", price, locator=locator)
    values = {"product": product.title, "price": price}
    return Draft("Set the price of the {product} to {price}.", values, oracle, pages=(look,))


def _score(scene: Scene, draw: random.Random) -> Draft:
    post = draw.choice(scene.all(Post))
    script = Script(scene, draw).link(post.title, f"I open {post.title}")
    oracle = script.stop(str(post.score), "the page tells the score")
    return Draft("What is the score of the post {title}?", {"title": post.title}, oracle, exactly(str(post.score)))


def _upvote(scene: Scene, draw: random.Random) -> Draft:
    post = draw.choice(scene.all(Post))
    script = Script(scene, draw).link(post.title, f"I open {post.title}").button("Upvote", "I vote for it")
    oracle = script.stop("done", "the vote counts")
    locator = "document.querySelector('div.submission__vote').querySelector('form').getAttribute('class')"
    look = shows(f"__REDDIT__/f/{post.community}/{post.id}/", "vote vote--user-upvoted", locator=locator)
    return Draft("Upvote the post {title}.", {"title": post.title}, oracle, pages=(look,))


def _open_post(scene: Scene, draw: random.Random) -> Draft:
    post = draw.choice(scene.all(Post))
    script = Script(scene, draw).link(post.title, f"I open {post.title}")
    oracle = script.stop("done", "the post is open")
    url = f"__REDDIT__/f/{post.community}/{post.id}/"
    return Draft("Open the post {title}.", {"title": post.title}, oracle, reference_url=url, url_note="EXACT")


def _version(scene: Scene, draw: random.Random) -> Draft:
    project = own_project(scene, draw)
    answer = file_text(scene, project, "VERSION").strip()
    script = Script(scene, draw).link(project.name, f"I open {project.name}").link("VERSION", "this file tells it")
    oracle = script.stop(answer, "this is the version")
    return Draft("What is the version of {project}?", {"project": project.name}, oracle, exactly(answer))


def _close(scene: Scene, draw: random.Random) -> Draft:
    project = own_project(scene, draw)
    issue = draw.choice([each for each in scene.all(Issue) if each.project_id == project.id])
    script = Script(scene, draw).link(project.name, f"I open {project.name}").link("Issues", "I open the issues")
    script.link(issue.title, f"I open {issue.title}").button("Close", "I close it")
    oracle = script.stop("done", "it is closed")
    look = reads(f"{base(project)}/-/issues/{issue.number}", "closed", locator=text_of("#issue_state"))
    return Draft(
        "Close the issue {title} of {project}.", {"title": issue.title, "project": project.name}, oracle, pages=(look,)
    )


def _create(scene: Scene, draw: random.Random) -> Draft:
    project = own_project(scene, draw)
    title = f"{draw.choice(TINY_MATERIALS)} {draw.choice(TINY_NOUNS)} {draw.randint(2, 99)}"
    script = Script(scene, draw).link(project.name, f"I open {project.name}").link("Issues", "I open the issues")
    script.link("New", "I make a new one").type("textbox", "Title", title, "I type the title", enter=True)
    oracle = script.stop("done", "the issue is there")
    values = {"title": title, "project": project.name}
    return Draft(
        "Make an issue {title} in {project}.", values, oracle, pages=(reads("last", title, locator=text_of("h1")),)
    )


def _people(scene: Scene, draw: random.Random) -> Draft:
    town = draw.choice(scene.all(Article))
    count = fact(town, r"(\d+) people")
    script = Script(scene, draw).link(town.title, f"I open {town.title}")
    oracle = script.stop(count, "the text tells the number")
    return Draft("How many people live in {town}?", {"town": town.title}, oracle, exactly(count))


def _search(scene: Scene, draw: random.Random) -> Draft:
    town = draw.choice(scene.all(Article))
    count = fact(town, r"(\d+) people")
    script = Script(scene, draw).type("searchbox", "Search", count, "I search for the number", enter=True)
    oracle = script.stop(town.title, "this town was found")
    return Draft("Which town has {count} people?", {"count": count}, oracle, exactly(town.title))


def _tiny(name: str, site: SiteName, make: Callable[[Scene, random.Random], Draft | None]) -> Template:
    return Template(f"tiny-{name}", site, make, difficulties=("tiny",))


TEMPLATES: Final = (
    _tiny("price", "shopping", _price),
    _tiny("add", "shopping", _add),
    _tiny("buy", "shopping", _buy),
    _tiny("order", "shopping", _order),
    _tiny("weight", "shopping", _weight),
    _tiny("set-status", "shopping_admin", _set_status),
    _tiny("approve", "shopping_admin", _approve),
    _tiny("set-price", "shopping_admin", _reprice),
    _tiny("score", "reddit", _score),
    _tiny("upvote", "reddit", _upvote),
    _tiny("open-post", "reddit", _open_post),
    _tiny("version", "gitlab", _version),
    _tiny("close", "gitlab", _close),
    _tiny("issue", "gitlab", _create),
    _tiny("people", "wikipedia", _people),
    _tiny("search", "wikipedia", _search),
)
