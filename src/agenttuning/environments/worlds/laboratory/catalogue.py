"""The stock of the laboratory: rooms, substances, devices, living things, materials. Figures are rounded true ones."""

from __future__ import annotations

from typing import Final

COLOURS: Final = (
    "red", "blue", "green", "yellow", "white", "black", "orange", "purple", "brown", "grey", "pink", "silver",
)  # fmt: skip
ROOMS: Final = (
    "kitchen", "workshop", "greenhouse", "studio", "laboratory", "storeroom", "cellar", "foundry", "library", "attic",
    "courtyard", "garage",
)  # fmt: skip
VESSELS: Final = ("cup", "bowl", "jar", "beaker", "pot", "flask")
CHESTS: Final = ("cupboard", "cabinet", "chest", "locker")
HOT: Final = {"stove": 300.0, "burner": 400.0, "oven": 350.0, "furnace": 900.0}
COLD: Final = {"freezer": -40.0, "cold chamber": -60.0, "ice machine": -50.0}
"""Devices and the degrees Celsius that they bring their contents to."""

MELTED: Final = {
    "wax": (60.0, 370.0), "butter": (35.0, 5000.0), "chocolate": (34.0, 5000.0), "gallium": (30.0, 2400.0),
    "tin": (232.0, 2600.0), "ice": (0.0, 100.0), "soap": (50.0, 5000.0), "sulfur": (115.0, 445.0),
}  # fmt: skip
"""Substances that are solid before they are heated, with melting and boiling point."""
BOILED: Final = {"water": (0.0, 100.0), "ethanol": (-114.0, 78.0), "acetone": (-95.0, 56.0), "milk": (-1.0, 100.0)}
FROZEN: Final = {
    "water": (0.0, 100.0), "milk": (-1.0, 100.0), "vinegar": (-2.0, 101.0), "apple juice": (-2.0, 101.0),
    "olive oil": (-6.0, 300.0), "salt water": (-18.0, 108.0),
}  # fmt: skip

ANIMALS: Final = {
    "butterfly": 0.1, "mouse": 2.0, "shrew": 1.5, "hamster": 2.5, "frog": 10.0, "rabbit": 9.0, "cat": 15.0,
    "bat": 25.0, "horse": 28.0, "parrot": 60.0, "elephant": 65.0, "tortoise": 150.0, "beetle": 0.5, "dove": 6.0,
}  # fmt: skip
"""Typical life span in years."""
SMALL_ANIMALS: Final = ("butterfly", "mouse", "shrew", "hamster", "frog", "rabbit", "bat", "beetle", "dove")
PLANTS: Final = ("fern", "rose", "tulip", "cactus", "moss", "clover", "lily", "orchid")
SEEDS: Final = ("pea", "bean", "sunflower", "tomato", "pumpkin", "poppy", "daisy", "lupin")
OBJECTS: Final = ("stone", "spoon", "key", "brick", "coin", "brush", "rope", "book", "candle", "ball")
CONDUCTORS: Final = ("copper", "iron", "steel", "aluminium", "brass")
INSULATORS: Final = ("wooden", "plastic", "rubber", "glass", "paper")
PARTS: Final = ("fork", "ring", "rod", "comb", "clip", "disc", "ruler", "button")

MIXTURES: Final = (
    ("red paint", "yellow paint", "orange paint"),
    ("blue paint", "yellow paint", "green paint"),
    ("red paint", "blue paint", "violet paint"),
    ("black paint", "white paint", "grey paint"),
    ("red paint", "white paint", "pink paint"),
    ("salt", "water", "salt water"),
    ("sugar", "water", "sugar water"),
    ("soap", "water", "soap water"),
    ("baking soda", "vinegar", "sodium acetate"),
    ("flour", "water", "dough"),
    ("cocoa", "milk", "hot chocolate"),
)
POWDERS: Final = ("salt", "sugar", "soap", "baking soda", "flour", "cocoa")
"""Ingredients that are solid; the others flow."""
