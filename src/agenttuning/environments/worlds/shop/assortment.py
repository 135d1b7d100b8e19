"""What generated shops can sell: departments, kinds, materials, looks, features and options. All words are our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of product."""

    noun: str
    query: str
    """The search that collected it, as WebShop has one per product."""
    shelf: str
    """Last part of the category path."""
    prices: tuple[int, int]
    """Usual range in dollars."""


@dataclass(frozen=True, slots=True)
class Department:
    """Kinds that share materials, looks, features and options."""

    path: tuple[str, str]
    kinds: tuple[Kind, ...]
    materials: tuple[str, ...]
    looks: tuple[str, ...]
    features: tuple[str, ...]
    options: dict[str, tuple[str, ...]]
    uses: tuple[str, ...]


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


_PLAIN_COLORS: Final = _split("black, white, navy, grey, red, green, pink, beige, brown, purple")

CLOTHING: Final = Department(
    path=("Clothing", "Apparel"),
    kinds=(
        Kind("shirt", "shirts", "Shirts", (12, 45)),
        Kind("hoodie", "hoodies", "Hoodies", (18, 70)),
        Kind("dress", "dresses", "Dresses", (20, 95)),
        Kind("jacket", "jackets", "Jackets", (30, 160)),
        Kind("pajama set", "sleepwear", "Sleepwear", (15, 60)),
        Kind("cardigan", "cardigans", "Knitwear", (20, 80)),
    ),
    materials=_split("cotton, linen, wool, fleece, denim, silk, bamboo viscose, corduroy"),
    looks=_split("striped, floral, oversized, slim fit, vintage, checked, pleated, hooded"),
    features=_split(
        "machine washable, long sleeve, quick drying, moisture wicking, button closure, tumble dry safe, "
        "side pockets, elastic waist, wrinkle resistant, hand wash only, ribbed cuffs, uv protection"
    ),
    options={"color": _PLAIN_COLORS, "size": _split("x-small, small, medium, large, x-large, xx-large")},
    uses=_split("daily wear, office days, weekend trips, cool evenings, travel"),
)
SHOES: Final = Department(
    path=("Clothing", "Shoes"),
    kinds=(
        Kind("sneakers", "sneakers", "Sneakers", (25, 120)),
        Kind("sandals", "sandals", "Sandals", (15, 70)),
        Kind("ankle boots", "boots", "Boots", (35, 180)),
        Kind("slippers", "slippers", "Slippers", (10, 40)),
        Kind("loafers", "loafers", "Loafers", (30, 140)),
    ),
    materials=_split("leather, suede, canvas, mesh, felt, velvet, rubber, knit"),
    looks=_split("low top, platform, minimalist, pointed toe, open back, lace up, embroidered"),
    features=_split(
        "memory foam, arch support, non slip, ankle strap, water resistant, shock absorbing, removable insole, "
        "slip on, breathable lining, steel shank, reflective trim, wide toe box"
    ),
    options={"color": _PLAIN_COLORS, "size": _split("5, 6, 7, 8, 9, 10, 11, 12")},
    uses=_split("long walks, city days, the garden, parties, indoor use"),
)
FURNITURE: Final = Department(
    path=("Home", "Furniture"),
    kinds=(
        Kind("coffee table", "coffee tables", "Tables", (60, 320)),
        Kind("bookshelf", "bookshelves", "Shelves", (45, 260)),
        Kind("nightstand", "nightstands", "Bedroom", (40, 190)),
        Kind("bar stool", "bar stools", "Seating", (35, 170)),
        Kind("sofa", "sofas", "Living Room", (220, 780)),
        Kind("writing desk", "desks", "Office", (80, 420)),
    ),
    materials=_split("oak, walnut wood, pine, rattan, marble, glass, steel, bamboo"),
    looks=_split("mid century, rustic, industrial, farmhouse, scandinavian, art deco, foldable"),
    features=_split(
        "easy assembly, storage drawer, adjustable feet, scratch resistant, space saving, fully assembled, "
        "soft close, heavy duty, hidden compartment, non toxic finish, cable opening, rounded corners"
    ),
    options={"color": _split("natural, espresso, white, black, grey"), "size": _split("compact, regular, wide")},
    uses=_split("small flats, the living room, guest rooms, the study, hallways"),
)
KITCHEN: Final = Department(
    path=("Home", "Kitchen"),
    kinds=(
        Kind("water bottle", "water bottles", "Drinkware", (9, 45)),
        Kind("frying pan", "frying pans", "Cookware", (18, 110)),
        Kind("lunch box", "lunch boxes", "Storage", (10, 48)),
        Kind("cutting board", "cutting boards", "Tools", (12, 70)),
        Kind("tea kettle", "tea kettles", "Cookware", (20, 95)),
    ),
    materials=_split("stainless steel, cast iron, ceramic, borosilicate, silicone, copper, acacia, enamel"),
    looks=_split("round, stackable, hammered, double handled, retro, oval, travel sized"),
    features=_split(
        "bpa free, dishwasher safe, leak proof, non stick, oven safe, heat resistant, easy clean, "
        "double wall insulation, induction ready, measuring marks, lifetime warranty, drip free spout"
    ),
    options={"color": _split("blue, teal, red, black, cream, mint"), "capacity": _split("12 oz, 20 oz, 32 oz, 64 oz")},
    uses=_split("camping, busy mornings, family meals, school, picnics"),
)
ELECTRONICS: Final = Department(
    path=("Electronics", "Accessories"),
    kinds=(
        Kind("headphones", "headphones", "Audio", (20, 220)),
        Kind("speaker", "speakers", "Audio", (18, 180)),
        Kind("phone case", "phone cases", "Cases", (8, 45)),
        Kind("tablet stand", "tablet stands", "Stands", (12, 70)),
        Kind("charging cable", "cables", "Power", (6, 35)),
        Kind("watch band", "watch bands", "Wearables", (8, 60)),
    ),
    materials=_split("aluminum, nylon, carbon fiber, cork, vegan leather, titanium, polycarbonate, silicone"),
    looks=_split("foldable, ultra thin, clear, gaming, kids, transparent, magnetic"),
    features=_split(
        "fast charging, noise cancelling, shock proof, water proof, wireless, hands free, plug and play, "
        "high resolution, long battery life, dust proof, tangle free, voice control"
    ),
    options={"color": _split("black, silver, rose gold, blue, green, white"), "pack": _split("single, 2 pack, 3 pack")},
    uses=_split("commuting, the desk, workouts, long flights, video calls"),
)
BEAUTY: Final = Department(
    path=("Beauty", "Personal Care"),
    kinds=(
        Kind("shampoo", "shampoos", "Hair Care", (6, 40)),
        Kind("face cream", "face creams", "Skin Care", (9, 85)),
        Kind("lip balm", "lip balms", "Lip Care", (4, 25)),
        Kind("body lotion", "body lotions", "Skin Care", (7, 48)),
        Kind("hand soap", "hand soaps", "Bath", (4, 28)),
    ),
    materials=_split("oat, shea butter, argan oil, coconut, aloe vera, green clay, honey, jojoba"),
    looks=_split("whipped, solid, foaming, tinted, overnight, travel sized, concentrated"),
    features=_split(
        "cruelty free, paraben free, fragrance free, dermatologist tested, sulfate free, dry skin relief, "
        "sensitive skin, alcohol free, long lasting, anti aging, damaged hair repair, plant based"
    ),
    options={
        "scent": _split("lavender, citrus, rose, vanilla, unscented, mint"),
        "size": _split("2 oz, 4 oz, 8 oz, 16 oz"),
    },
    uses=_split("winter days, the gym bag, the whole family, night care, gifts"),
)
GROCERY: Final = Department(
    path=("Grocery", "Pantry"),
    kinds=(
        Kind("trail mix", "trail mixes", "Snacks", (5, 32)),
        Kind("tea bags", "teas", "Beverages", (4, 28)),
        Kind("coffee beans", "coffees", "Beverages", (9, 48)),
        Kind("granola bars", "granola bars", "Snacks", (6, 34)),
        Kind("pasta sauce", "sauces", "Cooking", (4, 26)),
    ),
    materials=_split("almond, cashew, ginger, cocoa, apricot, pumpkin seed, hibiscus, tomato"),
    looks=_split("roasted, raw, stone ground, smoked, sun dried, crunchy, spicy"),
    features=_split(
        "gluten free, non gmo, dairy free, low sodium, soy free, keto friendly, fair trade, kosher certified, "
        "no added sugar, high fiber, usda organic, resealable bag"
    ),
    options={
        "flavor": _split("original, vanilla, cinnamon, sea salt, chili, maple"),
        "pack": _split("pack of 1, pack of 4, pack of 8, pack of 12"),
    },
    uses=_split("hiking, breakfast, the office drawer, lunch boxes, baking"),
)
DEPARTMENTS: Final = (CLOTHING, SHOES, FURNITURE, KITCHEN, ELECTRONICS, BEAUTY, GROCERY)
