"""The live wiki against a server of our own, by httpx's mock transport."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from agenttuning.environments.worlds.wiki.backend import Page, Similar
from agenttuning.environments.worlds.wiki.live import ATTEMPTS, MAX_BYTES, LiveWiki
from agenttuning.errors import RecipeError, WorldError

URL = "https://wiki.example/w/api.php"
OSLO = {
    "query": {
        "redirects": [{"from": "Christiania", "to": "Oslo"}],
        "pages": [
            {
                "pageid": 7,
                "title": "Oslo",
                "extract": "Oslo is a city.\nIt lies on a fjord.\n\n\n== Past ==\nIt burnt.\n=== Later ===\nRebuilt.",
                "revisions": [{"revid": 4711, "parentid": 1}],
            }
        ],
    }
}
MISSING = {"query": {"pages": [{"title": "Osloo", "missing": True}]}}
MEANINGS = {
    "query": {"pages": [{"title": "Mercury", "extract": "Mercury may mean:", "pageprops": {"disambiguation": ""}}]}
}
HITS = {"query": {"search": [{"title": f"Hit {number}", "pageid": number} for number in range(7)]}}
Handler = Callable[[httpx.Request], httpx.Response]


class Clock:
    """Notes the waits instead of waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


def _search(handler: Handler, *entities: str, clock: Clock | None = None) -> list[Page | Similar]:
    async def run() -> list[Page | Similar]:
        client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
        wiki = LiveWiki(URL, contact="me@example.org", client=client, sleep=clock or Clock())
        found = [await wiki.search(entity) for entity in entities]
        await wiki.close()
        await wiki.close()
        return found

    return asyncio.run(run())


def test_a_page_comes_with_paragraphs_and_revision_and_says_who_asks() -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=OSLO)

    (page,) = _search(handler, " Christiania\n")
    assert page == Page(
        title="Oslo", paragraphs=("Oslo is a city.", "It lies on a fjord.", "It burnt.", "Rebuilt."), revision=4711
    )
    (request,) = asked
    assert request.headers["User-Agent"].startswith("agenttuning/")
    assert "(me@example.org)" in request.headers["User-Agent"]
    parameters = dict(request.url.params)
    assert parameters["titles"] == "Christiania"
    assert (parameters["redirects"], parameters["formatversion"], parameters["maxlag"]) == ("1", "2", "5")


@pytest.mark.parametrize("page", [MISSING, MEANINGS, {"query": {"pages": [{"title": "x", "invalid": True}]}}, {}])
def test_without_a_page_or_with_a_list_of_meanings_the_search_decides(page: dict[str, object]) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=HITS if request.url.params.get("list") == "search" else page)

    assert _search(handler, "Mercury") == [Similar(titles=("Hit 0", "Hit 1", "Hit 2", "Hit 3", "Hit 4"))]


@pytest.mark.parametrize("entity", ["a|b", "C#", "List of [odd] things", "{{x}}", "<b>"])
def test_what_no_title_can_be_is_only_searched(entity: str) -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=HITS)

    _search(handler, entity)
    assert [one.get("srsearch") for one in asked] == [entity]


def test_huge_and_broken_names_are_cut_and_cleaned() -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=MISSING | HITS if "titles" in request.url.params else HITS)

    _search(handler, "x" * 1_000_000, "\x00a\ud800b\n", "\x00\x01")
    assert [one["titles"] for one in asked if "titles" in one] == ["x" * 300, "a b"]


