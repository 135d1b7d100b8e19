"""The forum: communities, posts, votes, comments, profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from starlette.exceptions import HTTPException
from starlette.routing import Route

from agenttuning.environments.worlds.minisites.addresses import post_path
from agenttuning.environments.worlds.minisites.database import TODAY
from agenttuning.environments.worlds.minisites.rows import Account, Comment, Community, Post, Subscription, Vote
from agenttuning.environments.worlds.minisites.site import Part, Site, SiteName, go, missing, read_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

_ORDERS: Final = {"top": "score desc, id desc", "new": "day desc, id desc"}


class Forum(Site):
    """Posts in communities."""

    name: ClassVar[SiteName] = "reddit"
    title: ClassVar[str] = "Forum"
    folder: ClassVar[str] = "forum"
    about: ClassVar[str] = "Communities with posts, votes and comments."

    def routes(self) -> Sequence[Route]:
        """Return the addresses; those of posts are the official forum's."""
        return [
            Route("/", self._home),
            Route("/forums", self._communities),
            Route("/search", self._search),
            Route("/f/{community}", self._community),
            Route("/f/{community}/subscribe", self._subscribe, methods=["POST"]),
            Route("/f/{community}/{number:int}/", self._post),
            Route("/f/{community}/{number:int}/{slug}", self._post),
            Route("/f/{community}/{number:int}/-/vote", self._vote, methods=["POST"]),
            Route("/f/{community}/{number:int}/-/comment", self._comment, methods=["POST"]),
            Route("/f/{community}/{number:int}/-/delete", self._delete, methods=["POST"]),
            Route("/submit/{community}", self._ask_post),
            Route("/submit/{community}", self._submit, methods=["POST"]),
            Route("/user/{name}", self._user),
            Route("/user/{name}/edit", self._edit_user, methods=["POST"]),
        ]

    async def _home(self, request: Request) -> Response:
        posts = self.database.rows(Post, f"order by {_order(request)}")
        return self.page(request, "posts", heading="All posts", part=Part(posts, request), community=None, wanted="")

    async def _communities(self, request: Request) -> Response:
        return self.page(request, "communities", communities=self.database.rows(Community, "order by name"))

    async def _search(self, request: Request) -> Response:
        wanted = request.query_params.get("q", "").strip()
        posts = self.database.rows(
            Post, f"where instr(lower(title || ' ' || body), lower(?)) order by {_order(request)}", wanted
        )
        heading, part = f"Results for “{wanted}”", Part(posts, request)
        return self.page(request, "posts", heading=heading, part=part, community=None, wanted=wanted)

    async def _community(self, request: Request) -> Response:
        community = self._wanted_community(request)
        posts = self.database.rows(Post, f"where community = ? order by {_order(request)}", community.name)
        followed = self.database.first(
            Subscription, "where account = ? and community = ?", self.account(request) or "", community.name
        )
        heading, part = community.name, Part(posts, request)
        return self.page(
            request, "posts", heading=heading, part=part, community=community, followed=bool(followed), wanted=""
        )

    async def _subscribe(self, request: Request) -> Response:
        account, community = self.someone(request), self._wanted_community(request)
        held = self.database.first(Subscription, "where account = ? and community = ?", account, community.name)
        if held:
            self.database.change(
                "delete from subscription where account = ? and community = ?", account, community.name
            )
        else:
            self.database.add(Subscription(account, community.name))
        return go(request, f"/f/{community.name}")

    async def _post(self, request: Request) -> Response:
        post = self._wanted(request)
        comments = self.database.rows(Comment, "where post_id = ? order by id", post.id)
        vote = self.database.first(Vote, "where account = ? and post_id = ?", self.account(request) or "", post.id)
        return self.page(request, "post", post=post, comments=comments, vote=vote.value if vote else 0)

    async def _vote(self, request: Request) -> Response:
        account, post, form = self.someone(request), self._wanted(request), await read_form(request)
        value = {"up": 1, "down": -1}.get(form.get("choice", ""))
        if value is None:
            raise HTTPException(422, "A vote is up or down.")
        held = self.database.first(Vote, "where account = ? and post_id = ?", account, post.id)
        before = held.value if held else 0
        after = 0 if before == value else value
        self.database.change("delete from vote where account = ? and post_id = ?", account, post.id)
        if after:
            self.database.add(Vote(account, post.id, after))
        self.database.change("update post set score = score + ? where id = ?", after - before, post.id)
        return go(request, post_path(post))

    async def _comment(self, request: Request) -> Response:
        account, post, form = self.someone(request), self._wanted(request), await read_form(request)
        if not form.get("comment"):
            raise HTTPException(422, "The comment is empty.")
        number = self.database.number("select max(id) from comment") + 1
        self.database.add(Comment(number, post.id, account, form["comment"], TODAY))
        return go(request, post_path(post))

    async def _delete(self, request: Request) -> Response:
        account, post = self.someone(request), self._wanted(request)
        if post.author != account:
            raise HTTPException(403, "Only the author deletes a post.")
        self.database.change("delete from comment where post_id = ?", post.id)
        self.database.change("delete from post where id = ?", post.id)
        return go(request, f"/f/{post.community}")

    async def _ask_post(self, request: Request) -> Response:
        self.someone(request)
        return self.page(request, "submit", community=self._wanted_community(request))

    async def _submit(self, request: Request) -> Response:
        account, community, form = self.someone(request), self._wanted_community(request), await read_form(request)
        if not form.get("title"):
            raise HTTPException(422, "The post has no title.")
        number = self.database.number("select max(id) from post") + 1
        post = Post(number, community.name, account, form["title"], form.get("body", ""), TODAY, 1)
        self.database.add(post)
        return go(request, post_path(post))

    async def _user(self, request: Request) -> Response:
        user = self._wanted_user(request)
        posts = self.database.rows(Post, "where author = ? order by day desc, id desc", user.name)
        return self.page(request, "user", user=user, part=Part(posts, request))

    async def _edit_user(self, request: Request) -> Response:
        account, user, form = self.someone(request), self._wanted_user(request), await read_form(request)
        if user.name != account:
            raise HTTPException(403, "This is not your profile.")
        self.database.change(
            "update account set about = ? where site = ? and name = ?", form.get("about", ""), self.name, account
        )
        return go(request, f"/user/{account}")

    def _wanted_community(self, request: Request) -> Community:
        community = self.database.first(Community, "where name = ?", request.path_params["community"])
        if community is None:
            raise missing("community")
        return community

    def _wanted(self, request: Request) -> Post:
        place = request.path_params
        post = self.database.first(Post, "where id = ? and community = ?", place["number"], place["community"])
        if post is None:
            raise missing("post")
        return post

    def _wanted_user(self, request: Request) -> Account:
        name = request.path_params["name"]
        user = self.database.first(Account, "where site = ? and name = ?", self.name, name)
        if user is None:
            raise missing("user")
        return user


def _order(request: Request) -> str:
    return _ORDERS.get(request.query_params.get("sort", ""), _ORDERS["new"])
