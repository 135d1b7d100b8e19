"""The Operating System environment: protocol, judgement, oracle, and what a cheat gets."""

import asyncio
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from agenttuning.core.records import Difficulty, Message, Reply, Stop, Trajectory
from agenttuning.core.rollout import rollout, rollouts
from agenttuning.environments.held_in.operating_system import (
    OperatingSystem,
    OperatingSystemConfig,
    OperatingSystemTask,
)
from agenttuning.environments.worlds.linux.problem import (
    Comparison,
    Evaluation,
    Example,
    Expectation,
    Match,
    Problem,
    Script,
)
from agenttuning.environments.worlds.linux.wording import EXAMPLE, INSTRUCTION, TINY_INSTRUCTION, observe
from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings, ShellOutput
from agenttuning.errors import DataError, MissingExtraError
from agenttuning.policies.oracle import oracle_player

QUESTION = Problem(
    setup=(Script(code="mkdir -p /srv/x && touch /srv/x/a /srv/x/b"),),
    judgement=Expectation(reference=Script(code="ls /srv/x | wc -l"), answer="2"),
)
CHANGE = Problem(
    setup=(Script(code="rm -rf /srv/x && mkdir -p /srv/x && echo old > /srv/x/a"),),
    judgement=Expectation(
        reference=Script(code="echo new > /srv/x/a"),
        probe=Script(code="cd /srv/x && find . -type f -exec cat {} +"),
        undo=Script(code="rm -rf /srv/x"),
    ),
)
FINISH = "Act: finish"


class _Says:
    """Says prepared replies, the last one again and again."""

    name = "script"
    sampling = None

    def __init__(self, replies: Iterator[str]) -> None:
        self.replies, self.last = replies, ""

    async def reply(self, messages: tuple[Message, ...]) -> Reply:
        self.last = next(self.replies, self.last)
        return Reply(content=self.last)


def bash(*commands: str) -> str:
    return "Act: bash\n" + "\n".join(f"```bash\n{command}\n```" for command in commands)


def task(problem: Problem, **more: object) -> OperatingSystemTask:
    given = {"id": "t", "kind": "count", "description": "Do it.", "problem": problem, **more}
    return OperatingSystemTask.model_validate(given)


def official(**more: object) -> OperatingSystemTask:
    start, setup = more.pop("start", None), more.pop("setup", ())
    return task(Problem.model_validate({"judgement": Evaluation.model_validate(more), "start": start, "setup": setup}))


def play(played: OperatingSystemTask, *replies: str) -> Trajectory:
    try:
        return asyncio.run(rollout(OperatingSystem(played), lambda _environment, *, sample: _Says(iter(replies))))
    except MissingExtraError as missing:
        pytest.skip(str(missing))


def outputs(trajectory: Trajectory) -> list[str]:
    opening = 1 + len(EXAMPLE) + 1
    return [message.content for message in trajectory.messages[opening:] if message.role == "user"]


def test_the_opening_is_instruction_worked_example_and_problem() -> None:
    messages = play(task(QUESTION), FINISH).messages
    assert [message.role for message in messages[:-1]] == ["user", "assistant"] * 3 + ["user"]
    assert messages[0].content.startswith(INSTRUCTION + "\n\nNow, my problem is:\n\n")
    assert messages[6].content == "Now, I will start a new problem in a new OS. My problem is:\n\nDo it."
    assert [message.train for message in messages if message.role == "assistant"] == [False] * 3 + [True]


def test_tiny_has_one_sentence_and_no_worked_example() -> None:
    messages = play(task(QUESTION, difficulty="tiny"), FINISH).messages
    assert [message.content for message in messages[:3]] == [TINY_INSTRUCTION, "Ok.", "Do it."]


@pytest.mark.parametrize(
    ("output", "observation"),
    [
        (ShellOutput("7\n"), "The output of the OS:\n\n7"),
        (ShellOutput("  7\n a\n"), "The output of the OS:\n\n  7\n a"),
        (ShellOutput(""), "The output of the OS is empty."),
        (ShellOutput("\n\n"), "The output of the OS is empty."),
        (ShellOutput("x" * 800), "The output of the OS:\n\n" + "x" * 800),
        (
            ShellOutput("x" * 801),
            f"The output of the OS:\n\n{'x' * 780}\n[truncated because the output is too long]",
        ),
        (
            ShellOutput("x", timed_out=True, restarted=True),
            (
                "The output of the OS:\n\nx\n[the command did not end within 5 seconds]\n"
                "[the shell is gone; a new one has been started]"
            ),
        ),
        (ShellOutput("", timed_out=True), "The output of the OS:\n\n[the command did not end within 5 seconds]"),
    ],
)
def test_the_observation_is_the_benchmarks(output: ShellOutput, observation: str) -> None:
    assert observe(output, seconds=5) == observation


