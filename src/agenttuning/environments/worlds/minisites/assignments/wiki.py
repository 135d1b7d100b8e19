"""Tasks in the wiki."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.minisites.addresses import article_path
from agenttuning.environments.worlds.minisites.assignments.draft import (
    Draft,
    Script,
    Template,
    exactly,
    including,
    meaning,
    nothing,
)
from agenttuning.environments.worlds.minisites.rows import Article

if TYPE_CHECKING:
    import random

    from agenttuning.environments.worlds.minisites.scene import Scene


def towns(scene: Scene) -> list[Article]:
    """Return the articles about towns."""
    return [article for article in scene.all(Article) if article.kind == "town"]


def find_article(script: Script, title: str) -> Script:
    """Search for an article and open it."""
    script.type("searchbox", "Search", title, "the search looks through titles and texts", enter=True)
    return script.link(title, "the article has exactly this title")


def fact(article: Article, pattern: str) -> str:
    """Return what a pattern finds in an article."""
    found = re.search(pattern, article.text)
    assert found is not None, "every article of a kind tells the same facts"
    return found[1]


def linked(scene: Scene, article: Article, kind: str) -> Article:
    """Return the article of a kind that another one links to."""
    titles = re.findall(r"\[\[(.+?)\]\]", article.text)
    return next(each for each in scene.all(Article) if each.kind == kind and each.title in titles)


def _founded(scene: Scene, draw: random.Random) -> Draft:
    town = draw.choice(towns(scene))
    year = fact(town, r"founded in (\d+)")
    script = find_article(Script(scene, draw), town.title)
    oracle = script.stop(year, f"the article says that it was founded in {year}")
    return Draft("In which year was the town {town} founded?", {"town": town.title}, oracle, exactly(year))


def _river(scene: Scene, draw: random.Random) -> Draft:
    town = draw.choice(towns(scene))
    river = linked(scene, town, "river")
    length = fact(river, r"of (\d+) kilometres")
    script = find_article(Script(scene, draw), town.title)
    script.link(river.title, f"{town.title} lies on this river, so its article should tell the length")
    oracle = script.stop(f"{length} kilometres", f"the river has {length} kilometres")
    intent = "How long is the river on which the town {town} lies?"
    return Draft(intent, {"town": town.title}, oracle, including(length))


def _museum(scene: Scene, draw: random.Random) -> Draft:
    town = draw.choice(towns(scene))
    museum = linked(scene, town, "museum")
    objects = fact(museum, r"shows ([\d,]+) objects")
    script = find_article(Script(scene, draw), town.title)
    script.link(museum.title, "the best known house of the town is this museum")
    answer = f"It shows {objects} objects."
    oracle = script.stop(answer, "the article on the museum says it")
    intent = "What does the museum in {town} have on show, and how much of it?"
    return Draft(intent, {"town": town.title}, oracle, meaning(answer))


def _open(scene: Scene, draw: random.Random) -> Draft:
    town = draw.choice(towns(scene))
    founder = linked(scene, town, "person")
    script = find_article(Script(scene, draw), town.title)
    script.link(founder.title, "the text says who founded the town")
    return Draft(
        "Open the article on the person who founded {town}.",
        {"town": town.title},
        script.stop("done", "this is the founder's article"),
        reference_url=f"__WIKIPEDIA__{article_path(founder.title)}",
        url_note="EXACT",
    )


def _mayor(scene: Scene, draw: random.Random) -> Draft:
    town = draw.choice(towns(scene))
    script = find_article(Script(scene, draw), town.title)
    return Draft(
        "Who is the mayor of {town} today?",
        {"town": town.title},
        script.stop("N/A", "the article names a founder but no mayor"),
        nothing(),
        note="The wiki does not name mayors.",
    )


TEMPLATES: Final = (
    Template("wiki-founded", "wikipedia", _founded),
    Template("wiki-river", "wikipedia", _river),
    Template("wiki-museum", "wikipedia", _museum),
    Template("wiki-founder", "wikipedia", _open),
    Template("wiki-mayor", "wikipedia", _mayor),
)
