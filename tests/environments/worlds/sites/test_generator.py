"""The generated samples: in the official schema, apart by split, and each with one right element that can be found."""

import subprocess
import sys
from collections import Counter
from itertools import islice

import pytest
from lxml import etree

from agenttuning.core.records import Difficulty
from agenttuning.environments.held_in.mind2web import Mind2Web, Mind2WebConfig
from agenttuning.environments.worlds.sites.generator import draw_sample
from agenttuning.environments.worlds.sites.page import NODE
from agenttuning.environments.worlds.sites.sample import Sample
from agenttuning.environments.worlds.sites.site import SETTINGS, in_test

DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")


def _samples(difficulty: Difficulty, count: int, *, test: bool = False, seed: int = 0) -> list[Sample]:
    return [draw_sample(difficulty, seed=seed, test=test, index=index) for index in range(count)]


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_pages_are_in_the_official_schema(difficulty: Difficulty) -> None:
    for sample in _samples(difficulty, 60):
        nodes = list(etree.fromstring(sample.html).iter())
        ids = [node.get(NODE) for node in nodes]
        assert None not in ids
        assert len(set(ids)) == len(ids)
        assert set(sample.candidates) <= set(ids)
        assert [int(node) for node in ids if node] == sorted(int(node) for node in ids if node)
        assert len(sample.positives) == 1
        assert sample.positives[0] not in sample.negatives
        assert sample.operation in {"CLICK", "SELECT", "TYPE"}
        assert bool(sample.value) == (sample.operation != "CLICK")


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_right_element_is_what_the_action_needs(difficulty: Difficulty) -> None:
    tags = {"TYPE": {"input"}, "SELECT": {"select"}, "CLICK": {"a", "button", "input"}}
    for sample in _samples(difficulty, 80):
        (node,) = etree.fromstring(sample.html).xpath(f'//*[@{NODE}="{sample.positives[0]}"]')
        assert node.tag in tags[sample.operation]
        if sample.operation == "SELECT":
            assert sample.value in [option.text for option in node.iter("text")]
        if sample.operation != "CLICK":
            assert sample.value in sample.task
            assert not node.get("input_value")


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_what_was_done_before_shows_on_the_page(difficulty: Difficulty) -> None:
    shown = 0
    for sample in _samples(difficulty, 80):
        for told in sample.previous:
            operation, _, value = told.partition(" -> ")[2].partition(": ")
            if operation == "TYPE":
                assert f'input_value="{value}"' in sample.html
                shown += 1
            if operation == "SELECT":
                assert 'option_selected="true"' in sample.html
                shown += 1
    assert shown > 20


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_train_and_test_share_neither_site_nor_task(difficulty: Difficulty) -> None:
    train, test = _samples(difficulty, 150), _samples(difficulty, 60, test=True)
    others = _samples(difficulty, 60, test=True, seed=7)
    assert {sample.website for sample in train}.isdisjoint(sample.website for sample in (*test, *others))
    assert {sample.task for sample in train}.isdisjoint(sample.task for sample in (*test, *others))
    assert not any(in_test(sample.task) for sample in train)
    assert all(in_test(sample.task) for sample in (*test, *others))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_sample_hangs_on_its_own_place_alone(difficulty: Difficulty) -> None:
    first = _samples(difficulty, 5)
    assert draw_sample(difficulty, seed=0, test=False, index=3) == first[3]
    assert draw_sample(difficulty, seed=1, test=False, index=3) != first[3]


def test_samples_are_the_same_in_every_process() -> None:
    code = (
        "from agenttuning.environments.worlds.sites.generator import draw_sample;"
        "print(hash(0), [draw_sample('hard', seed=0, test=True, index=n) for n in range(3)])"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


def test_all_kinds_of_sites_and_all_operations_occur() -> None:
    for difficulty in DIFFICULTIES:
        samples = _samples(difficulty, 120)
        openings = [kind.openings for kind in SETTINGS[difficulty].kinds.values()]
        for kind in openings:
            assert any(sample.task.startswith(kind) for sample in samples)
        counts = Counter(sample.operation for sample in samples)
        assert min(counts[operation] for operation in ("CLICK", "SELECT", "TYPE")) >= 10


def test_tiny_dialogues_are_short_and_have_the_sizes_that_the_tournament_can_win() -> None:
    for task in islice(Mind2Web.load("train", Mind2WebConfig(difficulty="tiny")), 100):
        assert len(task.top) in {7, 8}
        assert len(task.html) < 1_500


def test_harder_pages_have_more_candidates_and_the_ranker_less_luck() -> None:
    sizes, first = {}, {}
    for difficulty in DIFFICULTIES:
        tasks = list(islice(Mind2Web.load("train", Mind2WebConfig(difficulty=difficulty)), 80))
        samples = _samples(difficulty, 80)
        sizes[difficulty] = sum(len(sample.candidates) for sample in samples) / len(samples)
        first[difficulty] = sum(task.best_rank is not None and task.best_rank < 5 for task in tasks)
    assert 2 * sizes["tiny"] < sizes["standard"] < 25 < sizes["hard"]
    assert first["hard"] < first["standard"]