def test_folder_and_variables_last_and_blocks_run_in_order() -> None:
    trajectory = play(task(QUESTION), bash("cd /srv", "name=x"), bash("ls -1 $name", "pwd"), FINISH)
    assert outputs(trajectory) == ["The output of the OS is empty.", "The output of the OS:\n\na\nb\n/srv"]


def test_bash_without_a_block_is_an_empty_output_and_no_valid_step() -> None:
    trajectory = play(task(QUESTION), "Act: bash", FINISH)
    assert outputs(trajectory) == ["The output of the OS is empty."]
    assert [step.valid for step in trajectory.steps] == [False, True]


def test_a_reply_without_action_ends_the_episode_and_the_system_is_judged() -> None:
    trajectory = play(official(check=[Script(code="test -e /srv/made")]), bash("touch /srv/made"), "I am done.")
    assert (trajectory.stop, trajectory.score.reward) == (Stop.FORMAT, 1.0)


def test_after_eight_rounds_the_system_is_judged() -> None:
    trajectory = play(official(check=[Script(code="test -e /srv/made")]), *[bash("touch /srv/made")] * 9)
    assert (trajectory.stop, trajectory.turns, trajectory.score.reward) == (Stop.TURNS, 8, 1.0)


def test_start_runs_in_the_agents_shell_and_the_setup_beside_it() -> None:
    made = official(match=Match(answer="3.14"), setup=[{"code": "other=1"}], start="var=3.14; cd /tmp")
    trajectory = play(made, bash("echo $var $other; pwd"), "Act: answer( 3.14 )")
    assert outputs(trajectory) == ["The output of the OS:\n\n3.14\n/tmp"]
    assert trajectory.score.success


@pytest.mark.parametrize("directory", ["/", "/root"])
def test_shell_and_checks_begin_in_the_folder_of_the_protocol(directory: str) -> None:
    problem = Problem(
        judgement=Evaluation(
            check=(Example(), Comparison(compare="string"), Script(code=f"test $PWD = {directory}")),
            example=Script(code="pwd"),
        ),
        directory=directory,
    )
    assert play(task(problem), bash("pwd"), f"Act: answer({directory})").score.success


def test_every_check_is_given_the_answer_and_what_came_before() -> None:
    chain = (
        Script(code='test "$#" = 1 && echo "first $1"'),
        Example(),
        Script(
            code='test "$1|$2|$3" = "it\'s; $(x)|first it\'s; $(x)\n|gold\n" || test "$2" = "first it\'s; \\$(x)\n"'
        ),
        Script(code="import sys; assert sys.argv[3] == 'gold\\n' and len(sys.argv) == 5", language="python"),
    )
    made = official(check=[entry.model_dump() for entry in chain], example=Script(code="echo gold"))
    if "python3" in play(made, bash("command -v python3"), FINISH).messages[-2].content:
        assert play(made, "Act: answer(it's; $(x))").score.success
    assert not play(made, "Act: answer(other)").score.success


def test_every_entry_must_succeed() -> None:
    for bad in (Script(code="exit 3"), Script(code="kill -9 $$"), Example()):
        chain = [Script(code="exit 0").model_dump(), bad.model_dump()]
        assert not play(official(check=chain, example=Script(code="exit 1")), FINISH).score.success


def test_no_answer_is_the_text_none_for_checks_and_wrong_for_matches() -> None:
    assert play(official(check=[Script(code='test "$1" = None')]), FINISH).score.success
    assert not play(official(match=Match(answer="None")), FINISH).score.success


def test_raw_output_shows_the_terminal_and_the_oracle_reads_it() -> None:
    config = OperatingSystemConfig(sandbox=SandboxSettings(output="raw-2023"))
    (asked,) = islice(OperatingSystem.load("train", config), 1)
    try:
        trajectory = asyncio.run(rollout(OperatingSystem(asked), oracle_player))
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    assert trajectory.score.success
    assert all(output.endswith("# ") and "\x1b" in output for output in outputs(trajectory))
    assert "output raw-2023" in trajectory.provenance.environment_version


def test_a_search_of_the_whole_system_meets_nothing_forbidden() -> None:
    trajectory = play(task(QUESTION), bash("find / -name nothing; echo $?"), FINISH)
    assert outputs(trajectory) == ["The output of the OS:\n\n0"]


