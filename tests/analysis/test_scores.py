from __future__ import annotations

import pytest
from tests.analysis.episodes import broken, episode

from agenttuning.analysis.scores import compare, score_worlds, world_score
from agenttuning.analysis.statistics import rate_interval
from agenttuning.core.records import Failure, Sampling, Score, Stop, Trajectory
from agenttuning.errors import DataError


def test_a_cell_says_how_often_how_well_and_how_it_ended() -> None:
    wrong = (("dance", False, "No."), ("Action: open door", True, "It is shut."))
    played = [
        episode(task="a"),
        episode(task="b", reward=0.5, turns=wrong, stop=Stop.TURNS),
        episode(task="c", reward=0.0, turns=wrong, stop=Stop.TURNS),
        episode(task="d"),
    ]
    cell = world_score(played)
    assert (cell.n, cell.tasks, cell.success, cell.reward) == (4, 4, 0.5, 0.625)
    assert cell.ci == rate_interval(2, 4)
    assert cell.reward_ci[0] < 0.625 < cell.reward_ci[1]
    assert cell.invalid_action == pytest.approx(2 / 6)
    assert cell.turns == 1.5
    assert cell.stops == {"done": 2, "turns": 2}
    assert (cell.made_by.source, cell.made_by.difficulty, cell.made_by.prompt) == ("synthetic-v1", "tiny", "p1")


def test_broken_episodes_stay_in_the_denominator() -> None:
    cell = world_score([episode(task="a"), broken(task="b"), broken(task="c"), episode(task="d", reward=0.0)])
    assert (cell.n, cell.success) == (4, 0.25)
    assert cell.errors == {"policy": 2}
    assert cell.stops == {"done": 2, "error": 2}
    assert cell.success_without_errors == 0.5


def test_named_extras_are_averaged_over_all_episodes() -> None:
    def judged(task: str, **metrics: float) -> Trajectory:
        return episode(task=task).model_copy(update={"score": Score(reward=1.0, success=True, metrics=metrics)})

    cell = world_score([judged("a", f1=0.5, recall=1.0), judged("b", f1=1.0), broken(task="c"), judged("d", f1=0.1)])
    assert cell.metrics == {"f1": pytest.approx(0.4), "recall": 0.25}


def test_a_broken_episode_earns_nothing_whatever_its_score_says() -> None:
    failure = Failure(side="environment", error="OSError", message="gone")
    cell = world_score([episode(reward=1.0, failure=failure)])
    assert (cell.success, cell.reward) == (0.0, 0.0)
    assert cell.success_without_errors is None


def test_kinds_of_tasks_weigh_alike_however_many_tasks_they_have() -> None:
    played = [episode(task=f"b{k}", reward=1.0) for k in range(3)] + [episode(task="f", reward=0.2)]
    kinds = ("boil", "boil", "boil", "freeze")
    named = [one.model_copy(update={"category": kind}) for one, kind in zip(played, kinds, strict=True)]
    assert world_score(played).reward_by_category is None
    assert world_score(named).reward_by_category == pytest.approx(0.6)
    assert world_score(named).categories == pytest.approx({"boil": 1.0, "freeze": 0.2})
    failure = Failure(side="environment", error="OSError", message="gone")
    broke = episode(task="g", reward=1.0, failure=failure).model_copy(update={"category": "freeze"})
    assert world_score([*named, broke]).reward_by_category == pytest.approx(0.55)


def test_no_step_is_not_a_share_of_zero() -> None:
    assert world_score([broken()]).invalid_action is None


def test_samples_of_one_task_are_not_independent_evidence() -> None:
    repeated = [episode(task=task, sample=k, reward=won) for task, won in (("a", 1.0), ("b", 0.0)) for k in range(8)]
    separate = [episode(task=f"{task}{k}", reward=won) for task, won in (("a", 1.0), ("b", 0.0)) for k in range(8)]
    narrow, wide = world_score(separate).ci, world_score(repeated).ci
    assert world_score(repeated).success == world_score(separate).success == 0.5
    assert wide == rate_interval(1, 2)
    assert wide[1] - wide[0] > narrow[1] - narrow[0]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("environment_version", episode(task="b", version="2")),
        ("prompt", episode(task="b", prompt="p2")),
        ("sampling", episode(task="b", sampling=Sampling(temperature=0.7))),
        ("source", episode(task="b", source="official-dev", difficulty=None)),
        ("difficulty", episode(task="b", difficulty="hard")),
        ("policy", episode(task="b", policy="tuned")),
    ],
)
def test_unlike_episodes_do_not_share_a_cell(name: str, other: Trajectory) -> None:
    with pytest.raises(DataError, match=rf"different ways.*{name} \("):
        world_score([episode(task="a"), other])


def test_an_episode_that_never_opened_has_no_prompt_to_disagree_with() -> None:
    never = broken(task="b").model_copy(update={"messages": ()})
    never = never.model_copy(update={"provenance": never.provenance.model_copy(update={"prompt": ""})})
    assert world_score([never, episode(task="a")]).made_by.prompt == "p1"


def test_worlds_are_scored_apart_and_in_any_order_alike() -> None:
    played = [episode(environment=world, task=str(k), reward=k % 2) for world in ("shop", "rooms") for k in range(6)]
    assert list(score_worlds(played)) == ["rooms", "shop"]
    assert score_worlds(played) == score_worlds(reversed(played))


def test_several_worlds_are_no_cell() -> None:
    with pytest.raises(DataError, match="'rooms', 'shop'"):
        world_score([episode(), episode(environment="shop")])


def test_before_and_after_pair_by_task() -> None:
    before = [episode(task=str(k), reward=0.0) for k in range(8)] + [episode(task="only before")]
    after = [episode(task=str(k), policy="tuned", reward=float(k != 0)) for k in range(8)]
    change = compare(before, after)
    assert (change.tasks, change.gained, change.lost) == (8, 7, 0)
    assert change.p_value == pytest.approx(2 / 2**7)


def test_before_and_after_must_be_measured_alike() -> None:
    with pytest.raises(DataError, match="prompt"):
        compare([episode()], [episode(policy="tuned", prompt="p2")])
