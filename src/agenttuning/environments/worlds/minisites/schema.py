"""The tables of the sites and the statements that follow from their record types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_type_hints

from agenttuning.environments.worlds.minisites.rows import (
    Account,
    Article,
    CartLine,
    Comment,
    Community,
    Customer,
    File,
    Issue,
    IssueLabel,
    Label,
    Member,
    MergeRequest,
    Note,
    Order,
    OrderLine,
    Post,
    Product,
    Project,
    Review,
    Session,
    Subscription,
    Vote,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agenttuning.environments.worlds.minisites.rows import Row

TABLES: Final[Mapping[type[tuple[str | int, ...]], str]] = {
    Account: "account",
    Session: "session",
    Product: "product",
    Review: "review",
    Customer: "customer",
    CartLine: "cart_line",
    Order: "shop_order",
    OrderLine: "order_line",
    Community: "community",
    Subscription: "subscription",
    Post: "post",
    Comment: "comment",
    Vote: "vote",
    Project: "project",
    File: "file",
    Issue: "issue",
    Label: "label",
    IssueLabel: "issue_label",
    MergeRequest: "merge_request",
    Note: "note",
    Member: "member",
    Article: "article",
}
_KEYS: Final[Mapping[type[tuple[str | int, ...]], str]] = {
    Account: "site, name",
    Session: "token",
    Product: "sku",
    CartLine: "account, sku",
    Community: "name",
    Subscription: "account, community",
    Vote: "account, post_id",
    File: "project_id, path",
    Issue: "project_id, number",
    IssueLabel: "project_id, number, label",
    MergeRequest: "project_id, number",
    Member: "project_id, account",
    Article: "title",
}


def schema() -> str:
    """Return the statements that create every table."""
    return "\n".join(_table(kind, name) for kind, name in TABLES.items())


def _table(kind: type[tuple[str | int, ...]], name: str) -> str:
    columns = [
        f"{column} {'integer' if hint is int else 'text'}{' primary key' if column == 'id' else ' not null'}"
        for column, hint in get_type_hints(kind).items()
    ]
    if kind in _KEYS:
        columns.append(f"primary key ({_KEYS[kind]})")
    return f"create table {name} ({', '.join(columns)});"


def insertion(kind: type[Row]) -> str:
    """Return the statement that inserts one record of a type."""
    places = ", ".join("?" for _ in kind._fields)
    return f"insert into {TABLES[kind]} values ({places})"  # noqa: S608  names of ours, no value
