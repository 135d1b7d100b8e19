"""The shop and its back office: products, customers, orders, reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.minisites.rows import Account, Customer, Order, OrderLine, Product, Review
from agenttuning.environments.worlds.minisites.seeding import words
from agenttuning.environments.worlds.shop.assortment import DEPARTMENTS

if TYPE_CHECKING:
    from agenttuning.environments.worlds.minisites.rows import Row
    from agenttuning.environments.worlds.minisites.seeding.draw import Draw

STATUSES: Final = ("Pending", "Processing", "Complete", "Canceled")


def seed_commerce(draw: Draw, *, user: str, admin: str) -> list[Row]:
    """Return the rows of both sites; customer 1 is `user`."""
    products = _products(draw)
    customers = _customers(draw, user=user)
    rows: list[Row] = [
        Account("shopping", user, password(user), ""),
        Account("shopping_admin", admin, password(admin), ""),
        *products,
        *customers,
        *_reviews(draw, products, customers),
    ]
    orders, lines = _orders(draw, products, customers)
    return [*rows, *orders, *lines]


def password(account: str) -> str:
    """Return an account's password, short enough to be told in a task."""
    return f"{account[:3]}-{sum(account.encode()) % 900 + 100}"


def _products(draw: Draw) -> list[Product]:
    makers = _tiny_product if draw.difficulty == "tiny" else _product
    return [makers(draw, number) for number in range(draw.size(3, 28, 70))]


def _tiny_product(draw: Draw, number: int) -> Product:
    title = draw.fresh(lambda: f"{draw.pick(words.TINY_MATERIALS)} {draw.pick(words.TINY_NOUNS)}")
    return Product(_sku(draw, number), title, "Home", draw.random.randint(2, 39) * 100, draw.random.randint(1, 9), "")


def _product(draw: Draw, number: int) -> Product:
    department = DEPARTMENTS[number % len(DEPARTMENTS)]
    kind = draw.pick(department.kinds)
    title = draw.fresh(
        lambda: " ".join((draw.pick(department.looks), draw.pick(department.materials), kind.noun)).title()
    )
    first, second = draw.random.sample(department.features, 2)
    about = f"For {draw.pick(department.uses)}: {first}, {second}."
    price = draw.random.randint(*kind.prices) * 100 + draw.pick((0, 49, 50, 90, 99))
    return Product(_sku(draw, number), title, department.path[1], price, draw.random.randint(0, 120), about)


def _sku(draw: Draw, number: int) -> str:
    return draw.fresh(lambda: f"{draw.pick('ABCDEFGHKLMNPRSTUVWXYZ')}{draw.random.randint(10, 99)}{number:02}")


def _customers(draw: Draw, *, user: str) -> list[Customer]:
    rows = []
    for number in range(1, draw.size(3, 9, 24) + 1):
        account = user if number == 1 else draw.account()
        phone = f"555-{draw.random.randint(0, 9999):04}"
        rows.append(Customer(number, account, draw.person(), f"{account}@mail.mini", phone, draw.pick(words.CITIES)))
    return rows


def _reviews(draw: Draw, products: list[Product], customers: list[Customer]) -> list[Review]:
    pairs = [
        (product, customer)
        for product in products[: draw.size(1, 28, 70)]
        for customer in draw.random.sample(
            customers, draw.size(2, draw.random.randint(2, 5), draw.random.randint(2, 7))
        )
    ]
    draw.random.shuffle(pairs)
    days = sorted(draw.day() for _ in pairs)
    return [
        _review(draw, number, *pair, day=day) for number, (pair, day) in enumerate(zip(pairs, days, strict=True), 1)
    ]


def _review(draw: Draw, number: int, product: Product, customer: Customer, *, day: str) -> Review:
    stars = draw.pick((1, 2, 3, 4, 4, 5, 5))
    titles, texts = (words.PRAISE, words.PRAISE_TEXTS) if stars > 3 else (words.BLAME, words.BLAME_TEXTS)
    body = "" if draw.difficulty == "tiny" else draw.pick(texts)
    status = "Pending" if number % draw.size(2, 9, 14) == 0 else "Approved"
    nickname = customer.name.split()[0] if draw.difficulty == "tiny" else customer.name
    return Review(draw.number(number), product.sku, nickname, stars, draw.pick(titles), body, status, day)


def _orders(draw: Draw, products: list[Product], customers: list[Customer]) -> tuple[list[Order], list[OrderLine]]:
    orders, lines = [], []
    mine, others = draw.size(2, 6, 12), draw.size(2, 16, 60)
    owners = [customers[0]] * mine + [draw.pick(customers[1:]) for _ in range(others)]
    draw.random.shuffle(owners)
    days = sorted(draw.day(last=440) for _ in owners)
    for place, (owner, day) in enumerate(zip(owners, days, strict=True), start=50):
        number = draw.number(place)
        bought = draw.random.sample(products, draw.size(1, draw.random.randint(1, 2), draw.random.randint(1, 3)))
        new = [OrderLine(number, each.sku, draw.random.randint(1, 3), each.price) for each in bought]
        total = sum(line.quantity * line.price for line in new)
        orders.append(Order(number, owner.account, day, draw.pick(STATUSES), owner.city, total))
        lines += new
    return orders, lines
