"""WebShop at two sizes: search and steps per second, memory, and the import of product files as large as wanted.

    python benchmarks/webshop.py [MEGABYTES [FOLDER]]

Small: the embedded test shop of 2,175 products. Large: a generated `items_shuffle.json` of so many MB (1,000: about
230,000 products of WebShop's average size), imported with `agenttuning data import webshop` and played from the store.
Each figure comes from a process of its own; memory is its peak, Python and libraries included. AgentBench's README says
of the original: about 16 GB of memory and about 3 minutes until it can be played (1.18 million products).
"""

from __future__ import annotations

import asyncio
import json
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.core.rollout import rollouts
from agenttuning.environments.held_in.webshop import WebShop, WebShopConfig
from agenttuning.environments.worlds.shop.catalogue import open_shop
from agenttuning.environments.worlds.shop.stock import products
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.environments.worlds.shop.product import Product

TASKS = 200
WORDS = 60_000
"""Distinct words of the generated descriptions, drawn as in natural text: the nth about 1/n as often."""


def main() -> None:
    """Run the parts, each in a process of its own."""
    if sys.argv[1:2] == ["--part"]:
        print(json.dumps({"import": import_shop, "play": play}[sys.argv[2]](*sys.argv[3:])))
        return
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"Python {platform.python_version()}, {platform.machine()}; one process, one thread")
    show("embedded", part("play"))
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as place:
        folder = Path(place)
        begun = time.perf_counter()
        written = write_source(folder, megabytes * 10**6)
        print(f"generated {written:,} records of {megabytes:,} MB in {time.perf_counter() - begun:.0f} s")
        done = part("import", str(folder))
        print(
            f"import    {done['rate']:.1f} MB/s, {done['seconds']:.0f} s ({done['processor']:.0f} s CPU), peak "
            f"{done['memory']:.0f} MB, store {done['store']:.0f} MB ({done['note']})"
        )
        show("imported", part("play", str(folder)))
    print("AgentBench's README on the original: about 16 GB, about 3 minutes to start")


def part(name: str, *arguments: str) -> dict[str, float]:
    """Run one part in a fresh process and return its figures."""
    command = [sys.executable, __file__, "--part", name, *arguments]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def show(name: str, figures: dict[str, float]) -> None:
    """Print one line."""
    print(
        f"{name:9} {figures['products']:,.0f} products: ready in {figures['ready']:.2f} s, search p50 "
        f"{figures['p50']:.2f} ms, p99 {figures['p99']:.2f} ms, {figures['steps']:.0f} steps/s, peak "
        f"{figures['memory']:.0f} MB"
    )


def play(folder: str | None = None) -> dict[str, float]:
    """Open a shop, search with the experts' words, and let the expert play."""
    begun = time.perf_counter()
    config = WebShopConfig(official=None if folder is None else Path(folder), part="goals")
    split = "test" if folder is None else "synthetic"
    tasks = list(islice(WebShop.load(split, config), TASKS))
    shop = open_shop(tasks[0].shop)
    shop.search("first")
    ready = time.perf_counter() - begun
    taken = []
    for task in tasks:
        begun = time.perf_counter()
        shop.search(task.words)
        taken.append(1000 * (time.perf_counter() - begun))
    steps, seconds = asyncio.run(episodes(tasks))
    return {
        "products": len(shop),  # type: ignore[arg-type]
        "ready": ready,
        "p50": statistics.median(taken),
        "p99": statistics.quantiles(taken, n=100)[-1],
        "steps": steps / seconds,
        "memory": peak(),
    }


async def episodes(tasks: list) -> tuple[int, float]:  # type: ignore[type-arg]
    """Return the steps that the expert took and how long they took, 64 episodes at once."""
    begun = time.perf_counter()
    entries = ((WebShop(task), "test", 0) for task in tasks)
    steps = sum([played.turns async for played in rollouts(entries, oracle_player, concurrency=64)])
    return steps, time.perf_counter() - begun


def import_shop(folder: str) -> dict[str, float | str]:
    """Import a folder and measure it."""
    begun, used = time.perf_counter(), time.process_time()
    source = Path(folder)
    last = list(WebShop.import_official(source, source / "imported"))[-1]
    seconds, processor = time.perf_counter() - begun, time.process_time() - used
    store = sum(path.stat().st_size for path in (source / "imported").rglob("*") if path.is_file())
    rate = last.total / seconds / 10**6
    figures = {"rate": rate, "seconds": seconds, "processor": processor, "memory": peak(), "store": store / 10**6}
    return {**figures, "note": last.note}


def peak() -> float:
    """Return the peak memory of this process in MB."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 10**6


def write_source(folder: Path, size: int) -> int:
    """Write product and attribute files in WebShop's format; return the number of products."""
    draw = random.Random(0)
    words = ["".join(draw.choices("aeioulnrstmkdp", k=draw.randint(3, 9))) for _ in range(WORDS)]
    weights = [1 / place for place in range(1, WORDS + 1)]
    pool = draw.choices(words, weights, k=2_000_000)
    attributes: dict[str, object] = {}
    with (folder / "items_shuffle.json").open("w", encoding="utf-8") as file:
        file.write("[")
        for product in generated():
            file.write(", " if attributes else "")
            file.write(json.dumps(record(product, pool, draw)))
            listed = list(product.attributes)
            attributes[product.asin] = {
                "attributes": listed,
                "instruction": f"Find me {' '.join(listed[:2])} {product.query}",
                "instruction_attributes": listed[:2],
            }
            if file.tell() >= size:
                break
        file.write("]")
    (folder / "items_ins_v2.json").write_text(json.dumps(attributes), "utf-8")
    return len(attributes)


def generated() -> Iterator[Product]:
    """Yield products without end: those of one shop, again and again under new numbers."""
    base = list(products(seed=0, test=False, hard=False))
    for number, product in enumerate(cycle(base)):
        yield product.model_copy(update={"asin": f"B{number:09}"})


def record(product: Product, pool: list[str], draw: random.Random) -> dict[str, object]:
    """Return a product of WebShop's average size, 4.4 KB, most of which its index does not read."""

    def text(length: int) -> str:
        start = draw.randrange(len(pool) - length)
        return " ".join(pool[start : start + length])

    return {
        "name": product.title,
        "full_description": f"{product.description} {text(90)}",
        "pricing": " - ".join(f"${price:,.2f}" for price in product.prices),
        "images": [f"https://images.example/{draw.getrandbits(64):x}.jpg" for _ in range(8)],
        "product_information": {text(2): text(4) for _ in range(10)},
        "product_category": product.category,
        "small_description": [*product.bullets, *(text(25) for _ in range(6))],
        "customization_options": {
            name: [
                {"value": value, "image": f"https://images.example/{draw.getrandbits(64):x}.jpg"} for value in values
            ]
            for name, values in product.options.items()
        },
        "asin": product.asin,
        "category": "garden",
        "query": product.query,
        "page": 1,
    }


if __name__ == "__main__":
    main()
