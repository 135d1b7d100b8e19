"""What holds for every page of every site, whoever looks at it."""

import asyncio
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html
from tests.environments.worlds.minisites.visitor import PLACE, Visitor, visiting

from agenttuning.environments.worlds.minisites.rows import Post, Product, Project

FOLDERS = ("shop", "admin", "forum", "code", "wiki")


async def crawl(visitor: Visitor, *, most: int) -> dict[str, html.HtmlElement]:
    """Return the pages that links lead to, by address."""
    pages: dict[str, html.HtmlElement] = {}
    waiting = [f"{PLACE}/"] + [f"{PLACE}/{folder}/" for folder in FOLDERS]
    seen = set(waiting)
    while waiting and len(pages) < most:
        address = waiting.pop(0)
        response = await visitor.get(address)
        assert response.status_code == 200, address
        if "html" not in response.headers["content-type"]:
            continue
        pages[address] = page = html.fromstring(response.text)
        page.make_links_absolute(address)
        for link in page.xpath("//a/@href"):
            assert link.startswith(f"{PLACE}/"), f"{address} leads off the sites: {link}"
            if link not in seen:
                seen.add(link)
                waiting.append(link)
    return pages


@pytest.mark.parametrize(("difficulty", "most"), [("tiny", 100), ("standard", 220)])
def test_every_link_leads_to_a_page_that_a_person_and_a_reader_program_can_use(difficulty: str, most: int) -> None:
    async def look() -> dict[str, html.HtmlElement]:
        async with visiting(difficulty) as visitor:  # type: ignore[arg-type]
            await visitor.log_in_everywhere()
            return await crawl(visitor, most=most)

    pages = asyncio.run(look())
    assert len(pages) > 30
    assert all(sum(address.startswith(f"{PLACE}/{folder}/") for address in pages) > 3 for folder in FOLDERS)
    for address, page in pages.items():
        assert page.xpath("string(//title)").strip(), address
        assert page.get("lang") == "en", address
        assert not page.xpath("//script | //@onclick | //@style"), address
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids)), address
        for field in page.xpath("//input[not(@type='hidden')] | //textarea | //select"):
            named = field.get("aria-label") or page.xpath("//label[@for=$id]", id=field.get("id", "-"))
            assert named or field.xpath("ancestor::label"), (address, field.get("name"))
        for form in page.xpath("//form"):
            changes = not form.xpath(".//input[@type='search']")
            assert (form.get("method") == "post") == changes, address
        if difficulty == "standard" and address != f"{PLACE}/":
            assert len(page.xpath("//h1")) == 1, address


def test_tiny_pages_are_short() -> None:
    async def look() -> dict[str, html.HtmlElement]:
        async with visiting("tiny") as visitor:
            await visitor.log_in_everywhere()
            return await crawl(visitor, most=100)

    for address, page in asyncio.run(look()).items():
        if address != f"{PLACE}/":
            assert len(" ".join(page.find("body").text_content().split())) < 200, address


def test_nobody_sees_what_needs_a_log_in() -> None:
    closed = ("shop/checkout/cart/", "shop/sales/order/history/", "shop/customer/account/", "admin/", "admin/customer/")

    async def look() -> list[str]:
        async with visiting() as visitor:
            return [str((await visitor.get(f"/{path}")).url.path) for path in (*closed, "code/dashboard/issues")]

    assert {path.rpartition("/")[2] for path in asyncio.run(look())} == {"login"}


def test_a_page_that_is_not_there_says_so_and_leads_back() -> None:
    paths = ("shop/product/none", "forum/f/none", "forum/f/none/3/", "code/a/b", "wiki/wiki/None", "shop/catalog/None")

    async def look() -> list[tuple[int, str]]:
        async with visiting() as visitor:
            return [((found := await visitor.get(f"/{path}")).status_code, found.text) for path in paths]

    for status, text in asyncio.run(look()):
        assert status == 404
        assert "There is no such" in text
        assert "Back to the start" in text


def test_what_people_write_is_shown_as_text() -> None:
    hostile = "<script>alert(1)</script><b>'\"; drop table post; --"

    async def look() -> list[html.HtmlElement]:
        async with visiting() as visitor:
            await visitor.log_in_everywhere()
            name = visitor.scene.user
            await visitor.send(f"/forum/user/{name}/edit", about=hostile)
            await visitor.send("/shop/customer/account/", phone=hostile, city=hostile)
            return [
                await visitor.page(f"/forum/user/{name}"),
                await visitor.page("/shop/customer/account/"),
                await visitor.page(f"/shop/catalogsearch/result/?q={hostile}"),
                await visitor.page(f"/wiki/search?q={hostile}"),
                await visitor.page("/forum/"),
            ]

    profile, account, *others = asyncio.run(look())
    assert profile.xpath("string(//p[@class='user-bio__biography'])") == hostile
    assert account.xpath("string(//input[@name='phone']/@value)") == hostile
    assert not any(page.xpath("//script") for page in (profile, account, *others))


@settings(max_examples=12)
@given(text=st.text(max_size=30), number=st.integers(-(10**30), 10**30))
def test_whatever_is_asked_or_sent_there_is_an_answer(text: str, number: int) -> None:
    async def look() -> set[int]:
        async with visiting("tiny") as visitor:
            await visitor.log_in_everywhere()
            asked = {"q": text, "status": text, "sort": text, "kind": text, "label": text, "year": text, "page": number}
            post, project = visitor.scene.all(Post)[0], visitor.scene.all(Project)[0]
            inside = f"/code/{project.owner}/{project.name}/-"
            found = [
                await visitor.client.get(path, params=asked)
                for path in (
                    "/shop/catalogsearch/result/",
                    "/admin/sales/order/",
                    "/admin/review/product/",
                    "/wiki/",
                    "/wiki/search",
                )
            ]
            found += [
                await visitor.get(f"/{path}")
                for path in (
                    f"forum/f/{post.community}/{number}/",
                    f"shop/sales/order/view/order_id/{number}/",
                    f"shop/product/{quote(text, safe='')}",
                    f"code/x/{quote(text, safe='')}",
                )
            ]
            sent = dict.fromkeys(
                ("title", "body", "name", "account", "role", "note", "stars", "quantity", "city"), text
            )
            found += [
                await visitor.client.post(path, data=sent)
                for path in (
                    f"/shop/product/{visitor.scene.all(Product)[0].sku}/cart",
                    f"/shop/product/{visitor.scene.all(Product)[0].sku}/reviews",
                    "/shop/customer/account/",
                    f"/forum/submit/{post.community}",
                    f"{inside}/issues/new",
                    f"{inside}/issues/1/notes",
                    f"{inside}/project_members",
                    "/code/projects/new",
                )
            ]
            return {answer.status_code for answer in found}

    assert asyncio.run(look()) <= {200, 401, 403, 404, 405, 422}


def test_a_form_that_is_too_large_is_refused() -> None:
    async def look() -> int:
        async with visiting() as visitor:
            return (await visitor.send("/shop/login", username="a" * 100_000)).status_code

    assert asyncio.run(look()) == 413
