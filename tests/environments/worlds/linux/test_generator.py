"""The embedded problems: the same from the same seed, split by every name, small where they must be."""

import re
from collections import Counter
from functools import cache
from itertools import chain

import pytest

from agenttuning.core.records import Difficulty
from agenttuning.environments.worlds.linux.draft import Draft
from agenttuning.environments.worlds.linux.generator import drafts, templates
from agenttuning.environments.worlds.linux.names import belongs_to_test
from agenttuning.environments.worlds.linux.reply import read_reply

DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")
ROOTS = r"/(?:srv|opt|var/lib|root)/"
NAME = re.compile(r"\b[a-z]+-[a-z]+\b|\b[a-z]{3,}[0-9]{1,2}\b")
"""What a drawn name looks like, or a word of ours that is no name."""


@cache
def made(difficulty: Difficulty, *, test: bool, seed: int = 0) -> list[Draft]:
    return list(drafts(difficulty, seed=seed, test=test, count=220))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_same_seed_gives_the_same_problems_and_another_others(difficulty: Difficulty) -> None:
    again = list(drafts(difficulty, seed=0, test=False, count=220))
    assert again == made(difficulty, test=False)
    assert made(difficulty, test=False, seed=1) != made(difficulty, test=False)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_train_and_test_share_no_path(difficulty: Difficulty) -> None:
    paths = [
        {path for draft in made(difficulty, test=test) for path in re.findall(ROOTS + r"[\w-]+", draft.text)}
        for test in (False, True)
    ]
    assert min(map(len, paths)) > 90
    assert paths[0].isdisjoint(paths[1])


@pytest.mark.parametrize("test", [False, True])
def test_every_file_folder_and_account_belongs_to_its_split(test: bool) -> None:
    for draft in chain.from_iterable(made(difficulty, test=test) for difficulty in DIFFICULTIES):
        paths = re.findall(ROOTS + r"([\w./-]+)", draft.setup)
        names = {NAME.findall(part)[0] for path in paths for part in path.split("/") if NAME.findall(part)}
        assert all(belongs_to_test(name) == test for name in names), draft.text


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_all_families_and_both_kinds_are_there(difficulty: Difficulty) -> None:
    families = Counter(draft.family for draft in made(difficulty, test=False))
    assert len(families) == (8 if difficulty == "tiny" else 9)
    questions = sum(draft.expected is not None for draft in made(difficulty, test=False))
    assert 60 < questions < 180


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_template_is_drawn(difficulty: Difficulty) -> None:
    texts = {re.sub(r"[^ ]*[/\d-][^ ]*", "", draft.text) for draft in made(difficulty, test=False)}
    assert len(texts) >= sum(map(len, templates(difficulty)))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_solution_fits_the_rounds_and_the_grammar(difficulty: Difficulty) -> None:
    for draft in made(difficulty, test=True):
        assert len(draft.moves) < 8
        assert (draft.expected is None) == bool(draft.probe) == bool(draft.undo)
        assert draft.expected is None or read_reply(f"Act: answer({draft.expected})").content == draft.expected
        for move in draft.moves:
            assert read_reply(f"Act: bash\n```bash\n{move.command}\n```").content == move.command
            assert "Act:" not in move.thought


def test_tiny_is_one_short_request_and_one_command() -> None:
    for draft in made("tiny", test=False):
        assert len(draft.text) < 80
        assert len(draft.moves) == 1
        assert len(draft.moves[0].command) < 80
        assert len(draft.setup) < 1500
