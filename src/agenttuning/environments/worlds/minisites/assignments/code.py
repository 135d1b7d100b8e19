"""Tasks at the code host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.minisites.assignments.draft import (
    Draft,
    Script,
    Template,
    exactly,
    nothing,
    reads,
    shows,
    text_of,
)
from agenttuning.environments.worlds.minisites.rows import (
    Account,
    File,
    Issue,
    IssueLabel,
    Label,
    Member,
    MergeRequest,
    Project,
)
from agenttuning.environments.worlds.minisites.seeding.words import ROLES, TOPICS

if TYPE_CHECKING:
    import random

    from agenttuning.environments.worlds.minisites.scene import Scene

_LAST_NOTE: Final = (
    "document.querySelector('[id=\"notes-list\"]').lastElementChild"
    ".querySelector('.timeline-discussion-body').outerText"
)
_NAMES: Final = "[...document.querySelectorAll('.gl-avatar-labeled-sublabel')].map(name => name.outerText).join(' ')"


def own_project(scene: Scene, draw: random.Random) -> Project:
    """Return one of the user's projects."""
    return draw.choice([project for project in scene.all(Project) if project.owner == scene.user])


def open_project(script: Script, project: Project) -> Script:
    """Search for a project and open it."""
    script.type("searchbox", "Search", project.name, "the search finds projects by name", enter=True)
    return script.link(f"{project.owner}/{project.name}", "this is the project")


def file_text(scene: Scene, project: Project, path: str) -> str:
    """Return what a file of a project says."""
    return next(file.text for file in scene.all(File) if (file.project_id, file.path) == (project.id, path))


def base(project: Project) -> str:
    """Return the address of a project, with its placeholder."""
    return f"__GITLAB__/{project.owner}/{project.name}"


def _open_issue(scene: Scene, draw: random.Random, project: Project) -> Issue:
    return draw.choice([each for each in scene.all(Issue) if each.project_id == project.id and each.state == "open"])


def _to_issue(script: Script, project: Project, issue: Issue) -> Script:
    open_project(script, project).link("Issues", "the issues of the project are listed there")
    return script.link(issue.title, "this is the issue")


def _stranger(scene: Scene, draw: random.Random, project: Project) -> str:
    inside = {each.account for each in scene.all(Member) if each.project_id == project.id}
    return draw.choice([each.name for each in scene.all(Account) if each.site == "gitlab" and each.name not in inside])


def _version(scene: Scene, draw: random.Random) -> Draft:
    project = draw.choice(scene.all(Project))
    answer = file_text(scene, project, "VERSION").strip()
    script = open_project(Script(scene, draw), project)
    script.link("VERSION", "the version is in the file of this name")
    oracle = script.stop(answer, f"the file says {answer}")
    return Draft("Which version is the project {project} at?", {"project": project.name}, oracle, exactly(answer))


def _port(scene: Scene, draw: random.Random) -> Draft:
    project = draw.choice(scene.all(Project))
    answer = file_text(scene, project, "settings.toml").split()[2]
    script = open_project(Script(scene, draw), project)
    script.link("settings.toml", "a port is a setting")
    oracle = script.stop(answer, f"the line of the port says {answer}")
    return Draft("Which port is set in the project {project}?", {"project": project.name}, oracle, exactly(answer))


def _role(scene: Scene, draw: random.Random) -> Draft:
    member = draw.choice(scene.all(Member))
    project = next(each for each in scene.all(Project) if each.id == member.project_id)
    script = open_project(Script(scene, draw), project)
    script.link("Members", "roles belong to members")
    oracle = script.stop(member.role, f"{member.account} is listed as {member.role}")
    values = {"name": member.account, "project": project.name}
    return Draft("What is the role of {name} in the project {project}?", values, oracle, exactly(member.role))


