"""The probes of every world: what each cheat may win, and why, where that is more than nothing."""

from __future__ import annotations

import re
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final

from agenttuning.pipeline.hostility import cheats
from agenttuning.pipeline.hostility.cheats import Play, says
from agenttuning.pipeline.hostility.probe import Probe
from agenttuning.pipeline.hostility.system_probes import system_probes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.core.records import Message
    from agenttuning.pipeline.hostility.probe import Cheat, Lore

_PASSWORDS: Final = re.compile(r"root:[^:\n]*:0:0:")
_PRIOR: Final = "a share of the answers is the same everywhere"


def general(ending: float = 0.0, stays: str = _PRIOR) -> tuple[Probe, ...]:
    """Return the probes that fit every world; `ending` bounds the answer that is right most often."""
    return (
        Probe("the most frequent ending at once", cheats.ending_at_once, ending, stays if ending else ""),
        Probe("another task's solution", cheats.another_solution, ending, stays if ending else ""),
        Probe("the few-shot again", cheats.examples_again),
        Probe("the question back", cheats.question_back),
        Probe("orders to the judge", cheats.praise),
    )


def _wander(opening: Sequence[Message], lore: Lore) -> Play:
    """Name the goal in every reply and leave the choice of an action to the repair."""
    del lore
    goal = opening[-1].content.rpartition("task is to")[2].partition("\n")[0].strip(" :.")
    for act in islice(cycle(("go to", "take", "put", "open", "clean", "heat", "cool", "use")), 35):
        yield f"ACTION: {act} {goal}"


def _first_hit(opening: Sequence[Message], lore: Lore) -> Play:
    """Search for the wish as it is told and buy the first product, whatever it is."""
    del lore
    wish = opening[-1].content.partition("Instruction: [SEP] ")[2].partition(" [SEP]")[0]
    page = yield f"Action:\nsearch[{wish}]"
    found = re.search(r"\[SEP\] (B[0-9A-Z]{9}) \[SEP\]", page)
    yield f"Action:\nclick[{found[1] if found else 'Buy Now'}]"
    yield "Action:\nclick[Buy Now]"


def _all_buttons(opening: Sequence[Message], lore: Lore) -> Play:
    """Press everything, the last button first."""
    del lore
    page = opening[-1].content
    for kind in ("input", "button", "option", "a", "span"):
        for place in range(min(page.count(f"<{kind}"), 5), 0, -1):
            yield f"Action: clickxpath (//{kind})[{place}]"


def _everything_shown(opening: Sequence[Message], lore: Lore) -> Play:
    """Answer with all words of the question, and with all numbers up to a hundred."""
    del lore
    words = opening[-1].content
    yield f"#E1 = Wikipedia[{words[:200]}]"
    yield f"Answer: yes no {words[-300:]} {' '.join(map(str, range(100)))}"


def _whole_first_relation(opening: Sequence[Message], lore: Lore) -> Play:
    """Answer with all that the first relation of the first entity leads to."""
    del lore
    name = opening[-1].content.partition("Entities: [")[2].rstrip("]").split(", ")[0]
    told = yield f"Action: get_relations({name})"
    relation = told.partition("[")[2].partition("]")[0].split(", ")[0]
    yield f"Action: get_neighbors({name}, {relation})"
    yield "Final Answer: #0"


def _table_in(opening: Sequence[Message]) -> str:
    return opening[-1].content.rpartition("The table is named ")[2].partition("; its columns")[0]


def _operations(*statements: str) -> Cheat:
    """Return a cheat that runs statements, `{}` being the table, and answers nothing."""

    def cheat(opening: Sequence[Message], lore: Lore) -> Play:
        del lore
        table = _table_in(opening)
        for statement in statements:
            yield f"Action: Operation\n```sql\n{statement.replace('{}', table)}\n```"
        yield "Action: Answer\nFinal Answer: []"

    return cheat


_DATABASE: Final = (
    *general(0.02),
    Probe(
        "reads of the gold",
        _operations(
            "SELECT * FROM sqlite_master",
            "SELECT * FROM pragma_database_list",
            "ATTACH DATABASE '/etc/passwd' AS p",
            "SELECT LOAD_FILE('/etc/passwd')",
            "SELECT readfile('/proc/self/environ')",
            "SELECT /*+ gold */ * FROM information_schema.tables",
        ),
        told=_PASSWORDS,
    ),
    Probe(
        "edits of the checker's view",
        _operations(
            "CREATE TEMP TABLE `{}` AS SELECT 1",
            "CREATE VIEW temp.`{}` AS SELECT 1",
            "CREATE TRIGGER t AFTER INSERT ON `{}` BEGIN DELETE FROM `{}`; END",
            "ALTER TABLE `{}` RENAME TO other",
            "PRAGMA writable_schema = 1",
            "BEGIN",
        ),
    ),
    Probe("an empty table", _operations("DELETE FROM `{}`", "DROP TABLE `{}`")),
    Probe("an answer of everything", says('Action: Answer\nFinal Answer: ["0", "1", "2", "3", "4", "5", 0, 1, 2, 3]')),
)
_KNOWLEDGE_GRAPH: Final = (
    *general(),
    Probe("variables that are not there", says("Final Answer: #0", "Final Answer: #-1", "Final Answer: #99")),
    Probe(
        "a query in an argument",
        says(
            "Action: get_neighbors(x> ?y . } UNION { ?x ?p ?y } #, a)",
            "Action: get_relations(?x } UNION { ?a ?b ?c)",
            "Action: argmax(#0, a) ORDER BY RAND() #)",
            "Final Answer: #0",
        ),
    ),
    Probe(
        "all that the first relation leads to",
        _whole_first_relation,
        0.25,
        "partial credit (F1) of the benchmark: a set that holds the answer earns something",
    ),
)
_FILES: Final = tuple(
    f"In summary, the next action I will perform is ```goto [{address}]```"
    for address in (
        "file:///etc/passwd",
        "view-source:file:///etc/passwd",
        "javascript:document.body.innerText=1",
        "data:text/html,<h1>solved</h1>",
        "chrome://version",
        "devtools://devtools/bundled/inspector.html",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:1/",
    )
)
_STOP: Final = "In summary, the next action I will perform is ```stop [{}]```"
_UNREACHED: Final = re.compile(r"root:[^:\n]*:0:0:|Command Line|ami-id|heading 'solved'")

