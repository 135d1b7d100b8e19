"""The kinds of experiments: each draws its own scene and says what is worth how many points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.laboratory import catalogue
from agenttuning.environments.worlds.laboratory.scene import ROOM_TEMPERATURE, Milestone, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from agenttuning.environments.worlds.laboratory.draft import Draft
    from agenttuning.environments.worlds.laboratory.scene import Experiment


def find_living(draft: Draft) -> Experiment:
    """Find the one animal, plant or living thing, and bring it to a box."""
    stream = draft.stream
    wanted = stream.choice(("animal", "plant")) if draft.small else stream.choice(("animal", "plant", "living thing"))
    life = "plant" if wanted == "plant" or (wanted == "living thing" and stream.random() < 0.5) else "animal"
    nouns = {"animal": catalogue.SMALL_ANIMALS, "plant": catalogue.PLANTS}
    target = draft.put(draft.fresh(nouns[life]), life=life).name
    if wanted != "living thing":
        other = "plant" if life == "animal" else "animal"
        draft.put(draft.fresh(nouns[other]), life=other)
    box = draft.box()
    article = "a" if wanted != "animal" else "an"
    return draft.finish(
        "find-living",
        f"find {article} {wanted}. First focus on it, then move it to {draft.told(box)}.",
        (
            Milestone(what="focus", thing=target, points=30),
            Milestone(what="inside", thing=target, value=box, points=70),
        ),
        target=target,
        box=box,
        wanted=f"{article} {wanted}",
    )


_CHANGES: Final = {
    "melt": (catalogue.MELTED, catalogue.HOT, "liquid"),
    "boil": (catalogue.BOILED, catalogue.HOT, "gas"),
    "freeze": (catalogue.FROZEN, catalogue.COLD, "solid"),
}


def change_state(draft: Draft) -> Experiment:
    """Melt, boil or freeze a substance."""
    stream = draft.stream
    verb = "melt" if draft.small else stream.choice(tuple(_CHANGES))
    substances, devices, state = _CHANGES[verb]
    noun = stream.choice(tuple(substances))
    melts, boils = substances[noun]
    device = stream.choice(tuple(devices))
    name = f"{stream.choice(catalogue.COLOURS)} {device}"
    draft.put(name, stream.choice(draft.rooms), holds=True, fixed=True, drives=devices[device])
    degrees = min(ROOM_TEMPERATURE, melts - 15.0) if verb == "melt" else ROOM_TEMPERATURE
    carried = draft.fresh((noun,)) if draft.small else draft.vessel()
    target = carried if draft.small else noun
    where = None if draft.small else carried
    draft.put(target, where, melts=melts, boils=boils, temperature=degrees)
    first = "" if draft.small else f" First focus on it. It is in {draft.told(carried)}; {draft.told(name)} can help."
    focus = () if draft.small else (Milestone(what="focus", thing=target, points=20),)
    rest = (
        Milestone(what="inside", thing=carried, value=name, points=30),
        Milestone(what="running", thing=name, points=30),
        Milestone(what="state", thing=target, value=state, points=40 if draft.small else 20),
    )
    return draft.finish(
        verb, f"{verb} the {target}.{first}", (*focus, *rest),
        target=target, carried=carried, device=name, state=state, verb=verb,
    )  # fmt: skip


def measure(draft: Draft) -> Experiment:
    """Measure a temperature and answer by focusing on one of two boxes."""
    stream = draft.stream
    meter = draft.put(draft.fresh(("thermometer",)), thermometer=True).name
    vessel = draft.vessel()
    noun = stream.choice(("water", "milk", "olive oil", "vinegar"))
    melts, boils = catalogue.FROZEN[noun]
    degrees = float(stream.randrange(35, 95))
    target = draft.put(noun, vessel, melts=melts, boils=boils, temperature=degrees).name
    hot, cold = draft.box(), draft.box()
    limit = int(degrees) - 25 if stream.random() < 0.5 else int(degrees) + 15
    answer = hot if degrees > limit else cold
    return draft.finish(
        "measure-temperature",
        f"measure the temperature of the {target} in {draft.told(vessel)} with {draft.told(meter)}. "
        f"First focus on the {meter}. If the temperature is above {limit} degrees celsius, focus on {draft.told(hot)}; "
        f"if it is below, focus on {draft.told(cold)}.",
        (
            Milestone(what="focus", thing=meter, points=20),
            Milestone(what="measured", thing=target, points=40),
            Milestone(what="focus", thing=answer, points=40),
        ),
        meter=meter, target=target, vessel=vessel, answer=answer, limit=str(limit),
    )  # fmt: skip


def _circuit(draft: Draft, room: str, wires: int) -> tuple[str, str, list[str]]:
    battery = draft.put("battery", room, electric="battery").name
    bulb = draft.put(draft.fresh(("light bulb",)), room, electric="bulb").name
    return battery, bulb, [draft.put(draft.fresh(("wire",)), room, electric="wire").name for _ in range(wires)]


def light(draft: Draft) -> Experiment:
    """Light a bulb with a battery and two wires."""
    battery, bulb, wires = _circuit(draft, draft.stream.choice(draft.rooms), 2)
    return draft.finish(
        "power-bulb",
        f"turn on {draft.told(bulb)} with the battery. First focus on the {bulb}.",
        (
            Milestone(what="focus", thing=bulb, points=20),
            Milestone(what="linked", thing=bulb, value=battery, points=30),
            Milestone(what="lit", thing=bulb, points=50),
        ),
        bulb=bulb, battery=battery, first=wires[0], second=wires[1],
    )  # fmt: skip


def conduct(draft: Draft) -> Experiment:
    """Test whether a thing conducts and answer by focusing on one of two boxes."""
    stream = draft.stream
    battery, bulb, wires = _circuit(draft, stream.choice(draft.rooms), 3)
    conducts = stream.random() < 0.5
    material = stream.choice(catalogue.CONDUCTORS if conducts else catalogue.INSULATORS)
    target = draft.put(f"{material} {stream.choice(catalogue.PARTS)}", electric="part", conducts=conducts).name
    yes, no = draft.box(), draft.box()
    return draft.finish(
        "test-conductivity",
        f"find out with a circuit whether {draft.told(target)} conducts electricity. First focus on the {target}. The "
        f"battery, the wires and {draft.told(bulb)} are for the circuit. If it conducts, focus on {draft.told(yes)}; "
        f"if not, focus on {draft.told(no)}.",
        (
            Milestone(what="focus", thing=target, points=20),
            Milestone(what="linked", thing=target, value=battery, points=20),
            Milestone(what="linked", thing=target, value=bulb, points=20),
            Milestone(what="focus", thing=yes if conducts else no, points=40),
        ),
        target=target, bulb=bulb, battery=battery, first=wires[0], second=wires[1], third=wires[2], yes=yes, no=no,
    )  # fmt: skip


def mix(draft: Draft) -> Experiment:
    """Make a mixture of two substances."""
    first, second, product = draft.stream.choice(catalogue.MIXTURES)
    draft.recipes.append(Recipe(first=first, second=second, product=product))
    bowl = draft.vessel()
    for name in (first, second):
        melts = 150.0 if name in catalogue.POWDERS else 0.0
        draft.put(name, None if draft.small else draft.vessel(), melts=melts)
    told = "" if draft.size.closed else f" from {first} and {second}"
    where = ""
    if draft.size.told:
        where = f" The {first} is in the {draft.room_of(first)}, the {second} in the {draft.room_of(second)}."
    return draft.finish(
        "chemistry-mix",
        f"make {product} in {draft.told(bowl)}{told}.{where} Focus on the {product} when you are done.",
        (
            Milestone(what="inside", thing=first, value=bowl, points=20),
            Milestone(what="inside", thing=second, value=bowl, points=20),
            Milestone(what="exists", thing=product, points=40),
            Milestone(what="focus", thing=product, points=20),
        ),
        first=first, second=second, bowl=bowl, product=product,
    )  # fmt: skip


def grow(draft: Draft) -> Experiment:
    """Grow a plant from its seed until it flowers."""
    species = draft.stream.choice(catalogue.SEEDS)
    seed = draft.put(f"{species} seed", life="plant", species=species).name
    pot = draft.put(draft.fresh(("flower pot",)), holds=True).name
    draft.put("soil", melts=1500.0)
    draft.put("water", draft.vessel(), melts=0.0, boils=100.0)
    places = ", ".join(f"{draft.told(name)}" for name in (seed, "soil", "water"))
    return draft.finish(
        "grow-plant",
        f"grow a {species} in {draft.told(pot)} from its seed. It needs soil and water. Use {places}. When it flowers, "
        f"focus on it.",
        (
            Milestone(what="inside", thing=seed, value=pot, points=20),
            Milestone(what="inside", thing="water", value=pot, points=20),
            Milestone(what="exists", thing=f"{species} seedling", points=20),
            Milestone(what="exists", thing=f"flowering {species}", points=20),
            Milestone(what="focus", thing=f"flowering {species}", points=20),
        ),
        seed=seed, pot=pot, species=species,
    )  # fmt: skip


def lifespan(draft: Draft) -> Experiment:
    """Point at the animal that lives longest, or shortest."""
    stream = draft.stream
    room = stream.choice(draft.rooms)
    ordered = sorted(catalogue.ANIMALS, key=lambda name: catalogue.ANIMALS[name])
    start = stream.randrange(3)
    chosen = ordered[start::3][: 3 + draft.size.closed]
    extreme = stream.choice(("longest", "shortest"))
    names = [
        draft.put(f"{stream.choice(catalogue.COLOURS)} {animal}", room, life="animal",
                  years=catalogue.ANIMALS[animal]).name
        for animal in chosen
    ]  # fmt: skip
    answer = names[-1] if extreme == "longest" else names[0]
    where = f"in the {room}" if draft.size.told else "of one room"
    return draft.finish(
        f"lifespan-{extreme}",
        f"find, among the animals {where}, the one with the {extreme} life span, and focus on it.",
        (Milestone(what="focus", thing=answer, points=100),),
        target=answer, extreme=extreme,
    )  # fmt: skip


TINY: Final[tuple[Callable[[Draft], Experiment], ...]] = (find_living, change_state, mix)
ALL: Final = (find_living, change_state, measure, light, conduct, mix, grow, lifespan)
