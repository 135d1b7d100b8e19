"""Nothing that a model writes breaks a form or keeps it busy."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.forms.generator import draw_scene
from agenttuning.environments.worlds.forms.task_page import FormTaskPage
from agenttuning.environments.worlds.miniwob.grammar import MAX_ARGUMENT, Action, parse_action, refuse

SCENE = draw_scene("hard", seed=0, test=False, index=5)
_WORDS = (
    "// / * [ ] ( ) @id .. :: | ' \" text() node() count( following:: preceding:: ancestor:: input = >1 $x é id('list')"
)
PIECES = st.sampled_from([*_WORDS.split(), "\x00", "\ud800", "\u202e", " "])
WORST = (
    "//node()" + "/following::node()/preceding::node()" * 18,
    "//node()[count(//following::node()/preceding::node())>1]",
    "//node()[count(//node()/following::node())>1]",
    "*" + "[../*[../*[../*]]]" * 50,
    "//*" * 40,
    "(" * 600 + "//a" + ")" * 600,
    " | ".join(["//*[//*[1]/*[*]]"] * 3),
    "string(" * 200 + "//a" + ")" * 200,
)


@settings(deadline=None, max_examples=150)
@given(verb=st.sampled_from(["clickxpath", "clickoption", "movemouse", "type"]), pieces=st.lists(PIECES, max_size=40))
def test_any_argument_is_answered(verb: str, pieces: list[str]) -> None:
    action = parse_action(f"Action: {verb} {''.join(pieces)}")
    if action is not None and not refuse(action):
        assert isinstance(asyncio.run(FormTaskPage(SCENE).act(action)), str)


@pytest.mark.parametrize("xpath", WORST)
def test_the_costliest_xpaths_that_are_let_through_are_quick(xpath: str) -> None:
    action = Action("clickxpath", xpath)
    assert len(xpath) <= MAX_ARGUMENT
    assert refuse(action) == ""
    began = time.process_time()
    asyncio.run(FormTaskPage(SCENE).act(action))
    assert time.process_time() - began < 2
