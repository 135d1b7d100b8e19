import asyncio

from lxml import html
from tests.environments.worlds.minisites.visitor import Visitor, visiting

from agenttuning.environments.worlds.minisites.rows import (
    CartLine,
    Customer,
    Order,
    OrderLine,
    Product,
    Review,
    Session,
)


def titles(page: html.HtmlElement) -> list[str]:
    return [link.text for link in page.xpath("//ul[contains(@class, 'rows')]//a[contains(@href, '/product/')]")]


def test_search_finds_all_words_in_any_order_and_sorts() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            product = visitor.scene.all(Product)[3]
            words = " ".join(reversed(product.title.split()))
            assert product.title in titles(await visitor.page(f"/shop/catalogsearch/result/?q={words}"))
            same = [each for each in visitor.scene.all(Product) if each.category == product.category]
            found = titles(await visitor.page(f"/shop/catalog/{product.category}?sort=price"))
            assert found == [each.title for each in sorted(same, key=lambda each: (each.price, each.title))]
            found = titles(await visitor.page(f"/shop/catalog/{product.category}?sort=dearest"))
            assert found == [each.title for each in sorted(same, key=lambda each: (-each.price, each.title))]
            assert "Nothing was found" in (await visitor.get("/shop/catalogsearch/result/?q=xylophone")).text

    asyncio.run(look())


def test_a_long_list_has_pages_that_keep_the_search() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            page = await visitor.page("/shop/catalogsearch/result/?q=a&sort=name")
            following = page.xpath("string(//a[.='Next page']/@href)")
            assert following == "?q=a&sort=name&page=2"
            rest = await visitor.page(f"/shop/catalogsearch/result/{following}")
            assert len(titles(page)) == 10
            assert set(titles(page)).isdisjoint(titles(rest))

    asyncio.run(look())


async def buy(visitor: Visitor, product: Product, **fields: str) -> str:
    await visitor.send(f"/shop/product/{product.sku}/cart", quantity="3")
    return str((await visitor.send("/shop/checkout/", **fields)).url)


def test_an_order_takes_what_is_in_the_cart_at_the_price_of_the_day() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("shop", "shopping")
            product = visitor.scene.all(Product)[0]
            before = len(visitor.database.rows(Order))
            url = await buy(visitor, product, city="7 Mill Lane")
            order = visitor.database.rows(Order, "order by id desc limit 1")[0]
            assert url.endswith(f"/shop/sales/order/view/order_id/{order.id}/")
            assert (order.account, order.address, order.total) == (
                visitor.scene.user,
                "7 Mill Lane",
                3 * product.price,
            )
            lines = visitor.database.rows(OrderLine, "where order_id = ?", order.id)
            assert lines == [OrderLine(order.id, product.sku, 3, product.price)]
            assert visitor.database.rows(CartLine) == []
            assert len(visitor.database.rows(Order)) == before + 1
            assert (await visitor.send("/shop/checkout/")).status_code == 422

    asyncio.run(look())


def test_the_cart_adds_up_removes_and_refuses_odd_quantities() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("shop", "shopping")
            product = visitor.scene.all(Product)[0]
            for quantity, status in (("", 200), ("2", 200), ("0", 422), ("-1", 422), ("1e3", 422), ("²", 422)):
                answer = await visitor.send(f"/shop/product/{product.sku}/cart", quantity=quantity)
                assert answer.status_code == status, quantity
            assert visitor.database.rows(CartLine) == [CartLine(visitor.scene.user, product.sku, 3)]
            assert "The cart is empty" in (await visitor.send("/shop/checkout/cart/", sku=product.sku)).text

    asyncio.run(look())


def test_orders_of_others_are_not_shown() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("shop", "shopping")
            other = next(each for each in visitor.scene.all(Order) if each.account != visitor.scene.user)
            assert (await visitor.get(f"/shop/sales/order/view/order_id/{other.id}/")).status_code == 404

    asyncio.run(look())


def test_a_review_needs_stars_and_a_name_and_is_shown_first() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            product = visitor.scene.all(Product)[0]
            place = f"/shop/product/{product.sku}/reviews"
            await visitor.log_in("shop", "shopping")
            for stars in ("", "0", "6", "five"):
                answer = await visitor.send(place, stars=stars, nickname="Ada", title="Fine")
                assert answer.status_code == 422
                assert "are needed" in answer.text
            page = html.fromstring((await visitor.send(place, stars="4", nickname="Ada", title="Fine")).text)
            assert page.xpath("string(//ul[contains(@class, 'reviews')]/li[1]/b)") == "Fine"

    asyncio.run(look())


def test_pending_reviews_are_not_shown() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            review = next(each for each in visitor.scene.all(Review) if each.status == "Pending")
            page = await visitor.page(f"/shop/product/{review.sku}/reviews")
            shown = page.xpath("//ul[contains(@class, 'reviews')]/li/small/text()")
            assert not any(text.startswith(f"{review.nickname},") for text in shown)

    asyncio.run(look())


def test_the_account_keeps_what_is_left_empty() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("shop", "shopping")
            before = visitor.scene.all(Customer)[0]
            await visitor.send("/shop/customer/account/", phone="555-1", city="")
            assert visitor.database.rows(Customer, "where id = 1") == [before._replace(phone="555-1")]

    asyncio.run(look())


def test_log_in_and_out() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            wrong = await visitor.send("/shop/login", username=visitor.scene.user, password="guess")
            assert (wrong.status_code, "is wrong" in wrong.text) == (401, True)
            assert (await visitor.send("/shop/login", username="nobody", password="")).status_code == 401
            await visitor.log_in("shop", "shopping")
            assert len(visitor.database.rows(Session)) == 1
            assert (await visitor.get("/admin/")).url.path == "/admin/login"
            await visitor.send("/shop/logout")
            assert visitor.database.rows(Session) == []

    asyncio.run(look())


def test_the_interface_for_evaluators_wants_its_own_token() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            review = visitor.scene.all(Review)[-1]
            paths = ("/shop/rest/V1/orders", f"/shop/rest/V1/products/{review.sku}/reviews")
            await visitor.log_in("shop", "shopping")
            session = visitor.database.rows(Session)[0].token
            for token in ("", session):
                headers = {"authorization": f"Bearer {token}"}
                assert [(await visitor.client.get(path, headers=headers)).status_code for path in paths] == [401, 401]
            token = (await visitor.client.post("/shop/rest/default/V1/integration/admin/token", json={})).json()
            headers = {"authorization": f"Bearer {token}"}
            orders, reviews = [(await visitor.client.get(path, headers=headers)).json() for path in paths]
            assert int(orders["items"][0]["increment_id"]) == max(each.id for each in visitor.scene.all(Order))
            assert reviews[-1]["nickname"] == review.nickname
            assert reviews[-1]["ratings"][0]["percent"] == review.stars * 20
            visitor.client.cookies.clear()
            cookie = {"cookie": f"shopping_session={token}"}
            answer = await visitor.client.get("/shop/checkout/cart/", headers=cookie)
            assert answer.url.path == "/shop/login"

    asyncio.run(look())
