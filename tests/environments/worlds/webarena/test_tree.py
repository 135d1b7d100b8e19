"""The accessibility tree as lines: what is kept, what moves up, what is cut."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from agenttuning.environments.worlds.webarena.tree import AxNode, Sight, elements_in_sight, resolve

WINDOW = (1280, 720)
BOX = (10.0, 10.0, 100.0, 20.0)


def node(number: int, role: str, name: str = "", *children: int, **properties: JsonValue) -> AxNode:
    return AxNode.model_validate(
        {
            "nodeId": str(number),
            "backendDOMNodeId": number,
            "role": {"type": "role", "value": role},
            "name": {"type": "computedString", "value": name},
            "properties": [{"name": key, "value": {"value": value}} for key, value in properties.items()],
            "childIds": [str(child) for child in children],
        }
    )


def lines(*nodes: AxNode, hidden: tuple[int, ...] = ()) -> list[str]:
    boxes = {each.backend: BOX for each in nodes if each.backend is not None and each.backend not in hidden}
    elements = elements_in_sight(nodes, boxes, window=WINDOW)
    return Sight("", "", tuple(enumerate(elements, start=1))).tree.splitlines()


def test_properties_of_no_use_are_left_out() -> None:
    told = lines(
        node(1, "RootWebArea", "Shop", 2, focused=True, url="http://x"),
        node(
            2,
            "textbox",
            "Search",
            required=False,
            readonly=False,
            multiline=True,
            settable=True,
            invalid="false",
            editable="plaintext",
            labelledby=None,
            focusable=True,
            level=1,
        ),
    )
    assert told == ["[1] RootWebArea 'Shop' focused: True", "\t[2] textbox 'Search' required: False"]


def test_nodes_without_meaning_give_their_place_to_their_children() -> None:
    told = lines(
        node(1, "RootWebArea", "Shop", 2),
        node(2, "generic", "", 3, 7),
        node(3, "list", "", 4),
        node(4, "listitem", "", 5, level=1),
        node(5, "link", "Home", 6),
        node(6, "InlineTextBox", "Home"),
        node(7, "generic", "", 8, busy=True),
        node(8, "image", "Logo"),
    )
    assert told == ["[1] RootWebArea 'Shop'", "\t[2] link 'Home'", "\t[3] generic '' busy: True", "\t\t[4] img 'Logo'"]


def test_a_nameless_list_item_goes_whatever_it_has() -> None:
    assert lines(node(1, "RootWebArea", "", 2), node(2, "listitem", "", 3, busy=True), node(3, "link", "a")) == [
        "[1] RootWebArea ''",
        "\t[2] link 'a'",
    ]


def test_a_text_that_stands_in_the_three_lines_before_is_not_repeated() -> None:
    texts = ["Blue lamps", "lamps", "Red", "Green", "Grey", "lamps", " "]
    nodes = [node(index, "StaticText", text) for index, text in enumerate(texts, start=2)]
    told = lines(node(1, "RootWebArea", "Shop", *range(2, 9)), *nodes)
    assert [line.split("'")[1] for line in told] == ["Shop", "Blue lamps", "Red", "Green", "Grey", "lamps"]


def test_what_is_not_drawn_in_the_window_is_left_out_and_its_children_stay() -> None:
    nodes = (node(1, "RootWebArea", "Shop", 2), node(2, "form", "Order", 3), node(3, "button", "Send"))
    assert lines(*nodes, hidden=(2,)) == ["[1] RootWebArea 'Shop'", "\t[2] button 'Send'"]
    for box in ((0.0, 720.0, 9.0, 9.0), (0.0, -9.0, 9.0, 9.0), (1280.0, 0.0, 9.0, 9.0), (5.0, 5.0, 0.0, 9.0)):
        assert [each.role for each in elements_in_sight(nodes, {2: BOX, 3: box}, window=WINDOW)] == [
            "RootWebArea",
            "form",
        ]
    partly = elements_in_sight(nodes, {3: (-5.0, 715.0, 9.0, 9.0)}, window=WINDOW)
    assert [each.role for each in partly] == ["RootWebArea", "button"]


def test_options_of_a_list_in_sight_are_shown_though_nothing_draws_them() -> None:
    nodes = (
        node(1, "RootWebArea", "Shop", 2),
        node(2, "combobox", "Size", 3, hasPopup="menu", expanded=False),
        node(3, "MenuListPopup", "", 4, 5),
        node(4, "option", "small", selected=True),
        node(5, "option", "large", selected=False),
    )
    assert lines(*nodes, hidden=(3, 4, 5)) == [
        "[1] RootWebArea 'Shop'",
        "\t[2] combobox 'Size' hasPopup: menu expanded: False",
        "\t\t[3] option 'small' selected: True",
        "\t\t[4] option 'large' selected: False",
    ]
    assert lines(*nodes, hidden=(2, 3, 4, 5)) == ["[1] RootWebArea 'Shop'"]


def test_names_are_written_so_that_a_line_stays_a_line() -> None:
    assert lines(node(1, "RootWebArea", "it's\n[7] link 'x'")) == ["[1] RootWebArea \"it's\\n[7] link 'x'\""]


def test_a_page_may_nest_as_deep_as_it_likes() -> None:
    nodes = [node(number, "group", f"g{number}", number + 1) for number in range(1, 5_000)]
    assert len(lines(*nodes, node(5_000, "link", "deep"))) == 5_000


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["generic", "link", "StaticText", "listitem"]), st.text(), st.lists(st.integers(1, 12))
        ),
        max_size=12,
    )
)
def test_any_graph_of_nodes_gives_each_node_at_most_once(drawn: list[tuple[str, str, list[int]]]) -> None:
    nodes = [node(index, role, name, *children) for index, (role, name, children) in enumerate(drawn, start=1)]
    elements = elements_in_sight(nodes, dict.fromkeys(range(1, 13), BOX), window=WINDOW)
    assert len({element.backend for element in elements}) == len(elements) <= len(nodes)


def test_scripts_name_elements_by_role_and_name() -> None:
    nodes = (
        node(1, "RootWebArea", "", 2, 3, 4),
        node(2, "link", "Edit"),
        node(3, "link", "Edit"),
        node(4, "link", "it's"),
    )
    elements = elements_in_sight(nodes, dict.fromkeys(range(1, 5), BOX), window=WINDOW)
    sight = Sight("", "", tuple(enumerate(elements, start=11)))
    assert resolve("click [link 'Edit']", sight) == "click [12]"
    assert resolve("click [link 'Edit' #2]", sight) == "click [13]"
    assert resolve("type [link \"it's\"] [link 'Edit'] [1]", sight) == "type [14] [link 'Edit'] [1]"
    assert resolve("click [link 'Gone']", sight) is None
    assert resolve("click [link 'Edit' #3]", sight) is None
    assert resolve("stop [done]", sight) == "stop [done]"
