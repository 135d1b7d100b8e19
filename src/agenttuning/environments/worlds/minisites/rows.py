"""What the five sites keep: one record type per table."""

from __future__ import annotations

from typing import NamedTuple


class Account(NamedTuple):
    """Somebody who can log in to one site."""

    site: str
    name: str
    password: str
    about: str


class Session(NamedTuple):
    """A log-in: the cookie's value and whose it is."""

    token: str
    site: str
    account: str


class Product(NamedTuple):
    """Something the shop sells; the price is in cents."""

    sku: str
    title: str
    category: str
    price: int
    stock: int
    about: str


class Review(NamedTuple):
    """What a customer wrote; shown in the shop once it is approved."""

    id: int
    sku: str
    nickname: str
    stars: int
    title: str
    body: str
    status: str
    day: str


class Customer(NamedTuple):
    """Somebody who buys in the shop; `account` is the log-in name."""

    id: int
    account: str
    name: str
    email: str
    phone: str
    city: str


class CartLine(NamedTuple):
    """Something in a customer's cart."""

    account: str
    sku: str
    quantity: int


class Order(NamedTuple):
    """An order; the total is in cents."""

    id: int
    account: str
    day: str
    status: str
    address: str
    total: int


class OrderLine(NamedTuple):
    """One product of an order, at the price of that day."""

    order_id: int
    sku: str
    quantity: int
    price: int


class Community(NamedTuple):
    """A part of the forum."""

    name: str
    about: str


class Subscription(NamedTuple):
    """Who follows a community."""

    account: str
    community: str


class Post(NamedTuple):
    """A post of a community; the score is votes up less votes down."""

    id: int
    community: str
    author: str
    title: str
    body: str
    day: str
    score: int


class Comment(NamedTuple):
    """An answer to a post."""

    id: int
    post_id: int
    author: str
    body: str
    day: str


class Vote(NamedTuple):
    """One account's vote on a post: 1 or -1."""

    account: str
    post_id: int
    value: int


class Project(NamedTuple):
    """A project of the code host."""

    id: int
    owner: str
    name: str
    about: str
    stars: int


class File(NamedTuple):
    """A file of a project's main branch."""

    project_id: int
    path: str
    text: str


class Issue(NamedTuple):
    """An issue; `assignee` is an account or empty, `state` open or closed."""

    project_id: int
    number: int
    title: str
    body: str
    author: str
    assignee: str
    state: str
    day: str


class Label(NamedTuple):
    """A label that issues of a project may carry."""

    project_id: int
    name: str


class IssueLabel(NamedTuple):
    """A label on an issue."""

    project_id: int
    number: int
    label: str


class MergeRequest(NamedTuple):
    """A wish to merge a branch; `state` is open, merged or closed."""

    project_id: int
    number: int
    title: str
    body: str
    branch: str
    author: str
    state: str
    day: str


class Note(NamedTuple):
    """A comment on an issue or a merge request (`kind`)."""

    id: int
    project_id: int
    kind: str
    number: int
    author: str
    body: str
    day: str


class Member(NamedTuple):
    """Who takes part in a project, and as what."""

    project_id: int
    account: str
    role: str


class Article(NamedTuple):
    """A page of the wiki; `[[Title]]` in its text is a link."""

    title: str
    kind: str
    text: str


Row = (
    Account
    | Session
    | Product
    | Review
    | Customer
    | CartLine
    | Order
    | OrderLine
    | Community
    | Subscription
    | Post
    | Comment
    | Vote
    | Project
    | File
    | Issue
    | Label
    | IssueLabel
    | MergeRequest
    | Note
    | Member
    | Article
)


def money(cents: int) -> str:
    """Return a price as `$12.50`."""
    return f"${cents // 100:,}.{cents % 100:02}"