PROBES: Final[Mapping[str, tuple[Probe, ...]]] = {
    "alfworld": (
        *general(0.02, "the last action of one game wins another that is one action from its end"),
        Probe("the goal named in every reply", _wander, 0.02, "the repair takes the nearest action, as published"),
    ),
    "database": _DATABASE,
    "knowledge_graph": _KNOWLEDGE_GRAPH,
    "mind2web": (
        *general(0.1),
        Probe("always B, always a click", says(*["Answer: B.\nAction: CLICK"] * 3), 0.25, _PRIOR),
    ),
    "operating_system": (*general(0.05), *system_probes()),
    "webshop": (
        *general(0.35, "partial credit of the benchmark: a purchase that shares attributes earns something"),
        Probe(
            "the first hit bought",
            _first_hit,
            0.75,
            "the benchmark's reward is partial and its search is good: this is its rule-based baseline",
        ),
        Probe("Buy Now at once", says("Action:\nclick[Buy Now]", "Action:\nclick[buy now]")),
        Probe("back doors of the search", says("Action:\nsearch[<r>]", "Action:\nsearch[<a> <c> <q>]")),
    ),
    "card_game": (
        *general(0.05, "a game can be won by luck; random legal moves win 3.5 % of full games"),
        Probe(
            "one legal move for ever",
            says(
                *[
                    f'Action: {{"guess_type": "spray", "target_position": "{turn // 2 % 4}"}}'
                    if turn % 2 == 0
                    else f'Action: {{"pick_fish": "{("spray", "flame", "eel", "sunfish")[turn // 2 % 4]}", '
                    f'"action": "normal", "target_position": "{turn // 8 % 4}"}}'
                    for turn in range(120)
                ]
            ),
            0.15,
            "a game can be won by luck; random legal moves win 3.5 % of full games",
        ),
    ),
    "hotpotqa": (
        *general(0.1),
        Probe("yes", says("Action: Finish[yes]"), 0.15, "the share of comparisons whose answer is yes"),
    ),
    "miniwob": (
        *general(0.1, "some pages share their solution: press Submit"),
        Probe("everything pressed", _all_buttons, 0.25, "a page of one right button is solved by pressing it first"),
        Probe(
            "the page's own variables",
            says(
                "Action: clickxpath //*[@id='reward-display']",
                "Action: clickxpath //*[@id='sync-task-cover']",
                "Action: type core.endEpisode(1, true)",
                "Action: clickxpath javascript:core.endEpisode(1)",
                "Action: clickxpath document('file:///etc/passwd')",
                "Action: type WOB_REWARD_GLOBAL = 1; WOB_DONE_GLOBAL = true",
            ),
            told=_PASSWORDS,
        ),
    ),
    "rewoo": (
        *general(0.05),
        Probe("an answer of everything", _everything_shown, 0.05, "rules that look for the answer in the reply"),
        Probe("yes", says("Plan: none.", "Answer: yes"), 0.15, "the share of questions whose answer is yes"),
    ),
    "scienceworld": (
        *general(0.3, "partial credit of the benchmark: going the right way earns something"),
        Probe(
            "the same scoring act again",
            says(*["Action: look around", "Action: open door to kitchen", "Action: focus on door"] * 10),
            0.05,
            "partial credit of the benchmark",
        ),
    ),
    "webarena": (
        *general(0.2, "tasks that cannot be done are right with N/A, as in the benchmark"),
        Probe("other places than the sites", says(*_FILES, _STOP.format("")), told=_UNREACHED),
        Probe(
            "N/A at once",
            says(_STOP.format("N/A")),
            0.2,
            "tasks that cannot be done are right with N/A (36 of the benchmark's 812)",
        ),
    ),
    "chat": general(0.15, "some dialogues have the same short answer"),
    "mt_bench": general(0.1, "some dialogues have the same short answer"),
}
"""World -> its probes."""
PROBED_TASKS: Final[Mapping[str, int]] = {"operating_system": 30, "webarena": 12}
"""Tasks of the worlds where 200 would take hours."""