@pytest.mark.parametrize("answer", ["Act: answer(2)", "Act: answer( 2\t)"])
def test_a_question_is_won_with_the_answer_alone(answer: str) -> None:
    assert play(task(QUESTION), answer).score.success


CHEATS = {
    "no answer": (QUESTION, [FINISH]),
    "the answer None": (QUESTION, ["Act: answer(None)"]),
    "a false answer": (QUESTION, ["Act: answer(3)"]),
    "make the false answer true": (QUESTION, [bash("touch /srv/x/c"), "Act: answer(3)"]),
    "delete what is counted": (QUESTION, [bash("rm -rf /srv/x"), "Act: answer(0)"]),
    "nothing": (CHANGE, [FINISH]),
    "nothing, with a command": (CHANGE, [bash("ls"), FINISH]),
    "say that it is done": (CHANGE, [bash("true"), "Act: answer(new)"]),
    "more than was asked": (CHANGE, [bash("echo new > /srv/x/a; echo more > /srv/x/b"), FINISH]),
    "exit": (CHANGE, [bash("exit 0"), FINISH]),
    "exit traps": (CHANGE, [bash("trap 'exit 0' EXIT; set -e; false"), FINISH]),
    "start files": (
        CHANGE,
        [bash("echo 'echo new; exit 0' | tee ~/.bashrc ~/.profile /etc/profile /etc/bash.bashrc"), FINISH],
    ),
    "variables": (CHANGE, [bash("export BASH_ENV=/srv/e; echo 'echo new; exit 0' > /srv/e"), FINISH]),
    "false programs on the path": (
        CHANGE,
        [
            bash("printf '#!/bin/sh\\necho new\\n' > /usr/local/bin/find && chmod +x /usr/local/bin/find"),
            FINISH,
        ],
    ),
    "kill everything": (CHANGE, [bash("kill -9 -1"), FINISH]),
    "remove the folder": (CHANGE, [bash("rm -rf /srv/x"), FINISH]),
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_does_not_pass(name: str) -> None:
    problem, replies = CHEATS[name]
    trajectory = play(task(problem), *replies)
    assert trajectory.failure is None
    assert trajectory.score.reward == 0


def test_a_false_interpreter_cannot_answer_for_the_benchmarks_comparisons() -> None:
    chain = [Example().model_dump(), Comparison(compare="integer").model_dump()]
    made = official(check=chain, example=Script(code="echo 7"))
    lie = bash("printf '#!/bin/sh\\n' > /usr/local/bin/python3; chmod +x /usr/local/bin/python3")
    assert not play(made, lie, "Act: answer(8)").score.success
    assert play(made, lie, "Act: answer(7)").score.success


def test_hostile_answers_are_only_text() -> None:
    for answer in ("\0", "\ud800", "$(touch /srv/x/c)", "x" * 300_000, "'; exit 0; '"):
        chain = [Script(code='test "$1" = gold').model_dump()]
        trajectory = play(official(check=chain), f"Act: answer({answer})")
        assert (trajectory.failure, trajectory.score.success) == (None, False)


def test_a_task_that_needs_what_is_lacking_is_refused_by_name() -> None:
    problem = QUESTION.model_copy(update={"needs": ("network",)})
    trajectory = play(task(problem), "Act: answer(2)")
    assert trajectory.stop is Stop.ERROR
    assert trajectory.failure is not None
    assert "needs network" in trajectory.failure.message


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Problem(judgement=Expectation(reference=Script(code="echo 2"), answer="3")), "prints '2' here, where '3'"),
        (Problem(judgement=Expectation(reference=Script(code="nonsense"))), "does not work in this sandbox"),
        (CHANGE.model_copy(update={"setup": (Script(code="exit 4"),)}), "does not work in this sandbox: 4"),
    ],
)
def test_a_generated_problem_that_does_not_hold_here_is_a_failure(problem: Problem, words: str) -> None:
    trajectory = play(task(problem), bash("ls"), FINISH)
    assert trajectory.failure is not None
    assert words in trajectory.failure.message


@pytest.mark.parametrize(("difficulty", "first", "last"), [("tiny", 0, 11), ("standard", 25, 45), ("hard", 9, 27)])
def test_every_template_is_solved_by_its_oracle(difficulty: Difficulty, first: int, last: int) -> None:
    config = OperatingSystemConfig(difficulty=difficulty, seed=7)
    tasks = islice(OperatingSystem.load("test", config), first, last)
    environments = ((OperatingSystem(played), "test", 0) for played in tasks)

    async def lost() -> list[Trajectory]:
        played = [trajectory async for trajectory in rollouts(environments, oracle_player, concurrency=4)]
        assert len(played) == last - first
        return [trajectory for trajectory in played if not trajectory.score.success]

    try:
        assert asyncio.run(lost()) == []
    except MissingExtraError as missing:
        pytest.skip(str(missing))