@pytest.mark.parametrize(
    ("refusal", "wait"),
    [
        (httpx.Response(429, headers={"Retry-After": "7"}), 7.0),
        (httpx.Response(429), 1.0),
        (httpx.Response(503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), 1.0),
        (httpx.Response(200, headers={"Retry-After": "5"}, json={"error": {"code": "maxlag", "info": "lagged"}}), 5.0),
        (httpx.Response(200, json={"error": {"code": "ratelimited", "info": "slow down"}}), 1.0),
    ],
)
def test_a_busy_server_is_given_the_time_it_asks_for(refusal: httpx.Response, wait: float) -> None:
    answers = iter([refusal, httpx.Response(200, json=OSLO)])
    clock = Clock()
    (page,) = _search(lambda _: next(answers), "Oslo", clock=clock)
    assert isinstance(page, Page)
    assert clock.waits == [wait]


def test_each_refusal_doubles_the_wait_until_it_gives_up() -> None:
    clock = Clock()
    with pytest.raises(WorldError, match=f"no answer in {ATTEMPTS} attempts: status 503"):
        _search(lambda _: httpx.Response(503), "Oslo", clock=clock)
    assert clock.waits == [1.0, 2.0, 4.0, 8.0]


def test_a_dropped_connection_is_tried_again() -> None:
    answers = iter([httpx.ReadTimeout("slow"), httpx.ConnectError("refused"), httpx.Response(200, json=OSLO)])
    clock = Clock()

    def handler(_: httpx.Request) -> httpx.Response:
        answer = next(answers)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    (page,) = _search(handler, "Oslo", clock=clock)
    assert isinstance(page, Page)
    assert clock.waits == [1.0, 2.0]


def test_a_server_that_drips_is_left_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agenttuning.environments.worlds.wiki.live.SECONDS", 0.01)

    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0.001)
                yield b" "

    with pytest.raises(WorldError, match="no answer in 5 attempts: TimeoutError"):
        _search(lambda _: httpx.Response(200, stream=Drip()), "Oslo")


@pytest.mark.parametrize(
    ("response", "told"),
    [
        (httpx.Response(403, text="no user agent"), "status 403: 'no user agent'"),
        (httpx.Response(200, text="<html>"), "is no api.php of MediaWiki"),
        (httpx.Response(200, json={"error": {"code": "badvalue", "info": "what?"}}), "error 'badvalue': what?"),
        (httpx.Response(429, headers={"Retry-After": "3600"}), "asks to wait 3600 s"),
        (httpx.Response(200, content=b" " * (MAX_BYTES + 1)), "sends more than 16 MB"),
    ],
)
def test_what_will_not_get_better_is_told_at_once(response: httpx.Response, told: str) -> None:
    clock = Clock()
    with pytest.raises(WorldError, match=told):
        _search(lambda _: response, "Oslo", clock=clock)
    assert clock.waits == []


def test_a_wiki_that_gave_no_answer_is_left_alone_for_a_while() -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503)

    async def run() -> None:
        client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
        for told in ("no answer in 5 attempts", "was left alone after it gave no answer: status 503"):
            with pytest.raises(WorldError, match=told):
                await LiveWiki(URL, contact="me@example.org", client=client, sleep=Clock()).search("Oslo")
        await client.aclose()

    asyncio.run(run())
    assert len(asked) == ATTEMPTS


def test_episodes_take_turns_at_one_wiki() -> None:
    running = most = 0

    async def handler(_: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return httpx.Response(200, json=OSLO)

    async def run() -> None:
        client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
        wikis = [LiveWiki(URL, contact="me@example.org", client=client) for _ in range(5)]
        await asyncio.gather(*(wiki.search("Oslo") for wiki in wikis))
        await client.aclose()

    asyncio.run(run())
    assert most == 1


def test_nobody_asks_anonymously() -> None:
    with pytest.raises(RecipeError, match="set contact"):
        LiveWiki(URL, contact=" ")


def test_an_address_that_is_none_is_told() -> None:
    async def run() -> None:
        wiki = LiveWiki("nonsense", contact="me@example.org", sleep=Clock())
        try:
            await wiki.search("Oslo")
        finally:
            await wiki.close()

    with pytest.raises(WorldError, match=r"no address of a wiki's api\.php"):
        asyncio.run(run())
