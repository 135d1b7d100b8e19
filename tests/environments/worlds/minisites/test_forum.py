import asyncio

from tests.environments.worlds.minisites.visitor import visiting

from agenttuning.environments.worlds.minisites.rows import Comment, Post, Subscription, Vote


def test_a_vote_counts_once_turns_and_is_taken_back() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("forum", "reddit")
            post = visitor.scene.all(Post)[0]
            place = f"/forum/f/{post.community}/{post.id}"
            scores = []
            for choice in ("up", "down", "down"):
                page = await visitor.send(f"{place}/-/vote", choice=choice)
                assert page.status_code == 200
                scores.append(visitor.database.rows(Post, "where id = ?", post.id)[0].score - post.score)
            assert scores == [1, -1, 0]
            assert visitor.database.rows(Vote) == []
            assert (await visitor.send(f"{place}/-/vote", choice="twice")).status_code == 422
            await visitor.send(f"{place}/-/vote", choice="up")
            form = (await visitor.page(f"{place}/")).xpath("//div[contains(@class, 'submission__vote')]/form[1]")[0]
            assert form.get("class").startswith("vote vote--user-upvoted")

    asyncio.run(look())


def test_posts_and_comments_are_written_and_deleted_by_their_author_only() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("forum", "reddit")
            other = visitor.scene.all(Post)[0]
            assert (await visitor.send(f"/forum/submit/{other.community}", title="")).status_code == 422
            page = await visitor.send(f"/forum/submit/{other.community}", title="Émile & co?", body="Text")
            post = visitor.database.rows(Post, "order by id desc limit 1")[0]
            assert page.url.path == f"/forum/f/{other.community}/{post.id}/mile-co"
            await visitor.send(f"/forum/f/{post.community}/{post.id}/-/comment", comment="First")
            assert visitor.database.rows(Comment, "where post_id = ?", post.id)[0].author == visitor.scene.user
            assert (await visitor.send(f"/forum/f/{other.community}/{other.id}/-/delete")).status_code == 403
            await visitor.send(f"/forum/f/{post.community}/{post.id}/-/delete")
            assert visitor.database.first(Post, "where id = ?", post.id) is None
            assert visitor.database.rows(Comment, "where post_id = ?", post.id) == []

    asyncio.run(look())


def test_subscribing_again_ends_it() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("forum", "reddit")
            name = visitor.scene.all(Post)[0].community
            assert "Unsubscribe" in (await visitor.send(f"/forum/f/{name}/subscribe")).text
            assert "Unsubscribe" not in (await visitor.send(f"/forum/f/{name}/subscribe")).text
            assert visitor.database.rows(Subscription) == []

    asyncio.run(look())


def test_top_sorts_by_score_and_profiles_are_their_owners() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("forum", "reddit")
            page = await visitor.page("/forum/?sort=top")
            best = sorted(visitor.scene.all(Post), key=lambda post: (-post.score, -post.id))
            assert page.xpath("//ul[@class='rows']/li/a/text()") == [post.title for post in best[:10]]
            author = visitor.scene.all(Post)[0].author
            assert (await visitor.send(f"/forum/user/{author}/edit", about="mine")).status_code == 403

    asyncio.run(look())