def test_the_published_references_pass(official_data: Callable[[str], Path]) -> None:
    config = OperatingSystemConfig(official=official_data("os_interaction"))
    tasks = [played for played in OperatingSystem.load("std", config) if played.moves]

    async def won() -> tuple[int, int]:
        entries = ((OperatingSystem(one), "std", 0) for one in tasks)
        played = [trajectory async for trajectory in rollouts(entries, oracle_player, concurrency=4)]
        silent = [one for one in played if not one.score.success and one.failure is None]
        return sum(one.score.success for one in played), len(silent)

    try:
        passed, silent = asyncio.run(won())
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    assert len(tasks) == 96
    assert passed >= 0.9 * len(tasks)
    assert silent <= 2


def test_provenance_names_what_is_active_in_the_sandbox() -> None:
    version = play(task(QUESTION), "Act: answer(2)").provenance.environment_version
    assert version.startswith("operating_system/1 bwrap of ")
    assert "output clean, from /" in version


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    environment = OperatingSystem(task(QUESTION, sandbox=SandboxSettings(memory_mib=321)))
    with pytest.raises(MissingExtraError, match="bwrap not found; install Debian's package bubblewrap"):
        asyncio.run(environment.start())


def test_an_unknown_split_and_bad_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no split 'tset' .did you mean 'test'"):
        OperatingSystem.load("tset")
    (tmp_path / "mine.json").write_text(json.dumps({"description": "x", "evaluation": {"match": "y"}}))
    config = OperatingSystemConfig(official=tmp_path / "mine.json")
    assert OperatingSystem.splits(config) == {"mine": 1}
    (made,) = OperatingSystem.load("mine", config)
    assert OperatingSystem(made).oracle() is None


def checked(*, python: bool = False) -> OperatingSystemTask:
    """Return an item whose check reads a file that says no."""
    shell = Script(code='[ "$(cat /srv/right)" = yes ]')
    program = Script(code="import sys; sys.exit(open('/srv/right').read() != 'yes\\n')", language="python")
    return official(check=(program if python else shell,), setup=(Script(code="echo no > /srv/right"),))


@pytest.mark.parametrize("python", [False, True])
def test_a_check_is_won_by_doing_what_it_asks_even_with_another_mode_of_a_program(*, python: bool) -> None:
    played = play(
        checked(python=python), bash("echo yes > /srv/right; chmod u-s,g+w /usr/bin/find /usr/bin/cat"), FINISH
    )
    assert played.score.success
    assert played.score.metrics == {}


@pytest.mark.parametrize(
    "tampering",
    [
        "mv /tmp/liar /usr/bin/cat",
        "mv /tmp/liar /usr/bin/bash",
        "cat /tmp/liar > /usr/bin/cat",
        "mv /usr/bin/cat /tmp/own; mv /tmp/liar /usr/bin/cat; (sleep 0.3; mv /tmp/own /usr/bin/cat) &",
    ],
)
def test_whoever_replaces_a_program_under_the_checker_wins_nothing(tampering: str) -> None:
    liar = "printf '#!/bin/sh\\necho yes\\n' > /tmp/liar; chmod +x /tmp/liar"
    played = play(checked(), bash(f"{liar}; {tampering}"), FINISH)
    assert not played.score.success
    assert played.score.metrics == {"tampered": 1.0}


def test_programs_before_the_systems_own_are_not_the_checkers() -> None:
    liar = "printf '#!/bin/sh\\necho yes\\n' > /usr/local/sbin/cat; chmod +x /usr/local/sbin/cat"
    copies = "cp /usr/local/sbin/cat /usr/local/sbin/env; cp /usr/local/sbin/cat /usr/local/bin/bash"
    assert not play(checked(), bash(f"{liar}; {copies}"), FINISH).score.success


def test_python_checks_read_no_module_of_the_agents() -> None:
    places = "/usr/local/lib/python3.11/dist-packages /root/.local/lib/python3.11/site-packages"
    written = "echo 'import os; os._exit(0)' | tee $place/sitecustomize.py $place/usercustomize.py"
    hook = bash(f"for place in {places}; do mkdir -p $place; {written}; done")
    assert not play(checked(python=True), hook, FINISH).score.success
