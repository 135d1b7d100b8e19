"""The three worked questions that open a dialogue: one SELECT with a value, one none of the above, one CLICK."""

from __future__ import annotations

from functools import cache
from typing import Final

from agenttuning.core.records import Message
from agenttuning.environments.worlds.sites.page import Page
from agenttuning.environments.worlds.sites.question import ask

_RENTAL: Final = """\
<html backend_node_id="1"><body backend_node_id="2"><form backend_node_id="3">
<input backend_node_id="4" type="text" placeholder="Pick-up town" input_value="Bergen"/>
<select backend_node_id="5" name="Driver age">
<option backend_node_id="6"><text backend_node_id="7">18 to 24</text></option>
<option backend_node_id="8"><text backend_node_id="9">25 or older</text></option></select>
<select backend_node_id="10" name="Car size">
<option backend_node_id="11"><text backend_node_id="12">Compact</text></option>
<option backend_node_id="13"><text backend_node_id="14">Minivan</text></option></select>
<button backend_node_id="15" type="submit"><text backend_node_id="16">Show cars</text></button></form>
<a backend_node_id="17"><text backend_node_id="18">Roadside help</text></a></body></html>"""
_BAKERY: Final = """\
<html backend_node_id="1"><body backend_node_id="2"><nav backend_node_id="3">
<a backend_node_id="4"><text backend_node_id="5">Our ovens</text></a>
<a backend_node_id="6"><text backend_node_id="7">Jobs</text></a>
<a backend_node_id="8" title="Basket"/></nav><footer backend_node_id="9">
<a backend_node_id="10"><text backend_node_id="11">Allergens</text></a>
<a backend_node_id="12"><text backend_node_id="13">Imprint</text></a></footer></body></html>"""
_MUSEUM: Final = """\
<html backend_node_id="1"><body backend_node_id="2"><div backend_node_id="3">
<a backend_node_id="4"><text backend_node_id="5">Collection</text></a>
<a backend_node_id="6"><text backend_node_id="7">School classes</text></a>
<a backend_node_id="8" role="button"><text backend_node_id="9">Buy tickets</text></a></div>
<input backend_node_id="10" type="search" aria_label="Search the museum"/>
<img backend_node_id="11" alt="Whale skeleton"/></body></html>"""


_RENTAL_ANSWER: Final = """\
Thought: Town and age are filled in already. The task asks for a minivan, and D is the list of car sizes, so I select \
it there.
Answer: D.
Action: SELECT
Value: Minivan"""
_BAKERY_ANSWER: Final = """\
Thought: The loaves are chosen; now the day and the note have to be entered. Links about ovens, jobs and allergens do \
not lead there, so none of these elements is the next one.
Answer: A."""
_MUSEUM_ANSWER: Final = """\
Thought: Nothing was done so far, and tickets have to be reserved. D says Buy tickets, so I click it.
Answer: D.
Action: CLICK"""


@cache
def examples() -> tuple[Message, ...]:
    """Return the examples as user and assistant turns; the answers are not trained on."""
    rental = ask(
        _page(_RENTAL),
        ("4", "5", "10", "15", "17"),
        task="Rent a minivan in Bergen for a driver of 31",
        previous=("[textbox]  Pick-up town -> TYPE: Bergen", "[combobox]  Driver age -> SELECT: 25 or older"),
    )
    bakery = ask(
        _page(_BAKERY),
        ("4", "6", "8", "10", "12"),
        task="Order two rye loaves for Saturday and leave the note: sliced, please",
        previous=("[link]  Breads -> CLICK", "[button]  Rye loaf, 2 pieces -> CLICK"),
    )
    museum = ask(
        _page(_MUSEUM),
        ("4", "6", "8", "10", "11"),
        task="Reserve three tickets for the guided tour on the first Sunday of March",
        previous=(),
    )
    pairs = ((rental, _RENTAL_ANSWER), (bakery, _BAKERY_ANSWER), (museum, _MUSEUM_ANSWER))
    return tuple(turn for question, answer in pairs for turn in _pair(question.text, answer))


def _page(html: str) -> Page:
    """Parse with white space between the tags, as recorded pages have it."""
    return Page(html.replace("><", "> <"))


def _pair(question: str, answer: str) -> tuple[Message, Message]:
    return Message(role="user", content=question), Message(role="assistant", content=answer, train=False)
