from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from tests.pipeline.example_run import HOSTILE, STAGES, example_run

from agenttuning.analysis.errors import CATEGORIES
from agenttuning.core.run import Run
from agenttuning.errors import DataError, RunError
from agenttuning.pipeline.report import OUTPUTS, ReportConfig
from agenttuning.pipeline.report import run as report
from agenttuning.pipeline.report_facts import gather
from agenttuning.pipeline.report_page.episodes import Chunk
from agenttuning.pipeline.report_words import sentence, title

if TYPE_CHECKING:
    from pathlib import Path


class Elements(HTMLParser):
    """Every element, its attributes, and the text of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def written(folder: Path, **options: int) -> dict[str, str]:
    run = example_run(folder)
    report(ReportConfig(**options), run)
    return {name: run.output("report", name).read_text() for name in OUTPUTS}


def index_of(page: str) -> list[list[object]]:
    found = re.search(r'<script type="application/json" id="browser-data">(.*?)</script>', page, re.DOTALL)
    assert found
    entries: list[list[object]] = json.loads(found[1])["entries"]
    return entries


def chunks_of(page: str) -> list[Chunk]:
    packed = re.findall(r'<script type="text/plain" class="chunk">(.*?)</script>', page)
    return [Chunk.model_validate_json(gzip.decompress(base64.b64decode(chunk))) for chunk in packed]


def test_the_json_holds_every_cell_and_what_made_it(tmp_path: Path) -> None:
    told = json.loads(written(tmp_path)["report.json"])
    cell = told["scores"]["tuned"]["alfworld"]
    assert {"n", "success", "reward", "ci"} <= cell.keys()
    assert cell["ci"][0] < cell["success"] < cell["ci"][1]
    assert cell["made_by"] | {"sampling": None} == {
        "source": "synthetic-v1",
        "difficulty": "tiny",
        "split": "test",
        "environment_version": "alfworld/1",
        "prompt": "p1",
        "policy": "tuned",
        "sampling": None,
        "seed": 0,
    }
    assert list(told["stages"]) == list(STAGES)
    assert told["stages"]["train"]["versions"]["python"]
    assert told["stages"]["train"]["seed"] == 11
    assert told["errors"]["base"]["alfworld"]["invalid action"] > told["errors"]["tuned"]["alfworld"]["invalid action"]


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    # wall times and speeds differ between the two runs, as they do after a kill
    assert written(tmp_path / "one") == written(tmp_path / "two")


def test_the_markdown_reads_from_result_to_provenance(tmp_path: Path) -> None:
    text = written(tmp_path)["report.md"]
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert headings[0].startswith("tiny-base, tuned on alfworld")
    assert headings[1:6] == ["Before and after", "Every number", "Errors", "Data", "Mixture"]
    assert headings[-1] == "What made these numbers"
    assert "not comparable with published scores" in text
    assert "held a test sample: 3 (alfworld 1, database 2)." in text
    assert "| alfworld | 400 | 400 | 391 | 9.3 | 97.8 % |" in text
    assert "| chat | 2,400 | 7,680 | 80.0 % | 3.20 | 2,460,000 | 68.3 % |" in text


def test_the_page_loads_nothing_and_runs_only_its_own_script(tmp_path: Path) -> None:
    page = written(tmp_path)["report.html"]
    elements = Elements(page)
    assert elements.tags.count("script") == 2 + len(chunks_of(page))
    assert not {"img", "iframe", "object", "embed", "base"} & set(elements.tags)
    assert [value for name, value in elements.attributes if name in {"src", "srcset"}] == []
    assert {value for name, value in elements.attributes if name == "href" and value and value[0] != "#"} == {"data:,"}
    assert not [name for name, _ in elements.attributes if name.startswith("on")]
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "@import" not in page


def test_hostile_text_is_text(tmp_path: Path) -> None:
    page = written(tmp_path)["report.html"]
    assert HOSTILE not in page
    assert "<img" not in page
    assert any(HOSTILE in chunk.texts for chunk in chunks_of(page))


def test_a_hostile_world_name_is_text_too(tmp_path: Path) -> None:
    run = example_run(tmp_path)
    path = run.stage_folder("evaluate") / "scores.json"
    path.write_text(path.read_text().replace('"chat": {', '"<script>chat</script>": {'))
    report(ReportConfig(), run)
    page = run.output("report", "report.html").read_text()
    assert "<script>chat" not in page
    assert "&lt;script&gt;chat&lt;/script&gt;" in page


def test_the_browser_shows_a_bounded_choice_over_all_outcomes(tmp_path: Path) -> None:
    page = written(tmp_path, episodes=5)["report.html"]
    entries = index_of(page)
    assert len(entries) == 15
    assert {entry[4] for entry in entries if entry[0] == "alfworld"} == {"gained", "lost", "solved by none"}
    assert "chosen evenly over outcomes" in page


def test_the_browser_holds_every_episode_unless_told_otherwise(tmp_path: Path) -> None:
    page = written(tmp_path)["report.html"]
    chunks = chunks_of(page)
    assert len(index_of(page)) == sum(len(chunk.episodes) for chunk in chunks) == 60
    assert len(chunks) == 2
    assert all(set(plays) == {"base", "tuned"} for chunk in chunks for plays in chunk.episodes)
    assert "chosen evenly over outcomes" not in page


def test_the_index_names_the_errors_of_each_model(tmp_path: Path) -> None:
    shown = [entry[5] for entry in index_of(written(tmp_path)["report.html"])]
    invalid = [CATEGORIES.index("invalid action") in errors.get("base", []) for errors in shown]  # type: ignore[attr-defined]
    assert 0 < sum(invalid) < len(invalid)


def test_long_messages_are_cut_and_say_so(tmp_path: Path) -> None:
    texts = [text for chunk in chunks_of(written(tmp_path, characters=20)["report.html"]) for text in chunk.texts]
    assert any(text.endswith("more characters]") for text in texts)
    assert max(map(len, texts)) < 60


def test_thought_action_repair_and_validity_are_apart(tmp_path: Path) -> None:
    chunks = chunks_of(written(tmp_path)["report.html"])
    plays = [(chunk, play) for chunk in chunks for task in chunk.episodes for play in task.values()]
    turns = [(chunk.texts, turn) for chunk, play in plays for turn in play.turns if turn.played]
    texts, thoughtful = next((texts, turn) for texts, turn in turns if turn.thought is not None and turn.valid)
    assert texts[thoughtful.thought or 0].startswith(("A mug may be", "It must", "I count"))
    assert texts[thoughtful.text].startswith("Action:")
    assert any(not turn.valid for _, turn in turns)
    assert all(turn.trained for _, turn in turns)
    assert {play.failure for _, play in plays} == {"", "policy broke: ConnectError: refused"}


@pytest.mark.parametrize(
    "stages", [("construct",), ("construct", "collect", "filter"), ("construct", "train"), ("evaluate",)]
)
def test_a_part_of_a_run_is_reported_without_inventing_the_rest(tmp_path: Path, stages: tuple[str, ...]) -> None:
    run = example_run(tmp_path, stages=stages)
    report(ReportConfig(), run)
    page, text = (run.output("report", name).read_text() for name in ("report.html", "report.md"))
    assert ("Before and after" in text) is ("evaluate" in stages)
    assert ('id="training"' in page) is ("train" in stages)
    assert ('id="data"' in page) is bool({"filter", "train"} & set(stages))
    assert 'id="contamination"' not in page


def test_who_holds_a_test_sample_is_shown_and_by_which_rule(tmp_path: Path) -> None:
    texts = written(tmp_path)
    rule = "seed reading: 10 equal words, folded by NFKC and case, extended over at most 4 mismatches"
    assert rule in texts["report.md"]
    assert rule in texts["report.html"]
    row = "| database test-3 | database train-7 | 90.0 % | 100.0 % | how many <b>rows</b> \\| are [[there]] |"
    assert row in texts["report.md"]
    assert "how many &lt;b&gt;rows&lt;/b&gt; | are [[there]]" in texts["report.html"]


def test_a_run_with_nothing_finished_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no finished stage"):
        report(ReportConfig(), Run(tmp_path))


def test_damaged_scores_are_said(tmp_path: Path) -> None:
    run = example_run(tmp_path)
    (run.stage_folder("evaluate") / "scores.json").write_text('{"scores": 3}')
    with pytest.raises(DataError, match="--from evaluate"):
        report(ReportConfig(), run)


def test_steps_done_again_after_a_kill_count_once(tmp_path: Path) -> None:
    run = example_run(tmp_path)
    path = run.stage_folder("train") / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:300], *lines[250:], '{"step": 601, "lo']))
    facts = gather(run)
    assert [step for step, _ in facts.loss] == list(range(1, 601))
    assert facts.tokens == {"alfworld": 720_000, "chat": 2_460_000, "database": 420_000}


def test_generated_tasks_bring_no_overall_score(tmp_path: Path) -> None:
    told = written(tmp_path)
    assert "Overall score" not in told["report.md"]
    assert 'id="overall"' not in told["report.html"]


def test_official_scores_stand_beside_the_published_ones(tmp_path: Path) -> None:
    run = example_run(tmp_path)
    path = run.stage_folder("evaluate") / "scores.json"
    scores = json.loads(path.read_text())
    scores["scores"]["tuned"]["alfworld"]["made_by"]["source"] = "alfworld-official"
    path.write_text(json.dumps(scores))
    report(ReportConfig(), run)
    page, text = (run.output("report", name).read_text() for name in ("report.html", "report.md"))
    ours = 100 * scores["scores"]["tuned"]["alfworld"]["success"]
    assert "| agentlm-7b | 84 | 63.6 | 6.4 | 18.1 | 17.4 | 30.6 | 1.96 |" in text
    assert f"| tuned (this run) | {ours:g} |  |  |  |  |  |  |" in text
    assert "tuned has no held-in overall score: webshop, mind2web" in text
    assert "held-out overall" not in text
    assert 'id="overall"' in page


def test_the_published_bars_stand_in_the_panels_of_their_worlds(tmp_path: Path) -> None:
    page = written(tmp_path)["report.html"]
    assert page.count('<div class="published">') == 4
    assert "llama-2, published 47.0%" in page


def test_a_faulty_table_of_published_scores_is_said_before_anything_is_written(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text("x = 1")
    run = example_run(tmp_path / "run")
    with pytest.raises(DataError, match="no table of published scores"):
        report(ReportConfig(published=table), run)
    assert not run.stage_folder("report").exists()


def test_the_headline_says_what_moved(tmp_path: Path) -> None:
    facts = gather(example_run(tmp_path))
    scores = facts.evaluation.scores if facts.evaluation else {}
    assert title(facts) == "tiny-base, tuned on alfworld and database"
    assert "the general test chat moves by" in sentence(facts)
    for world in ("alfworld", "database"):
        moved = f"{scores['base'][world].success:.1%} to {scores['tuned'][world].success:.1%} on {world}"
        assert moved.replace("%", " %") in sentence(facts)
