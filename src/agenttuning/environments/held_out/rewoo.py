"""ReWOO: plan a whole answer before anything is looked up, then answer from what the plan brought.

One episode is two dialogues of one reply each (Xu et al., arXiv 2305.18323, in AgentTuning's held-out evaluation;
shortened). Between them the world makes the calls of the plan, those that need nothing of each other at the same time:

    user       You plan how a question can be answered ... (the instruction below)
    assistant  OK.                                                                     (not trained on)
    user       Tools: ...
               Question: How many years lie between the birth year of Amy Bell and the publication year of Last Road?
    assistant  Plan: Look up the birth year of Amy Bell.
               #E1 = Wikipedia[Amy Bell | birth]
               Plan: Look up the publication year of Last Road.
               #E2 = Wikipedia[Last Road | came out]
               Plan: Work out abs(#E1 - #E2).
               #E3 = Calculator[abs(#E1 - #E2)]

    user       You answer a question from evidence ...
    assistant  OK.                                                                     (not trained on)
    user       Question: ...
               Plan: Look up the birth year of Amy Bell.
               #E1: Amy Bell: The year of birth is 1912.
               ...
    assistant  Thought: #E3 settles it: 39
               Answer: 39

Action: `#E` and a number, `= Tool[input]`; an input may name evidence of any other step, which is written in its place
in brackets. What cannot be run (unknown tools, circles, missing brackets, more than 20 steps) becomes a sentence in
place of the evidence. The answer stands behind `Answer:`, else it is the whole reply. The original decodes 256 tokens
greedily in both.
Reward: 1 or 0 by the rule of the question's set (`worlds/rewoo/scoring`), or by a judge (`scorer = "judge"`); metrics:
both verdicts, exact match, F1, steps run and steps failed. The benchmark's figure is successes over episodes.
Sources: `synthetic-v1`, questions over the generated encyclopaedia; `rewoo-official`, the 7 sets of 50 questions that
AgentTuning asks (https://github.com/billxbf/ReWOO, MIT; BIG-bench, Apache-2.0; gsm8k, MIT), never trained on.
Deviations: a tool that nobody set up is not offered (every number names the tools); the calculator works its input out
itself, where the original asks a model; Wikipedia opens the likeliest page where no title fits, and gives single
passages; any number behind `#E` counts, and a plan with faults is run as far as it goes, where the original gives up;
one call of a judge, not four; instructions and examples are our own.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, ClassVar, Final

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Stop, Task
from agenttuning.environments.worlds.rewoo.examples import example_for
from agenttuning.environments.worlds.rewoo.judge import judge_answer
from agenttuning.environments.worlds.rewoo.official import SETS
from agenttuning.environments.worlds.rewoo.plan import parse_plan
from agenttuning.environments.worlds.rewoo.scoring import matches, read_answer
from agenttuning.environments.worlds.rewoo.tasks import RewooConfig, RewooTask, TaskMaker
from agenttuning.environments.worlds.rewoo.toolbox import Toolbox
from agenttuning.environments.worlds.rewoo.wording import (
    ACKNOWLEDGEMENT,
    PLANNER,
    SOLVER,
    TINY_PLANNER,
    TINY_SOLVER,
    Wording,
    ask_planner,
    ask_solver,
)
from agenttuning.environments.worlds.rewoo.worker import Worker, shorten
from agenttuning.environments.worlds.wiki.scoring import exact_match, token_f1

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agenttuning.environments.worlds.rewoo.worker import Evidence

MOST_ACTION: Final = 1_000
"""Characters of a plan's calls in the record of a step."""


