"""Tasks that need two sites, each open in a tab of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.minisites.addresses import post_path
from agenttuning.environments.worlds.minisites.assignments.admin import open_product
from agenttuning.environments.worlds.minisites.assignments.code import base, file_text, open_project
from agenttuning.environments.worlds.minisites.assignments.draft import Draft, Script, Template, reads, shows, text_of
from agenttuning.environments.worlds.minisites.assignments.forum import NEW_POST, find_post, write_post
from agenttuning.environments.worlds.minisites.assignments.shop import CART, find
from agenttuning.environments.worlds.minisites.assignments.wiki import find_article, linked, towns
from agenttuning.environments.worlds.minisites.rows import Community, Post, Product, Project, money

if TYPE_CHECKING:
    import random

    from agenttuning.environments.worlds.minisites.scene import Scene


def _price_post(scene: Scene, draw: random.Random) -> Draft:
    product, community = draw.choice(scene.all(Product)), draw.choice(scene.all(Community))
    price, title = money(product.price), f"Found in the shop: {product.title}"
    script = find(Script(scene, draw), product)
    script.tab(1, f"the price is {price}, and the forum is in the other tab")
    write_post(script, community, title, price)
    return Draft(
        "Look up the price of the {product} in the shop, then publish a post with the title “{title}” in the forum's "
        "community {community}; its text is the price alone.",
        {"product": product.title, "title": title, "community": community.name},
        script.stop("done", "the post with the price is published"),
        reference_url=f"__REDDIT__/f/{community.name}",
        pages=(
            reads(NEW_POST, title, locator=text_of("h1")),
            reads(NEW_POST, price, locator=text_of(".submission__body")),
        ),
        sites=("shopping", "reddit"),
    )


def _version_post(scene: Scene, draw: random.Random) -> Draft:
    project, post = draw.choice(scene.all(Project)), draw.choice(scene.all(Post))
    version = file_text(scene, project, "VERSION").strip()
    script = open_project(Script(scene, draw), project)
    script.link("VERSION", "the version stands in this file")
    script.tab(1, f"it is {version}; the post is in the forum, in the other tab")
    find_post(script, post)
    script.type("textbox", "Comment", version, "the version is all that the comment must say")
    script.button("Post comment", "the comment is complete")
    locator = "document.querySelector('.comments').lastElementChild.querySelector('.comment__body').outerText"
    return Draft(
        "Reply to the forum post “{title}” with the current version number of the project {project}, nothing else.",
        {"title": post.title, "project": project.name},
        script.stop("done", "the reply stands under the post"),
        pages=(reads(f"__REDDIT__{post_path(post)}", version, locator=locator),),
        sites=("gitlab", "reddit"),
    )


def _founder_issue(scene: Scene, draw: random.Random) -> Draft:
    town, project = draw.choice(towns(scene)), draw.choice(scene.all(Project))
    founder = linked(scene, town, "person").title
    script = find_article(Script(scene, draw), town.title)
    script.tab(1, f"the founder is {founder}; the project is in the other tab")
    open_project(script, project).link("Issues", "the issue belongs to this project")
    script.link("New issue", "this opens the form")
    script.type("textbox", "Title", founder, "the name of the founder is the title")
    script.button("Create issue", "the title is filled in")
    return Draft(
        "Open an issue in the project {project}. Its title is the name of the person who founded {town}, as the wiki "
        "spells it.",
        {"project": project.name, "town": town.title},
        script.stop("done", "the issue is there"),
        reference_url=f"{base(project)}/-/issues",
        pages=(reads("last", founder, locator=text_of("h1")),),
        sites=("wikipedia", "gitlab"),
    )


def _river_biography(scene: Scene, draw: random.Random) -> Draft:
    town = draw.choice(towns(scene))
    river = linked(scene, town, "river").title
    script = find_article(Script(scene, draw), town.title)
    script.tab(1, f"the town lies on the {river}; my profile is in the other tab")
    script.link("My profile", "I change the text of my own profile")
    script.type("textbox", "About me", river, "the name of the river is the whole text")
    script.button("Save profile", "the text is complete")
    return Draft(
        "Make the text of my forum profile the name of the river on which {town} lies.",
        {"town": town.title},
        script.stop("done", "the profile names the river"),
        pages=(reads(f"__REDDIT__/user/{scene.user}", river, locator=text_of(".user-bio__biography")),),
        sites=("wikipedia", "reddit"),
    )


def _discount(scene: Scene, draw: random.Random) -> Draft:
    product = draw.choice(scene.all(Product))
    price = f"{draw.randint(1, 3)}.{draw.choice(('15', '35'))}"
    script = open_product(Script(scene, draw), product)
    script.type("textbox", "Price", price, "the new price goes here")
    script.button("Save", "the price is filled in")
    script.tab(1, "the price is changed; now to the shop in the other tab")
    find(script, product).button("Add to cart", "one of it was asked for")
    return Draft(
        "Lower the price of the {product} to ${price} in the back office, then put one into my cart at the shop.",
        {"product": product.title, "price": price},
        script.stop("done", "the cart has it at the new price"),
        pages=(shows(CART, product.title, f"1 x ${price}", locator=text_of("main")),),
        sites=("shopping_admin", "shopping"),
    )


TEMPLATES: Final = (
    Template("two-price-post", "shopping", _price_post),
    Template("two-version-reply", "gitlab", _version_post),
    Template("two-founder-issue", "wikipedia", _founder_issue),
    Template("two-river-profile", "wikipedia", _river_biography),
    Template("two-discount", "shopping_admin", _discount),
)
