"""Tasks in the forum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.minisites.addresses import post_path
from agenttuning.environments.worlds.minisites.assignments.draft import (
    Draft,
    Script,
    Template,
    exactly,
    meaning,
    nothing,
    reads,
    shows,
    text_of,
)
from agenttuning.environments.worlds.minisites.rows import Account, Comment, Community, Post
from agenttuning.environments.worlds.minisites.seeding.words import TOPICS
from agenttuning.environments.worlds.webarena.raw_task import EITHER

if TYPE_CHECKING:
    import random

    from agenttuning.environments.worlds.minisites.scene import Scene

NEW_POST: Final = "func:reddit_get_post_url('__last_url__')"


def find_post(script: Script, post: Post) -> Script:
    """Search for a post and open it."""
    script.type("searchbox", "Search", post.title, "the search finds posts by their titles", enter=True)
    return script.link(post.title, "this is the post")


def write_post(script: Script, community: Community, title: str, text: str) -> Script:
    """Publish a post in a community."""
    script.link("Communities", "the post belongs into a community, so I look for that first")
    script.link(community.name, "this is the community")
    script.link("Write a post", "members write posts here")
    script.type("textbox", "Title", title, "the title was given to me")
    script.type("textbox", "Text", text, "so was the text")
    return script.button("Create post", "title and text are there")


def _author(scene: Scene, draw: random.Random) -> Draft:
    post = draw.choice(scene.all(Post))
    script = find_post(Script(scene, draw), post)
    oracle = script.stop(post.author, f"it says that {post.author} wrote it")
    return Draft("Who wrote the post “{title}”?", {"title": post.title}, oracle, exactly(post.author))


def _score(scene: Scene, draw: random.Random) -> Draft:
    post = draw.choice(scene.all(Post))
    script = find_post(Script(scene, draw), post)
    oracle = script.stop(str(post.score), "the score stands between the two votes")
    return Draft("What is the score of the post “{title}”?", {"title": post.title}, oracle, exactly(str(post.score)))


def _advice(scene: Scene, draw: random.Random) -> Draft | None:
    pairs = [
        (post, comments[0])
        for post in scene.all(Post)
        if len(comments := [each for each in scene.all(Comment) if each.post_id == post.id]) == 1
    ]
    if not pairs:
        return None
    post, comment = draw.choice(pairs)
    script = find_post(Script(scene, draw), post)
    oracle = script.stop(comment.body, "there is one comment, and this is what it says")
    values = {"name": comment.author, "title": post.title}
    return Draft("What does {name} reply to the post “{title}”?", values, oracle, meaning(comment.body))


def _top(scene: Scene, draw: random.Random) -> Draft | None:
    *best, third = sorted(scene.all(Post), key=lambda post: -post.score)[:3]
    if third.score == best[1].score:
        return None
    script = Script(scene, draw).link("Top", "sorted by score, the best posts come first")
    script.link(best[0].title, "this post is on top of the list")
    return Draft(
        "Open one of the two posts with the highest score in the whole forum.",
        {},
        script.stop("done", "one of the two is open"),
        reference_url=EITHER.join(f"__REDDIT__{post_path(post)}" for post in best),
    )


def _moderator(scene: Scene, draw: random.Random) -> Draft:
    community = draw.choice(scene.all(Community))
    script = Script(scene, draw).link("Communities", "I look at the community first")
    script.link(community.name, "this is the community")
    return Draft(
        "Who moderates the community {community}?",
        {"community": community.name},
        script.stop("N/A", "nothing on its page names a moderator"),
        nothing(),
        note="The forum does not tell who moderates a community.",
    )


def _vote(scene: Scene, draw: random.Random) -> Draft:
    post, up = draw.choice(scene.all(Post)), draw.random() < 0.5
    script = find_post(Script(scene, draw), post)
    script.button("Upvote" if up else "Downvote", "the vote is what I was asked for")
    wanted = "vote vote--user-upvoted" if up else "vote vote--user-downvoted"
    locator = "document.querySelector('div.submission__vote').querySelector('form').getAttribute('class')"
    return Draft(
        "{verb} the post “{title}”.",
        {"verb": "Upvote" if up else "Downvote", "title": post.title},
        script.stop("done", "the page shows my vote"),
        pages=(shows(f"__REDDIT__{post_path(post)}", wanted, locator=locator),),
    )


def _comment(scene: Scene, draw: random.Random) -> Draft:
    post, text = draw.choice(scene.all(Post)), f"See page {draw.randint(2, 400)} of the handbook"
    script = find_post(Script(scene, draw), post)
    script.type("textbox", "Comment", text, "the comment goes into this field")
    script.button("Post comment", "the text is complete")
    locator = "document.querySelector('.comments').lastElementChild.querySelector('.comment__body').outerText"
    return Draft(
        "Reply to the post “{title}” with the comment “{text}”.",
        {"title": post.title, "text": text},
        script.stop("done", "my comment is the last one"),
        pages=(reads(f"__REDDIT__{post_path(post)}", text, locator=locator),),
    )


def _submit(scene: Scene, draw: random.Random) -> Draft:
    community = draw.choice(scene.all(Community))
    title = f"Meeting number {draw.randint(20, 99)} about {draw.choice(TOPICS)}"
    text = f"We start at {draw.randint(8, 19)}:30 in hall {draw.randint(1, 9)}"
    script = write_post(Script(scene, draw), community, title, text)
    return Draft(
        "Publish a post with the title “{title}” and the text “{text}” in the community {community}.",
        {"title": title, "text": text, "community": community.name},
        script.stop("done", "the post is published"),
        reference_url=f"__REDDIT__/f/{community.name}",
        pages=(
            reads(NEW_POST, title, locator=text_of("h1")),
            shows(NEW_POST, text, locator=text_of(".submission__body")),
        ),
    )


def _subscribe(scene: Scene, draw: random.Random) -> Draft:
    community = draw.choice(scene.all(Community))
    script = Script(scene, draw).link("Communities", "I look for the community")
    script.link(community.name, "this is the community")
    script.button("Subscribe", "this button makes me a follower")
    return Draft(
        "Subscribe to the community {community}.",
        {"community": community.name},
        script.stop("done", "the button offers to unsubscribe now"),
        pages=(
            shows(f"__REDDIT__/f/{community.name}", f"Unsubscribe{EITHER}Unfollow", locator=text_of("#subscription")),
        ),
    )


def _biography(scene: Scene, draw: random.Random) -> Draft:
    text = f"Collects {draw.choice(TOPICS)} since {draw.randint(1960, 2020)}"
    script = Script(scene, draw).link("My profile", "what others read about me is in my profile")
    script.type("textbox", "About me", text, "the text goes here")
    script.button("Save profile", "the text is complete")
    return Draft(
        "Let my profile say: {text}",
        {"text": text},
        script.stop("done", "the profile shows the text"),
        pages=(reads(f"__REDDIT__/user/{scene.user}", text, locator=text_of(".user-bio__biography")),),
    )


def _sign_in(scene: Scene, draw: random.Random) -> Draft:
    account = next(each for each in scene.all(Account) if each.site == "reddit")
    script = Script(scene, draw).link("Sign in", "I am not logged in yet")
    script.type("textbox", "User name", account.name, "the user name comes first")
    script.type("textbox", "Password", account.password, "the enter key sends the form", enter=True)
    script.link("My profile", "the menu has a profile now")
    return Draft(
        "Sign in with user name {user} and password {password}, then open my profile.",
        {"user": account.name, "password": account.password},
        script.stop("done", "this is the profile"),
        reference_url=f"__REDDIT__/user/{account.name}",
        url_note="EXACT",
        pages=(shows("last", "Save profile"),),
        logged_in=False,
    )


TEMPLATES: Final = (
    Template("forum-author", "reddit", _author),
    Template("forum-score", "reddit", _score),
    Template("forum-advice", "reddit", _advice),
    Template("forum-top", "reddit", _top),
    Template("forum-moderator", "reddit", _moderator),
    Template("forum-vote", "reddit", _vote),
    Template("forum-comment", "reddit", _comment),
    Template("forum-submit", "reddit", _submit),
    Template("forum-subscribe", "reddit", _subscribe),
    Template("forum-biography", "reddit", _biography),
    Template("forum-sign-in", "reddit", _sign_in),
)
