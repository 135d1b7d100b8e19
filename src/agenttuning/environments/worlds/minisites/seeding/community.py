"""The forum: communities, posts, comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.minisites.rows import Account, Comment, Community, Post
from agenttuning.environments.worlds.minisites.seeding import words
from agenttuning.environments.worlds.minisites.seeding.commerce import password

if TYPE_CHECKING:
    from agenttuning.environments.worlds.minisites.rows import Row
    from agenttuning.environments.worlds.minisites.seeding.draw import Draw


def seed_forum(draw: Draw, *, user: str) -> list[Row]:
    """Return the rows of the forum."""
    people = [user, *(draw.account() for _ in range(draw.size(2, 9, 30)))]
    accounts = [Account("reddit", name, password(name), "") for name in people]
    communities = [_community(draw) for _ in range(draw.size(2, 6, 8))]
    posts = [_post(draw, number, communities, people) for number in range(1, draw.size(4, 26, 80) + 1)]
    return [*accounts, *communities, *posts, *_comments(draw, posts, people)]


def _community(draw: Draw) -> Community:
    name = draw.fresh(lambda: f"{draw.pick(words.PREFIXES)}{draw.pick(words.HOBBIES)}")
    hobby = next(each for each in words.HOBBIES if name.endswith(each))
    return Community(name, f"Everything about {hobby.lower()}, for beginners and old hands.")


def _post(draw: Draw, number: int, communities: list[Community], people: list[str]) -> Post:
    title = draw.fresh(lambda: draw.pick(words.ASKS).format(draw.pick(words.TOPICS), draw.pick(words.SEASONS)))
    if draw.difficulty == "tiny":
        title = draw.fresh(lambda: f"{draw.pick(words.TINY_MATERIALS)} {draw.pick(words.TINY_NOUNS)}")
    community = communities[number % len(communities)].name
    body = "" if draw.difficulty == "tiny" else draw.pick(words.POST_TEXTS)
    author = draw.pick(people[1:])
    return Post(number + 100, community, author, title, body, draw.day(last=440), draw.random.randint(-5, 240))


def _comments(draw: Draw, posts: list[Post], people: list[str]) -> list[Comment]:
    rows: list[Comment] = []
    for post in posts:
        count = draw.size(1, draw.random.randint(0, 4), draw.random.randint(0, 5))
        for day in sorted(max(post.day, draw.day()) for _ in range(count)):
            rows.append(Comment(len(rows) + 501, post.id, draw.pick(people[1:]), draw.pick(words.COMMENT_TEXTS), day))
    return rows
