"""The tasks of webarena-mini as records: what they cover, that they are stable, and that they can be told apart."""

import re
from itertools import islice

import pytest

from agenttuning.core.records import Difficulty
from agenttuning.environments.worlds.minisites.tasks import SPLITS, TEMPLATES, MiniTask, mini_tasks
from agenttuning.environments.worlds.webarena.raw_task import EITHER, SEVERAL, ProgramHtml, RawTask
from agenttuning.errors import DataError

DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")
NAMELESS = {
    "admin-bestseller",
    "admin-filter",
    "admin-pending",
    "forum-top",
    "shop-cheapest",
    "shop-sorted",
    "tiny-approve",
    "tiny-search",
}
"""Templates whose questions may be the same in both splits, asked about different sites."""
ACTION = re.compile(r"(?:click \[\w+ '.+'\]|type \[\w+ '.+'\] \[.+\] \[[01]\]|tab_focus \[\d\]|stop \[.+\])")


def first(count: int, *, split: str = "test", difficulty: Difficulty = "standard", seed: int = 0) -> list[MiniTask]:
    return list(islice(mini_tasks(split, difficulty, seed), count))


def looks(tasks: list[MiniTask]) -> list[ProgramHtml]:
    return [look for task in tasks for look in task.raw.eval.program_html]


def included(looks: list[ProgramHtml]) -> str:
    return " ".join(
        text
        for look in looks
        if not isinstance(look.required_contents, str)
        for text in look.required_contents.must_include or ()
    )


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_template_makes_a_task_of_every_scene_or_nearly_so(difficulty: Difficulty) -> None:
    known = [template for template in TEMPLATES if difficulty in template.difficulties]
    made = [task.id.partition("-test-")[0] for task in first(4 * len(known), difficulty=difficulty)]
    assert set(made) == {template.name for template in known}
    assert len(made) == 4 * len(known)
    assert all(made.count(template.name) >= 3 for template in known)


def test_at_least_forty_templates_with_names_of_their_own() -> None:
    assert sum("standard" in template.difficulties for template in TEMPLATES) >= 40
    assert len({template.name for template in TEMPLATES}) == len(TEMPLATES)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_tasks_are_the_same_every_time_and_no_two_are_alike(difficulty: Difficulty) -> None:
    tasks = first(200, difficulty=difficulty)
    assert tasks == first(200, difficulty=difficulty)
    assert tasks != first(200, difficulty=difficulty, seed=1)
    assert len({task.id for task in tasks}) == len({task.raw.task_id for task in tasks}) == len(tasks)
    train = first(200, split="train", difficulty=difficulty)
    shared = {task.raw.intent for task in tasks} & {task.raw.intent for task in train}
    assert {task.id.partition("-test-")[0] for task in tasks if task.raw.intent in shared} <= NAMELESS


def test_records_survive_their_own_format() -> None:
    for task in first(80):
        assert RawTask.model_validate_json(task.raw.model_dump_json()) == task.raw
        filled = task.raw.intent_template
        for name, value in task.raw.instantiation_dict.items():
            filled = filled.replace(f"{{{{{name}}}}}", str(value))
        assert filled == task.raw.intent
        assert task.raw.start_url.count(SEVERAL) == len(task.raw.sites) - 1


def test_every_branch_of_the_evaluators_is_asked() -> None:
    tasks = first(70)
    answers = [task.raw.eval.reference_answers for task in tasks if task.raw.eval.reference_answers]
    assert {tuple(answer.model_dump(exclude_none=True)) for answer in answers} == {
        ("exact_match",),
        ("must_include",),
        ("fuzzy_match",),
    }
    assert {type(answer.fuzzy_match) for answer in answers} >= {str, tuple}
    kinds = {task.raw.eval.eval_types for task in tasks}
    assert kinds >= {("string_match",), ("url_match",), ("program_html",), ("url_match", "program_html")}
    assert {task.raw.eval.url_note for task in tasks} == {None, "EXACT", "GOLD in PRED"}
    assert any(EITHER in (task.raw.eval.reference_url or "") for task in tasks)
    assert EITHER in included(looks(tasks))
    urls = {look.url.partition("(")[0] if look.url.startswith("func:") else look.url[:2] for look in looks(tasks)}
    assert urls == {"__", "la", "func:shopping_get_latest_order_url", "func:reddit_get_post_url"}
    locators = {look.locator.partition("(")[0] for look in looks(tasks)}
    assert locators >= {
        "",
        "document.querySelector",
        "[...document.querySelectorAll",
        "func:shopping_get_sku_latest_review_author",
        "func:shopping_get_sku_latest_review_rating",
        "func:gitlab_get_project_memeber_role",
    }
    assert {len(task.raw.sites) for task in tasks} == {1, 2}
    assert {task.raw.require_login for task in tasks} == {True, False}
    assert {task.raw.require_reset for task in tasks} == {True, False}


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_scripts_are_actions_with_thoughts_and_end_once(difficulty: Difficulty) -> None:
    for task in first(150, split="train", difficulty=difficulty):
        assert 2 <= len(task.oracle) + (task.id.startswith("admin-pending")) <= (5 if difficulty == "tiny" else 12)
        for thought, action in task.oracle:
            assert ACTION.fullmatch(action), action
            assert thought[0].isupper()
            assert thought.endswith(".")
        assert [action.startswith("stop") for _, action in task.oracle].index(True) == len(task.oracle) - 1


def test_an_expert_types_only_what_was_said_or_seen() -> None:
    """Each typed text stands in the question, in another text that was typed, or on a page that a thought quotes."""
    for task in first(300):
        if len(task.raw.sites) == 1:
            known = f"{task.raw.intent} As asked"
            for _, action in task.oracle:
                if action.startswith("type"):
                    assert action.split("] [")[1] in known, (task.id, action)


def test_thoughts_of_larger_scenes_are_worded_in_more_than_one_way() -> None:
    tasks = [task for task in first(200) if task.id.startswith("shop-price")]
    assert len({task.oracle[0][0] for task in tasks}) > 1


def test_splits_are_lazy_and_known() -> None:
    assert next(mini_tasks("train", "hard", 3)).seed % 2 == 0
    assert next(mini_tasks("test", "hard", 3)).seed % 2 == 1
    assert SPLITS == {"train": 20_000, "test": 1_000}
    with pytest.raises(DataError, match="no split 'tests'"):
        mini_tasks("tests", "tiny", 0)


def test_a_split_has_as_many_tasks_as_it_says() -> None:
    assert len({task.id for task in mini_tasks("test", "tiny", 0)}) == SPLITS["test"]
