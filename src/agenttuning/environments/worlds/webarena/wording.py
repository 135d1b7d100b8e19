"""What the agent is told: the instruction, worked examples, and how an observation is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agenttuning.environments.worlds.webarena.tree import Sight

CLOSING: Final = "In summary, the next action I will perform is"
"""The fixed phrase of the protocol before the action."""
INSTRUCTION: Final = f"""\
You use web sites for somebody. After each of your actions you are shown the page as it is then: a line of open tabs, \
and the accessibility tree of what is visible in the window, one numbered element per line. You are also told the \
address of the page, the objective, and what your previous action was and did. You see nothing else of the past.

Act on one element by its number, or on the browser:
click [number] clicks on an element, or chooses the option of a list.
type [number] [text] [0 or 1] puts the text in a field in place of what it held; 1, or nothing, presses Enter after it.
hover [number] moves the mouse over an element.
press [keys] presses a key or a combination such as Control+a.
scroll [down] or scroll [up] moves the page by one window.
goto [address], go_back and go_forward change the page of the tab.
new_tab opens a tab, tab_focus [index] brings one to the front, close_tab closes the one in front.
stop [answer] ends the task: with the answer if one is asked for, with N/A if the task cannot be done.

Think first, briefly and step by step. Then end the reply with the phrase "{CLOSING}" and exactly one action between \
triple backticks, for example: {CLOSING} ```click [12]```. Use only numbers that the page shows now."""
TINY_INSTRUCTION: Final = (
    "Use the site. Think, then write one action: ```click [3]```, ```type [3] [text]``` or ```stop [answer]```."
)
JSON_ANSWER: Final = """\
End every task with stop [{"task_type": T, "status": S, "retrieved_data": D}]. T is "RETRIEVE" if something was to be \
found out, "MUTATE" if something was to be changed, "NAVIGATE" if a page was to be opened. S is "SUCCESS", \
"NOT_FOUND_ERROR", "PERMISSION_DENIED_ERROR", "ACTION_NOT_ALLOWED_ERROR", "DATA_VALIDATION_ERROR" or "UNKNOWN_ERROR". \
D is the list of what was found out, numbers as numbers; null after a change or a visit."""
EXAMPLES: Final = (
    (
        """\
OBSERVATION:
Tab 0 (current): Opening hours | Tab 1: City library

[1] RootWebArea 'Opening hours' focused: True
	[2] link 'Catalogue'
	[3] heading 'Opening hours'
	[4] StaticText 'Monday to Friday: 10 to 19'
	[5] StaticText 'Saturday: 10 to 14'
URL: http://library.example/hours
OBJECTIVE: Until when is the library open on Saturdays?
PREVIOUS ACTION: click [7] where [7] is link 'Opening hours'""",
        f"""\
Let's think step-by-step. The page lists the opening hours, and its line for Saturday says 10 to 14. That is what was \
asked for, so I give the answer. {CLOSING} ```stop [14]```""",
    ),
    (
        """\
OBSERVATION:
Tab 0 (current): Catalogue

[1] RootWebArea 'Catalogue' focused: True
	[2] link 'Opening hours'
	[3] searchbox 'Title or author'
	[4] button 'Find'
	[5] heading 'New this month'
URL: http://library.example/catalogue
OBJECTIVE: Show me the books by Tove Jansson
PREVIOUS ACTION: None""",
        f"""\
Let's think step-by-step. The page has a field for titles and authors with the number [3]. I write the author's name \
there and press Enter to search. {CLOSING} ```type [3] [Tove Jansson] [1]```""",
    ),
)
"""What is shown, and a good reply."""
NOT_UNDERSTOOD: Final = (
    "no action was found in the reply. Write exactly one between triple backticks, with its argument in brackets, such "
    "as ```click [12]``` or ```stop [answer]```"
)


def observation(sight: Sight, *, objective: str, previous: str, shown: str) -> str:
    """Return one turn of the user.

    Args:
        sight: where the agent is.
        objective: what it is asked to do.
        previous: its last action and what that did.
        shown: tabs and tree, cut to the protocol's length.
    """
    return f"OBSERVATION:\n{shown}\nURL: {sight.url}\nOBJECTIVE: {objective}\nPREVIOUS ACTION: {previous}"
