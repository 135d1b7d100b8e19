"""The early stops of the protocol."""

from agenttuning.core.records import Stop
from agenttuning.environments.worlds.webarena.actions import Action
from agenttuning.environments.worlds.webarena.patience import Patience


def test_three_unreadable_replies_in_a_row_end_it() -> None:
    patience = Patience()
    assert [patience.unreadable() for _ in range(2)] == [None, None]
    assert patience.taken(Action("go_back"), document="0/1") is None
    assert [patience.unreadable() for _ in range(3)] == [None, None, Stop.FORMAT]


def test_the_same_action_three_times_in_a_row_ends_it() -> None:
    patience = Patience()
    scroll = Action("scroll", text="down")
    for other in (Action("go_back"), Action("scroll", text="up")):
        assert [patience.taken(scroll, document="0/1") for _ in range(2)] == [None, None]
        assert patience.taken(other, document="0/1") is None
    assert [patience.taken(scroll, document=f"0/{page}") for page in range(3)] == [None, None, Stop.REPEAT]


def test_an_unreadable_reply_breaks_a_row() -> None:
    patience = Patience()
    for _ in range(2):
        assert [patience.taken(Action("new_tab"), document="0/1") for _ in range(2)] == [None, None]
        assert patience.unreadable() is None


def test_the_same_number_on_another_page_is_another_element() -> None:
    patience = Patience()
    assert {patience.taken(Action("click", 4), document=f"0/{page}") for page in range(9)} == {None}
    assert [patience.taken(Action("click", 4), document="0/8") for _ in range(2)] == [None, Stop.REPEAT]


def test_the_same_text_three_times_in_one_field_ends_it_wherever() -> None:
    patience = Patience()
    typed = Action("type", 4, "lamp", enter=True)
    for _ in range(2):
        assert patience.taken(typed, document="0/1") is None
        assert patience.taken(Action("click", 5), document="0/1") is None
    assert patience.taken(Action("type", 4, "lamp"), document="0/1") is None
    assert patience.taken(typed, document="0/1") is Stop.REPEAT