class Rewoo(Environment[RewooTask]):
    """One question: a plan, its calls, an answer."""

    id: ClassVar[str] = "rewoo"
    group: ClassVar[Group] = "held_out"
    max_turns: ClassVar[int] = 2
    task_type: ClassVar[type[Task]] = RewooTask
    config_type: ClassVar[type[EnvironmentConfig]] = RewooConfig
    oracles: ClassVar[Mapping[str, Mapping[str, str]]] = {"all": {}} | {name: {"questions": name} for name in SETS}
    """What `check --official` plays: all questions whose rows are here, then each set by itself."""

    def __init__(self, task: RewooTask) -> None:
        super().__init__(task)
        self._brief = task.difficulty == "tiny"
        self._toolbox: Toolbox | None = None
        self._evidence: list[Evidence] | None = None
        self._answer = ""

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return the generator's splits, or `test` with all official questions whose rows are here and each set."""
        return TaskMaker(narrow(config, RewooConfig)).splits()

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[RewooTask]:
        """Yield the tasks of a split lazily.

        Raises:
            DataError: official rows are missing or of another format, or there is no such split.
            RecipeError: the settings do not go together.
        """
        return TaskMaker(narrow(config, RewooConfig)).tasks(split)

    async def start(self) -> Sequence[Message]:
        """Open the tools; return instruction, acknowledgement, an example if there is one, and the question."""
        self._toolbox = Toolbox(self.task.tools, self.task.offered, judge=self.task.judge)
        tools = list(self._toolbox.tools.values())
        example = example_for(self.task.offered) if self.task.shots else None
        shown = (
            Message(role="user", content=ask_planner(example.question, tools, brief=self._brief)),
            Message(role="assistant", content=example.plan, train=False),
        ) if example else ()  # fmt: skip
        return (
            Message(role="user", content=self.task.instruction or (TINY_PLANNER if self._brief else PLANNER)),
            Message(role="assistant", content=ACKNOWLEDGEMENT, train=False),
            *shown,
            Message(role="user", content=ask_planner(self.task.question, tools, brief=self._brief)),
        )

    async def step(self, reply: str) -> Step:
        """Run the plan and ask for the answer in a dialogue of its own; then take the answer."""
        assert self._toolbox is not None, "start() comes first"
        if self._evidence is not None:
            self._answer = read_answer(reply)
            stop = Stop.DONE if self._answer else Stop.FORMAT
            return Step("", done=True, action=self._answer, valid=bool(self._answer), stop=stop)
        plan = parse_plan(reply)
        limit, seconds = self.task.evidence_limit, self.task.tool_seconds
        worker = Worker(self._toolbox.tools, evidence_limit=limit, seconds=seconds)
        self._evidence = await worker.run(plan)
        asked = ask_solver(self.task.question, self._evidence, left_out=plan.left_out, brief=self._brief)
        opening = (
            Message(role="user", content=TINY_SOLVER if self._brief else SOLVER),
            Message(role="assistant", content=ACKNOWLEDGEMENT, train=False),
            Message(role="user", content=asked),
        )
        calls = "\n".join(f"{step.name} = {step.tool}[{step.query}]" for step in plan.steps if step.name)
        return Step("", action=shorten(calls, MOST_ACTION), valid=plan.sound, fresh=opening)

    async def score(self) -> Score:
        """Judge the answer by the rule of its set, and by the judge if there is one."""
        golds, answer = self.task.golds, self._answer
        exact = matches(answer, golds, match=self.task.match)
        evidence = self._evidence or []
        metrics = {
            "acc_exact": float(exact),
            "em": float(bool(answer) and any(exact_match(answer, gold) for gold in golds)),
            "f1": max(token_f1(answer, gold) for gold in golds),
            "steps": float(len(evidence)),
            "failed_steps": float(sum(found.failed for found in evidence)),
        }
        success = exact
        if self._toolbox is not None and self._toolbox.has_judge:
            ask = self._toolbox.ask_judge
            verdict = await judge_answer(ask, question=self.task.question, answer=answer, golds=golds)
            metrics |= {"acc_judge": float(verdict.correct), "judge_unread": float(not verdict.readable)}
            success = verdict.correct if self.task.scorer == "judge" else exact
        return Score(reward=float(success), success=success, metrics=metrics)

    def variant(self) -> str:
        """Name the tools and what is behind them, the scorer, the judge, and the sets that are missing."""
        return self.task.setup

    def oracle(self) -> Iterator[str]:
        """Write the expert's plan, then the gold answer with what the evidence says for it."""
        yield self.task.plan
        wording = Wording(random.Random(self.task.id), brief=self._brief)
        answer = " ".join(self.task.golds[0].split())
        yield f"Thought: {wording.conclude(self._evidence or [], answer)}\nAnswer: {answer}"

    async def close(self) -> None:
        """Close the tools and the judge."""
        if self._toolbox is not None:
            await self._toolbox.close()
