"""The verdicts follow from what was played, and a missing variant is no verdict."""

from pathlib import Path

import pytest
from tests.analysis.episodes import episode
from tests.study.small import write

from agenttuning.core.records import Stop, Trajectory
from agenttuning.pipeline.report_facts import Role
from agenttuning.study.findings import Findings, error_table, judge_plays, mean_rate
from agenttuning.study.page import render_study, score_table, study_json, study_markdown, verdicts
from agenttuning.study.plan import Study, read_study

ROLES: dict[str, Role] = {"alfworld": "trained on", "database": "trained on", "rewoo": "held out", "chat": "general"}
WRONG = (("dance", False, "No."),)


def plays(world: str, *, solved: int, n: int = 100, seeds: int = 1) -> list[Trajectory]:
    """Return the same `n` tasks under every seed; the first `solved` of them are solved."""
    won = {"environment": world}
    lost = {"environment": world, "reward": 0.0, "turns": WRONG, "stop": Stop.TURNS}
    return [episode(task=f"t{task}", **(won if task < solved else lost)) for _ in range(seeds) for task in range(n)]


def judged(**variants: dict[str, int]) -> Findings:
    held = {
        name.replace("_", "-"): [one for world, solved in worlds.items() for one in plays(world, solved=solved)]
        for name, worlds in variants.items()
    }
    shares = {"mixed": 0.2, "agent-only": 1.0, "general-only": 0.0}
    return judge_plays(
        held,
        seeds={name: [0] for name in held},
        roles=ROLES,
        shares={name: share for name, share in shares.items() if name in held},
    )


LIKE_THE_PAPER = judged(
    base={"alfworld": 2, "database": 0, "rewoo": 0, "chat": 70},
    mixed={"alfworld": 60, "database": 70, "rewoo": 20, "chat": 68},
    agent_only={"alfworld": 62, "database": 70, "rewoo": 2, "chat": 1},
    general_only={"alfworld": 1, "database": 0, "rewoo": 0, "chat": 72},
    without_database={"alfworld": 60, "database": 9, "chat": 68},
)


def claims(found: Findings) -> dict[str, bool]:
    return {claim.says: claim.holds for claim in found.claims}


def test_like_the_paper_everything_holds() -> None:
    assert set(claims(LIKE_THE_PAPER).values()) == {True}
    assert [result.verdict for result in verdicts(LIKE_THE_PAPER)] == ["holds", "holds", "holds"]
    assert any("without training tasks the mixture does better" in says for says in claims(LIKE_THE_PAPER))
    assert any("other worlds lifts database" in says for says in claims(LIKE_THE_PAPER))


@pytest.mark.parametrize(
    ("worlds", "says"),
    [
        ({"alfworld": 99, "database": 3, "rewoo": 20, "chat": 68}, "lifts every held-in world"),
        ({"alfworld": 60, "database": 70, "rewoo": 4, "chat": 68}, "that have no training tasks"),
        ({"alfworld": 60, "database": 70, "rewoo": 20, "chat": 64}, "keeps general ability"),
        ({"alfworld": 30, "database": 25, "rewoo": 20, "chat": 68}, "invalid action fall by at least half"),
    ],
)
def test_each_claim_can_fail(worlds: dict[str, int], says: str) -> None:
    base = {"alfworld": 2, "database": 0, "rewoo": 0, "chat": 70}
    failed = [told for told, holds in claims(judged(base=base, mixed=worlds)).items() if not holds]
    assert len(failed) == 1
    assert says in failed[0]


def test_what_was_not_played_is_not_judged() -> None:
    found = judged(base={"alfworld": 2}, mixed={"alfworld": 60})
    assert [result.verdict for result in verdicts(found)] == ["holds", "holds", "not measured"]


def test_a_study_that_asks_about_none_of_them_does_not_speak_of_them(tmp_path: Path) -> None:
    found = judged(eta_one={"alfworld": 60, "chat": 3}, eta_half={"alfworld": 50, "chat": 40})
    found = found._replace(shares={"eta-one": 1.0, "eta-half": 0.5})
    assert found.claims == []
    told = study(tmp_path)
    for text in (study_markdown(told, found), render_study(told, found)):
        assert "findings" not in text.removeprefix(f"# {told.name}")
        assert "not measured" not in text.lower()
        assert "eta-half" in text
    assert "Success over the agent share" in render_study(told, found)


def test_three_seeds_on_the_same_tasks_are_no_three_times_as_many_tasks() -> None:
    once, thrice = (mean_rate([plays("chat", solved=50, seeds=seeds)]) for seeds in (1, 3))
    assert once is not None
    assert thrice is not None
    assert (once.n, thrice.n, once.tasks, thrice.tasks) == (100, 300, 100, 100)
    assert thrice.ci[1] - thrice.ci[0] == pytest.approx(once.ci[1] - once.ci[0], abs=0.02)


def test_a_mean_over_worlds_weighs_worlds_alike() -> None:
    both = mean_rate([plays("alfworld", solved=100), plays("database", solved=0, n=10)])
    assert both is not None
    assert both.share == 0.5
    assert mean_rate([plays("alfworld", solved=1), []]) is None


def test_errors_that_nobody_makes_are_left_out() -> None:
    shares = error_table(LIKE_THE_PAPER)
    assert shares["base"]["invalid action"] == pytest.approx(0.99)
    assert "function repetition" not in shares["base"]


def test_errors_are_compared_over_the_same_worlds() -> None:
    fewer = judged(base={"alfworld": 2, "database": 0}, mixed={"alfworld": 60, "database": 70}, apart={"alfworld": 9})
    assert list(error_table(fewer)) == ["base", "mixed"]


def study(folder: Path) -> Study:
    found = read_study(write(folder))
    assert found is not None
    return found


def test_text_json_and_page_say_the_same(tmp_path: Path) -> None:
    told = study(tmp_path)
    text, page = study_markdown(told, LIKE_THE_PAPER), render_study(told, LIKE_THE_PAPER)
    for claim in LIKE_THE_PAPER.claims:
        assert claim.says in text
        assert claim.says in page
        assert claim.figures.split(";")[0] in study_json(told, LIKE_THE_PAPER)
    assert "mean of 2" in text
    assert "agentlm-70b, agent-only" in page
    assert "synthetic-v1" in text
    assert "<script" not in page
    assert score_table(LIKE_THE_PAPER).headings[:4] == ("world", "part", "base", "mixed")
