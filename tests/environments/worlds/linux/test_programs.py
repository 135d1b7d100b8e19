"""Our programs for those that official items name: each reference passes its check, and half a solution does not."""

import pytest
from tests.environments.worlds.linux.conftest import Act

from agenttuning.environments.worlds.linux import session
from agenttuning.environments.worlds.linux.problem import Evaluation, Problem, Script
from agenttuning.environments.worlds.linux.programs import PROGRAMS

HALVES = {
    "0": "printf '#!/bin/bash\\necho 6\\n' > /usr/local/bin/calc; chmod +x /usr/local/bin/calc",
    "1": "printf '#!/bin/bash\\nls $1 | wc -l\\n' > /usr/local/bin/count; chmod +x /usr/local/bin/count",
    "2": "printf '#!/bin/bash\\necho 2023-05\\n' > /usr/local/bin/date-format; chmod +x /usr/local/bin/date-format",
}


@pytest.mark.parametrize("check", ["check/0.sh", "checking/0.sh", "checking/1.sh", "checking/2.sh"])
def test_the_reference_passes_and_half_a_solution_does_not(act: Act, check: str) -> None:
    problem = Problem(judgement=Evaluation(check=(Script(code=PROGRAMS[check]),)))
    number = check[-4]
    for command, verdict in ((PROGRAMS[f"example/{number}.sh"], True), (HALVES[number], False)):
        judged, outputs = act(problem, command)
        assert judged is verdict, outputs


def test_the_stock_log_is_the_same_every_time(act: Act) -> None:
    problem = Problem(setup=(Script(code=PROGRAMS["init/stock-log.sh"]),), judgement=Evaluation())
    lines = "grep -cxE '(Alice|Bob) [|] (Purchase|Sell) [|] [0-9]{1,2} [|] [0-9]{1,3}' /usr/stock.log"
    shown = [act(problem, lines, "sha256sum /usr/stock.log", "cut -d ' ' -f 1,3 /usr/stock.log | sort -u | wc -l")[1]]
    shown += [act(problem, lines, "sha256sum /usr/stock.log")[1]]
    assert [output.text.strip() for output in (shown[0][0], shown[0][2], shown[1][0])] == ["401", "4", "401"]
    assert shown[0][1] == shown[1][1]


def test_one_of_ten_nested_folders_holds_the_program_that_may_run(act: Act) -> None:
    problem = Problem(
        setup=(Script(code=PROGRAMS["init/nested_folders.sh"]),), judgement=Evaluation(), directory="/root"
    )
    find = "find /root -name echo-love | wc -l; $(find /root -name echo-love -perm -u+x)"
    _, (output,) = act(problem, find)
    assert output.text.split("\n")[:2] == ["10", "I love myself."]


def test_a_setup_that_never_returns_is_left_alone(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_SETUP_SECONDS", 0.5)
    problem = Problem(
        setup=(Script(code="touch /tmp/begun; sleep 100"), Script(code="touch /tmp/next")),
        judgement=Evaluation(check=(Script(code="test -e /tmp/begun && test -e /tmp/next"),)),
    )
    assert act(problem)[0]