def _donors(scene: Scene, draw: random.Random) -> Draft:
    project = draw.choice(scene.all(Project))
    script = open_project(Script(scene, draw), project)
    script.link("README.md", "if it is told anywhere, then in the readme")
    return Draft(
        "How much money was donated to the project {project} last year?",
        {"project": project.name},
        script.stop("N/A", "the project says nothing about donations"),
        nothing(),
        note="Projects do not tell anything about donations.",
    )


def _closed(scene: Scene, draw: random.Random) -> Draft:
    project = draw.choice(scene.all(Project))
    script = open_project(Script(scene, draw), project)
    script.link("Issues", "I need the list of issues")
    script.link("Closed", "only the closed ones are wanted")
    return Draft(
        "Show me the closed issues of the project {project}.",
        {"project": project.name},
        script.stop("done", "the closed issues are listed"),
        reference_url=f"{base(project)}/-/issues?state=closed",
        url_note="EXACT",
    )


def _labelled(scene: Scene, draw: random.Random) -> Draft:
    project = draw.choice(scene.all(Project))
    label = draw.choice(
        [each.name for each in scene.all(Label) if each.project_id == project.id and " " not in each.name]
    )
    script = open_project(Script(scene, draw), project)
    script.link("Issues", "labels are on issues")
    script.link(label, "this link keeps the issues with the label")
    return Draft(
        "List the open issues of the project {project} that carry the label {label}.",
        {"project": project.name, "label": label},
        script.stop("done", "the list is narrowed down to the label"),
        reference_url=f"{base(project)}/-/issues?state=open&label={label}",
        url_note="GOLD in PRED",
    )


def _close(scene: Scene, draw: random.Random) -> Draft:
    project = own_project(scene, draw)
    issue = _open_issue(scene, draw, project)
    script = _to_issue(Script(scene, draw), project, issue)
    script.button("Close issue", "it is still open")
    return Draft(
        "Close the issue “{title}” of my project {project}.",
        {"title": issue.title, "project": project.name},
        script.stop("done", "its state is closed"),
        pages=(reads(f"{base(project)}/-/issues/{issue.number}", "closed", locator=text_of("#issue_state")),),
    )


def _label(scene: Scene, draw: random.Random) -> Draft:
    project = own_project(scene, draw)
    issue = _open_issue(scene, draw, project)
    held = {each.label for each in _labels_of(scene, issue)}
    label = draw.choice(
        [each.name for each in scene.all(Label) if each.project_id == project.id and each.name not in held]
    )
    script = _to_issue(Script(scene, draw), project, issue)
    script.click("checkbox", label, "this label must be on the issue")
    script.button("Save labels", "the box is ticked")
    return Draft(
        "Put the label “{label}” on the issue “{title}” of my project {project}.",
        {"label": label, "title": issue.title, "project": project.name},
        script.stop("done", "the label is there"),
        pages=(shows(f"{base(project)}/-/issues/{issue.number}", label, locator=text_of("#issue_labels")),),
    )


def _labels_of(scene: Scene, issue: Issue) -> list[IssueLabel]:
    place = (issue.project_id, issue.number)
    return [each for each in scene.all(IssueLabel) if (each.project_id, each.number) == place]


def _assign(scene: Scene, draw: random.Random) -> Draft:
    project = own_project(scene, draw)
    issue = _open_issue(scene, draw, project)
    people = [each.name for each in scene.all(Account) if each.site == "gitlab" and each.name != issue.assignee]
    name = draw.choice(people)
    script = _to_issue(Script(scene, draw), project, issue)
    script.type("textbox", "Assignee", name, "the person's name goes here")
    script.button("Assign", "the name is filled in")
    return Draft(
        "Assign the issue “{title}” of my project {project} to {name}.",
        {"title": issue.title, "project": project.name, "name": name},
        script.stop("done", f"the assignee is {name}"),
        pages=(reads(f"{base(project)}/-/issues/{issue.number}", f"@{name}", locator=text_of("#issue_assignee")),),
    )


