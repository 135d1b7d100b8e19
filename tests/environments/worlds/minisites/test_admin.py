import asyncio

from tests.environments.worlds.minisites.visitor import visiting

from agenttuning.environments.worlds.minisites.rows import Customer, Order, Product, Review


def test_orders_are_found_by_status_name_and_number_and_change_their_status() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("admin", "shopping_admin")
            order = visitor.scene.all(Order)[0]
            customer = next(each for each in visitor.scene.all(Customer) if each.account == order.account)
            for query in (f"q={order.id}", f"q={customer.name}&status={order.status}"):
                page = await visitor.page(f"/admin/sales/order/?{query}")
                assert f"Order {order.id}" in page.xpath("//td/a/text()"), query
            page = await visitor.page("/admin/sales/order/?status=Pending")
            assert set(page.xpath("//tbody/tr/td[4]/text()")) == {"Pending"}
            place = f"/admin/sales/order/view/order_id/{order.id}/"
            assert (await visitor.send(place, status="Lost")).status_code == 422
            assert (await visitor.send(place, status="Canceled")).status_code == 200
            assert visitor.database.rows(Order, "where id = ?", order.id)[0].status == "Canceled"

    asyncio.run(look())


def test_a_product_is_changed_only_to_sound_values() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("admin", "shopping_admin")
            product = visitor.scene.all(Product)[0]
            place = f"/admin/catalog/product/edit/{product.sku}"
            fields = {"product[name]": "New name", "product[stock]": "4", "product[price]": "$12.30"}
            for name, bad in (("product[name]", ""), ("product[stock]", "many"), ("product[price]", "12.3")):
                assert (await visitor.send(place, **{**fields, name: bad})).status_code == 422, name
            assert (await visitor.send(place, **fields)).status_code == 200
            changed = product._replace(title="New name", stock=4, price=1230)
            assert visitor.database.rows(Product, "where sku = ?", product.sku) == [changed]
            assert "$12.30" in (await visitor.get(f"/shop/product/{product.sku}")).text

    asyncio.run(look())


def test_reviews_are_approved_and_deleted() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("admin", "shopping_admin")
            first, second = [each for each in visitor.scene.all(Review) if each.status == "Pending"][:2]
            await visitor.send(f"/admin/review/product/edit/id/{first.id}", status="Approved")
            assert first.nickname in (await visitor.get(f"/shop/product/{first.sku}/reviews")).text
            await visitor.send(f"/admin/review/product/edit/id/{second.id}", action="delete")
            assert visitor.database.first(Review, "where id = ?", second.id) is None

    asyncio.run(look())


def test_what_a_customer_spent_leaves_canceled_orders_out() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("admin", "shopping_admin")
            customer = visitor.scene.all(Customer)[0]
            orders = [each for each in visitor.scene.all(Order) if each.account == customer.account]
            spent = sum(each.total for each in orders if each.status != "Canceled")
            text = (await visitor.get(f"/admin/customer/edit/{customer.id}")).text
            assert f"${spent // 100:,}.{spent % 100:02}" in text

    asyncio.run(look())
