"""The small pieces that pages are made of."""

import re
from datetime import date
from urllib.parse import parse_qs, urlencode

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from agenttuning.environments.worlds.minisites.addresses import slug
from agenttuning.environments.worlds.minisites.database import TODAY
from agenttuning.environments.worlds.minisites.rows import money
from agenttuning.environments.worlds.minisites.seeding.draw import new_draw
from agenttuning.environments.worlds.minisites.site import Part, whole


def request(query: bytes) -> Request:
    return Request({"type": "http", "query_string": query, "headers": [], "path": "/", "root_path": ""})


@given(count=st.integers(0, 95), asked=st.text(alphabet="0123456789-x", max_size=4))
def test_pages_of_a_list_hold_every_row_once(count: int, asked: str) -> None:
    rows = list(range(count))
    some = Part(rows, request(f"page={asked}".encode()))
    assert 1 <= some.number <= some.last
    pages = [Part(rows, request(f"page={number}".encode())).rows for number in range(1, some.last + 1)]
    assert [row for page in pages for row in page] == rows
    assert all(len(page) <= 10 for page in pages)


@given(text=st.text(max_size=20))
def test_links_to_other_pages_keep_what_was_asked(text: str) -> None:
    asked = request(urlencode({"q": text, "page": "1"}).encode())
    assert parse_qs(f"{Part([], asked).query}2", keep_blank_values=True) == {"q": [text], "page": ["2"]}


@given(number=st.integers(-(10**12), 10**12))
def test_whole_numbers_are_read_within_their_bounds(number: int) -> None:
    assert whole(str(number), low=3, high=900) == (number if 3 <= number <= 900 else None)


@given(title=st.text(max_size=90))
def test_a_slug_is_safe_in_an_address(title: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,60}", slug(title))


def test_prices_are_read_as_dollars_and_cents() -> None:
    assert [money(cents) for cents in (0, 5, 1250, 123456)] == ["$0.00", "$0.05", "$12.50", "$1,234.56"]


def test_no_day_lies_after_today() -> None:
    draw = new_draw("standard", seed=0)
    days = {draw.day() for _ in range(2_000)}
    assert max(days) <= TODAY
    assert min(days) >= "2023-01-01"
    assert all(date.fromisoformat(day) for day in days)
