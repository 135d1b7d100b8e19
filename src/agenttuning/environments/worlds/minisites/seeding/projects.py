"""The code host: projects with files, issues, labels, merge requests and members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.minisites.rows import (
    Account,
    File,
    Issue,
    IssueLabel,
    Label,
    Member,
    MergeRequest,
    Note,
    Project,
)
from agenttuning.environments.worlds.minisites.seeding import words
from agenttuning.environments.worlds.minisites.seeding.commerce import password

if TYPE_CHECKING:
    from agenttuning.environments.worlds.minisites.rows import Row
    from agenttuning.environments.worlds.minisites.seeding.draw import Draw

LICENCES = ("MIT", "Apache-2.0", "BSD-3-Clause", "MPL-2.0")


def seed_projects(draw: Draw, *, user: str) -> list[Row]:
    """Return the rows of the code host; half of the projects are the user's."""
    people = [user, *(draw.account() for _ in range(draw.size(3, 9, 24)))]
    rows: list[Row] = [Account("gitlab", name, password(name), "") for name in people]
    for number in range(1, draw.size(2, 8, 18) + 1):
        owner = user if number % 2 else draw.pick(people[1:])
        project = Project(number, owner, draw.name(), _about(draw), draw.random.randint(0, 900))
        rows += [project, *_files(draw, project), *_members(draw, project, people)]
        rows += [*_issues(draw, project, people), *_merge_requests(draw, project, people)]
    return sorted(rows, key=lambda row: type(row).__name__)


def _about(draw: Draw) -> str:
    return (
        "" if draw.difficulty == "tiny" else f"A {draw.pick(words.LANGUAGES)} program that {draw.pick(words.PURPOSES)}."
    )


def _files(draw: Draw, project: Project) -> list[Row]:
    version = f"{draw.random.randint(0, 4)}.{draw.random.randint(0, 19)}.{draw.random.randint(0, 9)}"
    licence = draw.pick(LICENCES)
    texts = {
        "README.md": f"# {project.name}\n\n{project.about}\n\nInstall it with the package manager of your choice.\n",
        "VERSION": f"{version}\n",
        "LICENSE": f"SPDX-License-Identifier: {licence}\n",
        "settings.toml": f"port = {draw.random.randint(2000, 9999)}\nworkers = {draw.random.randint(1, 16)}\n",
        "docs/guide.md": f"# Guide\n\nAsk {project.owner} when something is unclear.\n",
    }
    kept = list(texts)[1 : draw.size(2, 6, 6)] if draw.difficulty == "tiny" else list(texts)
    return [File(project.id, path, texts[path]) for path in kept]


def _members(draw: Draw, project: Project, people: list[str]) -> list[Row]:
    others = [name for name in people if name != project.owner]
    joined = draw.random.sample(others, draw.size(1, 3, 6))
    return [
        Member(project.id, project.owner, "Owner"),
        *(Member(project.id, name, draw.pick(words.ROLES)) for name in joined),
    ]


def _issues(draw: Draw, project: Project, people: list[str]) -> list[Row]:
    labels = list(words.LABELS[: draw.size(2, 6, 6)])
    rows: list[Row] = [Label(project.id, name) for name in labels]
    count = draw.size(2, draw.random.randint(4, 8), draw.random.randint(5, 9))
    for number, day in enumerate(sorted(draw.day(last=440) for _ in range(count)), start=1):
        title = draw.fresh(lambda: f"{draw.pick(words.VERBS)} {draw.pick(words.PLACES)} of {draw.mention()}")
        if draw.difficulty == "tiny":
            title = draw.fresh(lambda: f"{draw.pick(words.TINY_MATERIALS)} {draw.pick(words.TINY_NOUNS)}")
        body = "" if draw.difficulty == "tiny" else draw.pick(words.ISSUE_TEXTS)
        state = "closed" if draw.difficulty != "tiny" and number % 3 == 0 else "open"
        assignee = draw.pick(("", draw.pick(people)))
        rows.append(Issue(project.id, number, title, body, draw.pick(people), assignee, state, day))
        rows += [IssueLabel(project.id, number, each) for each in draw.random.sample(labels, draw.random.randint(0, 1))]
    return rows


def _merge_requests(draw: Draw, project: Project, people: list[str]) -> list[Row]:
    rows: list[Row] = []
    for number in range(1, draw.size(1, 3, 6) + 1):
        title = draw.fresh(lambda: f"{draw.pick(words.WORKS)} {draw.pick(words.PARTS)} of {draw.mention()}")
        if draw.difficulty == "tiny":
            title = draw.fresh(lambda: f"{draw.pick(words.TINY_MATERIALS)} {draw.pick(words.TINY_NOUNS)}")
        branch = draw.name()
        state = "open" if number == 1 else draw.pick(("open", "merged", "closed"))
        author = draw.pick(people[1:])
        rows.append(MergeRequest(project.id, number, title, "", branch, author, state, draw.day(last=440)))
        if draw.difficulty != "tiny":
            text = draw.pick(words.COMMENT_TEXTS)
            note = project.id * 1000 + number
            rows.append(Note(note, project.id, "merge_requests", number, draw.pick(people[1:]), text, draw.day()))
    return rows
