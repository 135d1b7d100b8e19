"""The vocabulary of the sites, all of it our own."""

from __future__ import annotations

from typing import Final


def listed(text: str) -> tuple[str, ...]:
    """Split a list that is separated by commas."""
    return tuple(part.strip() for part in text.split(","))


FIRST_NAMES: Final = listed(
    "Ada, Alma, Anton, Bea, Bruno, Carla, Dario, Edith, Elin, Emil, Esther, Felix, Flora, Gideon, Greta, Hanna, Hugo, "
    "Ilse, Ivan, Jonas, Judith, Karim, Klara, Lars, Lena, Leon, Magnus, Mara, Nadia, Nils, Olga, Oscar, Petra, Rania, "
    "Ruben, Selma, Simon, Stella, Tamar, Theo, Ulla, Viktor, Wanda, Yara, Zeno"
)
LAST_NAMES: Final = listed(
    "Abel, Adler, Bakker, Berg, Brandt, Castell, Dahl, Dorn, Ekman, Falk, Fiala, Garz, Halm, Holt, Iversen, Jansky, "
    "Keller, Kron, Lind, Lorca, Marek, Moss, Nagy, Noor, Olsen, Pavic, Quist, Rask, Rossi, Sand, Soler, Stein, Tamm, "
    "Thorn, Urban, Vance, Vogel, Weiss, Winter, Zander"
)
CITIES: Final = listed(
    "Aldern, Birkfeld, Calmouth, Dornstad, Elmbrook, Fairhaven, Glenwick, Hartwell, Ivoryport, Kestrel Bay, Lindholm, "
    "Marlow Cross, Northmere, Oakridge, Pinewater, Quayside, Rosefield, Silverton, Thornby, Westerly"
)
TINY_NOUNS: Final = listed(
    "bag, belt, bowl, box, brush, chair, clock, coat, cup, desk, dish, door, fan, hat, jar, knife, lamp, mat, mug, "
    "pan, pen, pot, ring, rug, shirt, shoe, sock, sofa, table, toy"
)
TINY_MATERIALS: Final = listed("cotton, glass, gold, iron, oak, paper, steel, stone, wax, wool")
PRAISE: Final = listed(
    "Better than expected, Does what it should, A good buy, Would buy again, Solid work, Very pleased, Just right"
)
BLAME: Final = listed(
    "Not for me, Came too late, Smaller than shown, Broke after a week, Poor finish, Would not buy again, Too loud"
)
PRAISE_TEXTS: Final = (
    "It arrived in two days and has been in daily use since then.",
    "My neighbour asked where I found it, and now there are two in our street.",
    "The finish is clean and nothing rattles.",
    "I gave one to my sister and kept one for myself.",
    "It looks the same as in the picture and feels sturdy.",
)
BLAME_TEXTS: Final = (
    "The first one had a crack, the second one a missing screw.",
    "The colour has little to do with the picture.",
    "It works, but the smell stayed for weeks.",
    "I sent it back after three days.",
    "The instructions belong to some other product.",
)
PREFIXES: Final = listed("Urban, Slow, Tiny, Home, Night, Winter, Field, Old, Modern, Open, Coastal, Sunday")
HOBBIES: Final = listed(
    "Baking, Beekeeping, Chess, Climbing, Compost, Cycling, Fermenting, Gardening, Geology, Hiking, Knitting, Maps, "
    "Mushrooms, Origami, Pottery, Radio, Rowing, Sailing, Sketching, Stargazing, Synths, Tea, Trains, Weaving"
)
TOPICS: Final = listed(
    "a first kit, the right gloves, broken tools, a quiet corner, cheap parts, cold mornings, early mistakes, "
    "good light, heavy rain, a long weekend, maps without a phone, new members, old manuals, a patient teacher, "
    "rusty hinges, safe storage, second hand gear, shared costs, small rooms, spare batteries, steep paths, "
    "storage boxes, tired hands, tricky knots, waiting lists, wet shoes, a year of notes, young helpers"
)
ASKS: Final = (
    "How do you deal with {}{}?",
    "What I learned about {}{}",
    "Any advice on {}{}?",
    "A short guide to {}{}",
    "Let us talk about {}{}",
    "My trouble with {}{}",
    "Three thoughts on {}{}",
    "Who else thinks about {}{}?",
)
SEASONS: Final = ("", " in spring", " in summer", " in autumn", " in winter", " at night")
POST_TEXTS: Final = (
    "I have tried two ways so far and am not sure about either of them.",
    "This came up at our last meeting and nobody had a clear answer.",
    "Notes from last season, in case they help somebody.",
    "Please be kind, it is my first post here.",
    "I am happy to share pictures if anybody wants them.",
)
COMMENT_TEXTS: Final = (
    "Start small and write everything down.",
    "I had the same and a week of patience solved it.",
    "My club keeps a list of this, I will look it up.",
    "Honestly, it depends on the weather.",
    "Borrow before you buy.",
    "Ask at the next meeting, there is always somebody who knows.",
    "Thanks, this was useful.",
    "I would do it the other way round.",
)
VERBS: Final = listed("Crash, Wrong result, Slow start, Warning, Blank page, Lost input, Timeout, Odd rounding")
PLACES: Final = listed(
    "in the parser, when saving, on an empty file, in the export, after an update, with two users, on small screens, "
    "in the search box, at midnight, with long names, in the date field, after log-in, in the report, on first run"
)
WORKS: Final = listed("Speed up, Document, Rewrite, Simplify, Test, Translate, Remove, Cache")
PARTS: Final = listed(
    "the parser, the export, the settings page, the date field, the start-up, the search, the error texts, "
    "the file reader, the report, the install guide, the log format, the retry loop"
)
ISSUE_TEXTS: Final = (
    "Seen twice this week. The log shows nothing unusual.",
    "Happens every time on my machine; steps are in the attached note.",
    "It used to work two versions ago.",
    "Not urgent, but it confuses new users.",
)
LABELS: Final = listed("bug, docs, help wanted, question, speed, design")
ROLES: Final = listed("Guest, Reporter, Developer, Maintainer")
LANGUAGES: Final = listed("Python, Rust, Go, Kotlin, Elixir, Zig")
PURPOSES: Final = listed(
    "reads sensor files, draws train maps, plans watering, sorts recipes, counts birds, mixes colours, "
    "checks spelling, archives letters, predicts tides, prints labels"
)
