"""The action grammar of 2023."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.webarena.actions import MAX_TEXT, Action, parse_action


@pytest.mark.parametrize(
    ("written", "action"),
    [
        ("click [7]", Action("click", 7)),
        ("click[7]", Action("click", 7)),
        ("hover [7]", Action("hover", 7)),
        ("type [7] [red lamp]", Action("type", 7, "red lamp", enter=True)),
        ("type [7] [red lamp] [0]", Action("type", 7, "red lamp")),
        ("type [7] [a] [b] [1]", Action("type", 7, "a] [b", enter=True)),
        ("type [7] [two\nlines] [0]", Action("type", 7, "two\nlines")),
        ("press [Control+a]", Action("press", text="Control+a")),
        ("scroll [down]", Action("scroll", text="down")),
        ("scroll up", Action("scroll", text="up")),
        ("goto [http://shop.mini/a?b=[1]]", Action("goto", text="http://shop.mini/a?b=[1]")),
        ("go_back", Action("go_back")),
        ("go_forward", Action("go_forward")),
        ("new_tab", Action("new_tab")),
        ("tab_focus [1]", Action("tab_focus", 1)),
        ("close_tab", Action("close_tab")),
        ("stop [N/A]", Action("stop", text="N/A")),
        ("stop", Action("stop")),
        ("stop []", Action("stop")),
    ],
)
def test_every_action_is_read_and_written(written: str, action: Action) -> None:
    assert parse_action(f"I think. In summary, the next action I will perform is ```{written}```") == action
    if action.text or action.verb != "stop":
        assert parse_action(f"```{action}```") == action


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "click [7]",
        "```click [7]",
        "``````",
        "```click [x]```",
        "```click 7```",
        "```type [7]```",
        "```type [7] []```",
        "```scroll [left]```",
        "```goto```",
        "```tab_focus [-1]```",
        "```clicks [7]```",
        "```gone```",
        "```stopping [7]```",
        "```CLICK [7]```",
        f"```click [{'9' * 400}]```",
        f"```stop [{'a' * MAX_TEXT}]```",
    ],
)
def test_what_is_no_action(reply: str) -> None:
    assert parse_action(reply) is None


def test_the_first_pair_of_backticks_counts() -> None:
    assert parse_action("```\nclick [1]\n``` or ```click [2]```") == Action("click", 1)


@given(st.text() | st.text().map(lambda text: f"```{text}```") | st.from_regex(r"```(click|type|stop) ?\[.*```"))
def test_any_reply_is_read_without_an_error(reply: str) -> None:
    action = parse_action(reply)
    assert action is None or len(str(action)) <= MAX_TEXT + 20