def _create(scene: Scene, draw: random.Random) -> Draft:
    project = draw.choice(scene.all(Project))
    title = f"Please add notes on {draw.choice(TOPICS)}, part {draw.randint(2, 99)}"
    script = open_project(Script(scene, draw), project)
    script.link("Issues", "new issues are made on the page of issues")
    script.link("New issue", "this opens the form")
    script.type("textbox", "Title", title, "the title was given to me")
    script.button("Create issue", "a title is all that is needed")
    return Draft(
        "Open an issue with the title “{title}” in the project {project}.",
        {"title": title, "project": project.name},
        script.stop("done", "the new issue is shown"),
        reference_url=f"{base(project)}/-/issues",
        pages=(reads("last", title, locator=text_of("h1")),),
    )


def _reply(scene: Scene, draw: random.Random) -> Draft:
    merge = draw.choice([each for each in scene.all(MergeRequest) if each.state == "open"])
    project = next(each for each in scene.all(Project) if each.id == merge.project_id)
    text = draw.choice(("Looks good to me", "Please add a test", "I will review it tomorrow", "Can you split it?"))
    script = open_project(Script(scene, draw), project)
    script.link("Merge requests", "it is a merge request of this project")
    script.link(merge.title, "this is the merge request")
    script.type("textbox", "Comment", text, "the comment goes here")
    script.button("Post comment", "the text is complete")
    return Draft(
        "Comment “{text}” on the merge request “{title}” of the project {project}.",
        {"text": text, "title": merge.title, "project": project.name},
        script.stop("done", "my comment is the last one"),
        pages=(reads(f"{base(project)}/-/merge_requests/{merge.number}", text, locator=_LAST_NOTE),),
    )


def _invite(scene: Scene, draw: random.Random) -> Draft:
    project, role = own_project(scene, draw), draw.choice(ROLES)
    name = _stranger(scene, draw, project)
    script = open_project(Script(scene, draw), project)
    script.link("Members", "people are invited on the page of members")
    script.type("textbox", "Account", name, "this is who must be invited")
    script.click("radio", role, "this is the role")
    script.button("Invite", "name and role are chosen")
    url = f"{base(project)}/-/project_members"
    return Draft(
        "Invite {name} to my project {project} as {role}.",
        {"name": name, "project": project.name, "role": role},
        script.stop("done", "the list of members holds the new one"),
        pages=(
            shows(url, role, locator=f"func:gitlab_get_project_memeber_role(__page__, '{name}')"),
            shows(url, f"@{name}", locator=_NAMES),
        ),
    )


def _start_project(scene: Scene, draw: random.Random) -> Draft:
    name = f"plan-{draw.choice(TOPICS).split()[-1]}-{draw.randint(100, 999)}"
    script = Script(scene, draw).link("New project", "this opens the form for a project")
    script.type("textbox", "Project name", name, "the name was given to me")
    script.button("Create project", "nothing else is needed")
    return Draft(
        "Start a project of my own with the name {name}.",
        {"name": name},
        script.stop("done", "the project's page is open"),
        pages=(shows(f"__GITLAB__/{scene.user}/{name}", f"{scene.user} / {name}"),),
    )


TEMPLATES: Final = (
    Template("code-version", "gitlab", _version),
    Template("code-port", "gitlab", _port),
    Template("code-role", "gitlab", _role),
    Template("code-donations", "gitlab", _donors),
    Template("code-closed", "gitlab", _closed),
    Template("code-labelled", "gitlab", _labelled),
    Template("code-close", "gitlab", _close),
    Template("code-label", "gitlab", _label),
    Template("code-assign", "gitlab", _assign),
    Template("code-issue", "gitlab", _create),
    Template("code-reply", "gitlab", _reply),
    Template("code-invite", "gitlab", _invite),
    Template("code-project", "gitlab", _start_project),
)
