import asyncio
import socket
import time

import httpx

from agenttuning.environments.worlds.minisites.rows import Product
from agenttuning.environments.worlds.minisites.scene import make_scene
from agenttuning.environments.worlds.minisites.serving import URLS, open_sites


def test_the_proxy_answers_for_the_sites_and_for_nothing_else() -> None:
    async def look() -> None:
        async with (
            open_sites(difficulty="tiny", seed=0) as sites,
            httpx.AsyncClient(proxy=sites.proxy_url, follow_redirects=True) as client,
        ):
            assert sites.urls == URLS
            for url in URLS.values():
                answer = await client.get(f"{url}/")
                assert answer.status_code == 200
                assert answer.url.host == httpx.URL(url).host
            for url in (
                "http://example.com/",
                "http://127.0.0.1/",
                "http://shop.mini.example.com/",
                "http://shop.mini:81/",
            ):
                assert (await client.get(url)).status_code == 403, url

    asyncio.run(look())


async def speak(proxy: str, *sent: bytes) -> bytes:
    """Send raw bytes; return what comes back until the other side is silent."""
    address = httpx.URL(proxy)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    got = b""
    for each in sent:
        writer.write(each)
        got += await asyncio.wait_for(reader.read(65_536), 5)
    writer.close()
    await writer.wait_closed()
    return got


def test_tunnels_lead_to_the_sites_only() -> None:
    async def look() -> None:
        async with open_sites(difficulty="tiny", seed=0) as sites:
            request = b"GET /search?q=a HTTP/1.1\r\nHost: wiki.mini\r\n\r\n"
            granted = await speak(
                sites.proxy_url, b"CONNECT wiki.mini:80 HTTP/1.1\r\nHost: wiki.mini:80\r\n\r\n", request
            )
            assert granted.startswith(b"HTTP/1.1 200 Connection Established\r\n\r\nHTTP/1.1 200 OK")
            for target in (b"wiki.mini:443", b"example.com:80"):
                refused = await speak(sites.proxy_url, b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, target))
                assert refused.startswith(b"HTTP/1.1 403"), target
            for line in (b"GET http://[x/ HTTP/1.1", b"GET http:///", b"CONNECT  HTTP/1.1"):
                answer = await speak(sites.proxy_url, line + b"\r\nHost: \xff\r\n\r\n")
                assert answer[:12] in (b"HTTP/1.1 403", b"HTTP/1.1 400"), line
            assert (await speak(sites.proxy_url, b"no HTTP at all\r\n\r\n")).startswith(b"HTTP/1.1 400")
            assert (await speak(sites.proxy_url, b"GET / HTTP/1.1\r\nHost: x.y\r\n\r\n")).startswith(b"HTTP/1.1 403")

    asyncio.run(look())


def test_the_storage_state_is_a_log_in_of_this_episode() -> None:
    async def look() -> None:
        async with (
            open_sites(difficulty="standard", seed=0) as one,
            open_sites(difficulty="standard", seed=0) as other,
            httpx.AsyncClient(proxy=one.proxy_url) as client,
            httpx.AsyncClient(proxy=other.proxy_url) as stranger,
        ):
            state = one.storage_state("shopping", "wikipedia")
            assert [cookie["domain"] for cookie in state["cookies"]] == ["shop.mini"]
            header = {"cookie": "; ".join(f"{each['name']}={each['value']}" for each in state["cookies"])}
            url = "http://shop.mini/sales/order/history/"
            assert (await client.get(url, headers=header)).status_code == 200
            assert (await stranger.get(url, headers=header)).status_code == 303
            sku = make_scene("standard", seed=0).all(Product)[0].sku
            await client.post(f"http://shop.mini/product/{sku}/cart", headers=header)
            cart = "http://shop.mini/checkout/cart/"
            assert "Go to checkout" in (await client.get(cart, headers=header)).text
            cookies = other.storage_state("shopping")["cookies"][0]
            header = {"cookie": f"{cookies['name']}={cookies['value']}"}
            assert "The cart is empty" in (await stranger.get(cart, headers=header)).text

    asyncio.run(look())


def test_episodes_are_cheap_and_leave_nothing_listening() -> None:
    async def look() -> tuple[float, list[int]]:
        ports = []
        started = time.perf_counter()
        for _ in range(20):
            async with open_sites(difficulty="standard", seed=0) as sites:
                ports.append(int(sites.proxy_url.rpartition(":")[2]))
                if len(ports) == 1:  # a kept connection does not hold up the end
                    client = httpx.AsyncClient(proxy=sites.proxy_url)
                    await client.get("http://wiki.mini/")
        taken = time.perf_counter() - started
        await client.aclose()
        return taken, ports

    taken, ports = asyncio.run(look())
    assert taken < 20 * 0.25
    for port in ports:
        with socket.socket() as asking:
            assert asking.connect_ex(("127.0.0.1", port)) != 0


def test_pages_do_not_wait_for_acknowledgements() -> None:
    async def look() -> float:
        async with (
            open_sites(difficulty="tiny", seed=0) as sites,
            httpx.AsyncClient(proxy=sites.proxy_url) as client,
        ):
            taken = []
            for _ in range(12):
                started = time.perf_counter()
                await client.get("http://wiki.mini/")
                taken.append(time.perf_counter() - started)
        return min(taken)

    assert asyncio.run(look()) < 0.035  # Linux delays them by 40 ms
